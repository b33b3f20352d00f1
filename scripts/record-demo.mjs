// Records `npm run demo` as docs/demo.svg, the README's picture: each line appears at the time it was printed, in a
// loop. Run `node scripts/record-demo.mjs` after the demo has changed.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const LINE = 19
const CHARACTER = 8.05
const MARGIN = 18
const REST_S = 6
const COLORS = { Anna: '#7ee787', Meta: '#e3b341', Lull: '#79c0ff', Bot: '#d2a8ff' }

const file = path => fileURLToPath(new URL(path, import.meta.url))

const child = spawn(process.execPath, [file('demo.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] })
const lines = []
let startedAt
for await (const text of createInterface({ input: child.stdout })) {
  // The clock starts with the first event. Lines before it are visible from the start.
  if (/^ +0\.0 s/.test(text)) startedAt ??= performance.now()
  lines.push({ text, atS: startedAt === undefined ? 0 : (performance.now() - startedAt) / 1000 })
}

const lengthS = (lines.at(-1)?.atS ?? 0) + REST_S
const width = Math.ceil(Math.max(...lines.map(({ text }) => text.length)) * CHARACTER + 2 * MARGIN)
const height = lines.length * LINE + 2 * MARGIN

const rows = lines.map(({ text, atS }, i) => {
  const from = ((atS / lengthS) * 100).toFixed(2)
  return {
    style:
      atS === 0
        ? ''
        : `@keyframes l${i}{0%,${from}%{opacity:0}${(Number(from) + 0.01).toFixed(2)}%,100%{opacity:1}}\n#l${i}{animation:l${i} ${lengthS.toFixed(1)}s infinite}`,
    text: `<text id="l${i}" x="${MARGIN}" y="${MARGIN + (i + 0.75) * LINE}">${colored(text)}</text>`,
  }
})

writeFileSync(
  file('../docs/demo.svg'),
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(lines.map(({ text }) => text).join('\n'))}">
<style>
text{font:13.4px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#c9d1d9;white-space:pre}
.dim{fill:#8b949e}.who,.title{font-weight:bold}
@media (prefers-reduced-motion){text{animation:none!important}}
${rows
  .map(({ style }) => style)
  .filter(Boolean)
  .join('\n')}
</style>
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
${rows.map(({ text }) => text).join('\n')}
</svg>
`,
)

function colored(text) {
  const [, time, who, what, note] = /^( +[\d.]+ s {2})(\S*) +(.*?)(?: {2,}(.*))?$/.exec(text) ?? []
  if (time === undefined) return tspan(/^\d {2}/.test(text) ? 'title' : /^ {3}\S/.test(text) ? 'row' : 'dim', text)
  const gap = text.slice(time.length + who.length).match(/^ */)[0]
  const rest = note === undefined ? '' : text.slice(0, text.length - note.length).match(/ *$/)[0]
  const color = COLORS[who]
  return (
    tspan('dim', time) +
    (color ? `<tspan class="who" fill="${color}">${escaped(who)}</tspan>` : escaped(who)) +
    escaped(gap + what + rest) +
    (note === undefined ? '' : tspan('dim', note))
  )
}

function tspan(name, text) {
  return `<tspan class="${name}">${escaped(text)}</tspan>`
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

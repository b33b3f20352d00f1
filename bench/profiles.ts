/** What a process spends its CPU on, from a profile that Node wrote (`--cpu-prof`): the time in functions by their file. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { shown } from './figures.js'

interface Profile {
  /** In µs of the system's monotonic clock, as `process.hrtime` has it. */
  startTime: number
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
}

export interface Share {
  what: string
  /** Of the time in which the process was not idle. */
  share: number
  /** The most expensive functions, the first first. */
  functions: { name: string; share: number }[]
}

/** Which file belongs to what; the first that matches. */
const KINDS: [RegExp, string][] = [
  [/^\(garbage collector\)/, 'garbage collection'],
  [/^\(program\)/, 'outside JavaScript: libuv, the HTTP parser, the kernel'],
  [/^(writev|writeUtf8String|writeLatin1String|writeBuffer|shutdown)$/, 'writes to sockets: the kernel'],
  [/^node:(internal\/)?(_http|http)/, "Node's HTTP"],
  [
    /^node:(net|stream|_stream|internal\/(stream|js_stream|net)|events|buffer|internal\/buffer|string_decoder)/,
    'sockets, streams, events, buffers',
  ],
  [
    /^node:(internal\/process|internal\/timers|timers|internal\/async|async|diagnostics|internal\/util)/,
    'ticks, timers, async hooks',
  ],
  [/^node:/, 'other parts of Node'],
  [/\/zod\//, 'zod'],
  [/\/(ioredis|redis-parser|@ioredis|denque|standard-as-callback|lodash)/, 'ioredis'],
  [
    /\/(koa|koa-compose|@koa|on-finished|ee-first|statuses|delegates|http-errors|accepts|type-is|raw-body|bytes|unpipe|iconv-lite|content-disposition|cookies|fresh|vary|parseurl)\//,
    'Koa and its packages',
  ],
  [/\/prom-client\//, 'prom-client'],
  [/\/(pino|sonic-boom|fast-redact)/, 'pino'],
  [/^src\/(http)\//, 'src/http: body, bounds, reply'],
  [/^src\/api\//, 'src/api'],
  [/^src\/webhook\//, 'src/webhook: sender, persons, plan'],
  [/^src\/providers\//, 'src/providers'],
  [/^src\/store\/redis\//, 'src/store/redis'],
  [/^src\/(metrics|observer)/, 'src/metrics'],
  [/^src\//, 'src: batcher, rules, checks'],
]

/** A part of a run: from and to, in µs of the monotonic clock. */
export type Span = [fromUs: number, toUs: number]

/** @param spans other times are left out: the start of the process, and the rounds of others */
export async function sharesOf(file: string, spans: Span[]): Promise<Share[]> {
  const { startTime, nodes, samples, timeDeltas }: Profile = JSON.parse(await readFile(file, 'utf8'))
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const bundles = new Bundles()
  const byKind = new Map<string, Map<string, number>>()
  let busy = 0
  let atUs = startTime
  for (const [i, id] of samples.entries()) {
    const { functionName = '', url = '', lineNumber = 0 } = frames.get(id) ?? {}
    const delta = timeDeltas[i] ?? 0
    atUs += delta
    if (functionName === '(idle)' || !spans.some(([fromUs, toUs]) => atUs >= fromUs && atUs < toUs)) continue
    busy += delta
    const place = url === '' ? functionName : await bundles.source(url, lineNumber)
    const kind = KINDS.find(([pattern]) => pattern.test(place))?.[1] ?? 'natives of V8 and Node'
    const functions = byKind.get(kind) ?? new Map<string, number>()
    byKind.set(kind, functions)
    const name = url === '' ? functionName : `${functionName || '(anonymous)'} ${place}:${lineNumber + 1}`
    functions.set(name, (functions.get(name) ?? 0) + delta)
  }
  return [...byKind]
    .map(([what, times]) => {
      const functions = [...times]
        .map(([name, time]) => ({ name, share: time / busy }))
        .sort((a, b) => b.share - a.share)
      return { what, share: functions.reduce((sum, { share }) => sum + share, 0), functions }
    })
    .sort((a, b) => b.share - a.share)
}

const FUNCTIONS_SHOWN = 6

/** @param us what all of it takes for one request */
export function linesOf(shares: Share[], us: number): string {
  const line = (share: number, what: string) =>
    `${shown(share * 100, 1).padStart(6)} % ${shown(share * us, 1).padStart(6)} µs  ${what}`
  return shares
    .flatMap(({ what, share, functions }) => [
      line(share, what),
      ...functions.slice(0, FUNCTIONS_SHOWN).map(each => `      ${line(each.share, each.name)}`),
    ])
    .join('\n')
}

/** Finds the source of a line of a bundle: esbuild writes a comment with the file's name before each file. */
class Bundles {
  private readonly lines = new Map<string, Promise<string[]>>()

  async source(url: string, line: number): Promise<string> {
    if (!url.startsWith('file:')) return url
    const path = fileURLToPath(url)
    if (!path.includes('/dist/')) return path
    const lines = this.lines.get(path) ?? sourcesIn(path)
    this.lines.set(path, lines)
    return (await lines)[line] ?? path
  }
}

/** For each line of a bundle the file it comes from. */
async function sourcesIn(path: string): Promise<string[]> {
  let source = path
  return (await readFile(path, 'utf8')).split('\n').map(line => {
    const found = /^\s*\/\/ (?:\.\.\/\S*?)?((?:src|node_modules)\/\S+)$/.exec(line)?.[1]
    if (found !== undefined) source = found.startsWith('node_modules') ? `/${found}` : found
    return source
  })
}

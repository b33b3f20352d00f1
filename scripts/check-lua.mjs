// Runs luacheck (Debian and Ubuntu: `apt-get install lua-check`) on the Lua scripts as Redis gets them, with what they include, and
// reports what it finds at the place in the file itself. Skipped with a notice if luacheck is not installed.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { assembleLua } from './embed-lua.mjs'

const CONFIG = fileURLToPath(new URL('../.luacheckrc', import.meta.url))
const FINDING = /^stdin:(\d+):(\d+): (\(([EW]\d+)\).*)$/gm
/** W211, W221, W231 and the like: a name that this script does not use. */
const UNUSED = /^W2/
/** A parameter or a local with the name of a local outside: an included file does not know those of the script. */
const SHADOWS = /^W43/

function luacheck(lines) {
  const input = lines.map(({ text }) => text).join('\n')
  const args = ['-', '--config', CONFIG, '--codes', '--formatter', 'plain', '--no-color', '--filename', 'stdin']
  const { error, stdout, stderr, status } = spawnSync('luacheck', args, { input, encoding: 'utf8' })
  if (error) throw error
  if (status > 2) throw new Error(`luacheck: ${stderr || stdout}`)
  return [...stdout.matchAll(FINDING)]
    .map(([, number, column, text, code]) => {
      const { file, line } = lines[number - 1]
      return { at: `src/store/redis/lua/${file}:${line}:${column}`, text, code, file }
    })
    .filter(({ code, file }) => !(SHADOWS.test(code) && file.startsWith('shared/')))
}

/** What is unused in an included file counts only if every script that includes the file finds it so. */
function findings() {
  const found = new Map()
  const includedBy = new Map()
  for (const { lines } of assembleLua()) {
    for (const file of new Set(lines.map(({ file }) => file))) includedBy.set(file, (includedBy.get(file) ?? 0) + 1)
    for (const finding of luacheck(lines)) {
      const key = `${finding.at}: ${finding.text}`
      found.set(key, { ...finding, times: (found.get(key)?.times ?? 0) + 1 })
    }
  }
  return [...found].flatMap(([text, { code, file, times }]) =>
    UNUSED.test(code) && times < includedBy.get(file) ? [] : [text],
  )
}

try {
  const found = findings()
  for (const text of found) console.error(text)
  if (found.length > 0) process.exitCode = 1
} catch (error) {
  if (error.code !== 'ENOENT') throw error
  console.error(
    'luacheck is not installed: the Lua scripts were not checked (Debian, Ubuntu: apt-get install lua-check)',
  )
}

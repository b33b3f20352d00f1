// Embeds the Lua scripts into src/store/redis/lua.generated.ts: `tsc` copies no .lua, and a bundler finds no file at run time.
// A line `--- include "name"` is replaced by shared/name.lua, unless that is included already. shared/names.lua is generated from
// the tables in keys.ts.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { shrinkLua } from './shrink-lua.mjs'

const INCLUDE = /^(\s*)--- include "([\w-]+)"$/
/** An entry of a table in keys.ts, `name: '.part',`, and the comment above it. */
const KEY = /(?:^ {2}\/\*\* (.+) \*\/\n)?^ {2}(\w+): '([^']+)',$/gm

const redis = new URL('../src/store/redis/', import.meta.url)
const folder = new URL('lua/', redis)
const NAMES = 'shared/names.lua'

/**
 * The lines of a file and of its includes, each with its place. What is included inside a function is known there, and what
 * is included before the function too.
 */
function linesOf(file, included = new Set(), indent = '') {
  let inside
  return readFileSync(new URL(file, folder), 'utf8')
    .trimEnd()
    .split('\n')
    .flatMap((text, i) => {
      const [, inner, name] = INCLUDE.exec(text) ?? []
      if (!name) {
        if (/^\S/.test(text)) inside = undefined
        return [{ text, indent, file, line: i + 1 }]
      }
      if (inner) inside ??= new Set(included)
      const known = inner ? inside : included
      if (known.has(name)) return []
      known.add(name)
      return linesOf(`shared/${name}.lua`, known, indent + inner)
    })
}

/** Every script by its name: its lines, with their places. */
export function assembleLua() {
  writeNames()
  const files = readdirSync(folder).filter(file => file.endsWith('.lua'))
  return files.sort().map(file => ({ name: file.slice(0, -'.lua'.length), lines: linesOf(file) }))
}

export function embedLua() {
  const sources = assembleLua().map(({ name, lines }) => {
    const source = shrinkLua(lines.map(({ indent, text }) => indent + text).join('\n'))
    return [name, `  ${JSON.stringify(name)}: ${JSON.stringify(source)},\n`]
  })
  const names = sources.map(([name]) => JSON.stringify(name)).join(' | ')
  const texts = sources.map(([, text]) => text).join('')
  // The type is written out, as that of the texts would be as long as they are.
  writeIfChanged(
    new URL('lua.generated.ts', redis),
    `// Made from lua/*.lua by scripts/embed-lua.mjs.\nexport type ScriptName = ${names}\nexport const luaSources: Readonly<Record<ScriptName, string>> = {\n${texts}}\n`,
  )
}

function writeNames() {
  const constants = [...readFileSync(new URL('keys.ts', redis), 'utf8').matchAll(KEY)].map(([, about, name, part]) => {
    const constant = name.replace(/[A-Z]/g, capital => `_${capital}`).toUpperCase()
    return `${about ? `-- ${about}\n` : ''}local ${constant} = '${part}'\n`
  })
  writeIfChanged(
    new URL(NAMES, folder),
    `-- Generated from keys.ts by scripts/embed-lua.mjs. A name in Redis is the prefix, one of these and, for some, an id.
local P = KEYS[1]
-- A script that looks it up once takes some 3 % less time.
local call = redis.call

${constants.join('')}`,
  )
}

function writeIfChanged(target, text) {
  let current = ''
  try {
    current = readFileSync(target, 'utf8')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  if (text !== current) writeFileSync(target, text)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) embedLua()

// Embeds the Lua scripts into src/store/redis/lua.generated.ts: `tsc` copies no .lua, and a bundler finds no file at run time.
// A line `--- include "name"` is replaced by shared/name.lua, the first time it is met in a script.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const INCLUDE = /^--- include "([\w-]+)"$/

const folder = new URL('../src/store/redis/lua/', import.meta.url)
const target = fileURLToPath(new URL('../src/store/redis/lua.generated.ts', import.meta.url))

function withIncludes(file, included) {
  return readFileSync(new URL(file, folder), 'utf8')
    .trimEnd()
    .split('\n')
    .flatMap(line => {
      const name = INCLUDE.exec(line)?.[1]
      if (!name) return [line]
      if (included.has(name)) return []
      included.add(name)
      return withIncludes(`shared/${name}.lua`, included)
    })
}

export function embedLua() {
  const files = readdirSync(folder)
    .filter(file => file.endsWith('.lua'))
    .sort()
  const sources = files.map(file => {
    const source = withIncludes(file, new Set()).join('\n')
    return `  ${JSON.stringify(file.slice(0, -'.lua'.length))}: ${JSON.stringify(source)},\n`
  })
  const text = `// Made from lua/*.lua by scripts/embed-lua.mjs.\nexport const luaSources = {\n${sources.join('')}} as const\n`
  let current = ''
  try {
    current = readFileSync(target, 'utf8')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  if (text !== current) writeFileSync(target, text)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) embedLua()

// Writes the library's types: the declarations that dist/…/index.d.ts leads to, for ESM and for CommonJS. Part of the
// build, or `node scripts/declare.mjs <folder>`.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runScript, runToEnd } from './steps.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
/** `from './batch.js'`, and `import("./batch.js")` in a type. */
const RELATIVE = /\b(?:from|import\()\s*["'](\.[^"']+)\.js["']/g
const ZOD = /\b(from |import\()(["'])zod\2/g
/** `z.ZodType`, `z.core.$ZodType`, `import("zod").ZodString`. */
const ZOD_NAME = /\b(?:z|import\("zod"\))\.(?:core\.)?(\$\w+|Zod\w+|output|input)\b/g

/** @throws if the sources do not compile; the compiler has printed why */
export async function declare(dist) {
  const all = join(dist, 'declarations')
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  // What only Lull itself may call is marked @internal.
  const flags = ['--declaration', '--emitDeclarationOnly', '--noEmitOnError', '--stripInternal']
  const code = await runToEnd(process.execPath, [tsc, '--project', 'tsconfig.json', ...flags, '--outDir', all], {
    cwd: root,
  })
  if (code !== 0) throw new Error('the sources do not compile: see above')
  const zod = await readFile(join(root, 'scripts/zod.d.ts'), 'utf8')
  const files = new Map([['zod.d.ts', zod]])
  for (const file of await reachable(join(all, 'index.d.ts')))
    files.set(relative(all, file), withoutZod(relative(all, file), await readFile(file, 'utf8'), zod))
  for (const format of ['esm', 'cjs'])
    for (const [path, text] of files) {
      const target = join(dist, format, path)
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, text)
    }
  await rm(all, { recursive: true })
}

async function reachable(file, found = new Set()) {
  if (found.has(file)) return found
  found.add(file)
  for (const [, path] of (await readFile(file, 'utf8')).matchAll(RELATIVE))
    await reachable(join(dirname(file), `${path}.d.ts`), found)
  return found
}

/** Names our own file for zod's types. @throws if it lacks one */
function withoutZod(path, text, zod) {
  const unknown = [...text.matchAll(ZOD_NAME)].map(([, name]) => name).filter(name => !declares(zod, name))
  if (unknown.length > 0)
    throw new Error(`${path} names zod's type ${unknown[0]}, which scripts/zod.d.ts lacks: add it there`)
  const up = relative(dirname(path), '.')
  return text.replace(ZOD, `$1$2${up === '' ? '.' : up}/zod.js$2`)
}

const declares = (zod, name) => new RegExp(`\\b(interface|type) ${name.replace('$', '\\$')}\\b`).test(zod)

if (process.argv[1] === fileURLToPath(import.meta.url)) await runScript(() => declare(process.argv[2]))

// Builds dist/ from src/: embeds the Lua scripts, bundles (bundle.mjs) and writes the types (declare.mjs). Skipped if
// dist/ was built from the same sources. A failed build leaves the last one in place. `node scripts/build.mjs`, or
// `buildIfNeeded()`.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from './bundle.mjs'
import { declare } from './declare.mjs'
import { embedLua } from './embed-lua.mjs'
import { runScript, say } from './steps.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const STAMP = '.built-from'
const SCRIPTS = ['build', 'bundle', 'declare', 'embed-lua'].map(name => `scripts/${name}.mjs`)
const INPUTS = ['package.json', 'package-lock.json', 'tsconfig.json', 'scripts/zod.d.ts', ...SCRIPTS]
const GENERATED = 'lua.generated.ts'
const SWAP_ATTEMPTS = 5

/** @throws if the sources do not compile; the compiler has printed why */
export async function buildIfNeeded() {
  const sources = await fingerprint()
  if (existsSync(join(dist, 'esm/bin.js')) && (await builtFrom()) === sources) return
  say('building …')
  embedLua()
  const fresh = `${dist}.${process.pid}`
  try {
    await Promise.all([bundle(fresh), declare(fresh)])
    // The page has no build step, so its files are copied.
    await cp(join(root, 'src/dashboard'), join(fresh, 'dashboard'), { recursive: true })
    await chmod(join(fresh, 'esm/bin.js'), 0o755)
    await writeFile(join(fresh, STAMP), sources)
    await swapIn(fresh)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

/** A hash of all files that the build reads. */
async function fingerprint() {
  const inSource = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true })
  const files = inSource
    .filter(entry => entry.isFile() && entry.name !== GENERATED)
    .map(entry => join(entry.parentPath, entry.name))
    .concat(INPUTS.map(file => join(root, file)))
    .sort()
  const hash = createHash('sha256')
  const contents = await Promise.all(files.map(file => readFile(file)))
  for (const [i, content] of contents.entries()) {
    hash.update(`${files[i]?.slice(root.length)}\0${content.length}\0`)
    hash.update(content)
  }
  return hash.digest('hex')
}

async function builtFrom() {
  try {
    return await readFile(join(dist, STAMP), 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Replaces dist/ by renaming, so that no half-written one is ever there. Another build may do the same at this moment.
 */
async function swapIn(fresh) {
  const old = `${fresh}.old`
  for (let attempt = 1; ; attempt++) {
    try {
      await rename(dist, old)
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
    }
    await rm(old, { recursive: true, force: true })
    try {
      await rename(fresh, dist)
      return
    } catch (error) {
      if (attempt === SWAP_ATTEMPTS || !['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runScript(buildIfNeeded)

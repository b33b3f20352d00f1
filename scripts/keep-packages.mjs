// `node scripts/keep-packages.mjs bullmq`: removes from node_modules what a running Lull does not need. It keeps the
// dependencies of package.json, the optional packages that are named (none: all), and what these need, in the locked
// versions. A server is set up so: npm would install no optional package, or not in its locked version. With `--list`
// first it only prints their paths.
import { readFileSync, rmSync } from 'node:fs'

const root = new URL('../', import.meta.url)

/**
 * The paths of the packages to keep.
 * @param {{ packages: Record<string, object> }} lock package-lock.json
 * @param {string[]} [optional] names of optional packages; by default all
 */
function packagesToKeep({ packages }, optional = Object.keys(packages['']?.peerDependencies ?? {})) {
  const kept = new Set()
  const waiting = [...Object.keys(packages['']?.dependencies ?? {}), ...optional].map(name => ({ name, from: '' }))
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const path = installed(packages, next.name, next.from)
    if (path === undefined) {
      if (next.isNeeded === false) continue
      throw new Error(`${next.name} is not in package-lock.json`)
    }
    if (kept.has(path)) continue
    kept.add(path)
    const {
      dependencies = {},
      optionalDependencies = {},
      peerDependencies = {},
      peerDependenciesMeta = {},
    } = packages[path]
    const peers = Object.keys(peerDependencies).filter(name => !peerDependenciesMeta[name]?.optional)
    for (const name of [...Object.keys(dependencies), ...peers])
      waiting.push({ name, from: path, isNeeded: !(name in optionalDependencies) })
    for (const name of Object.keys(optionalDependencies)) waiting.push({ name, from: path, isNeeded: false })
  }
  return kept
}

/** Where Node finds a package that the one at `from` imports. */
function installed(packages, name, from) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`
    if (packages[path]) return path
    if (folder === '') return undefined
  }
}

const args = process.argv.slice(2)
const isList = args[0] === '--list'
const optional = isList ? args.slice(1) : args
const lock = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8'))
const kept = packagesToKeep(lock, optional.length > 0 ? optional : undefined)
if (isList) {
  process.stdout.write([...kept, ''].join('\n'))
} else {
  for (const path of Object.keys(lock.packages))
    if (path !== '' && !kept.has(path)) rmSync(new URL(path, root), { recursive: true, force: true })
  rmSync(new URL('node_modules/.bin', root), { recursive: true, force: true })
}

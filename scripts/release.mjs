// `npm run release -- 0.2.0`: makes a release of this checkout, on this machine alone. Nothing is pushed or published: the
// commands for that are printed at the end.
//
//   changelog   [Unreleased] in CHANGELOG.md gets the version and today's date
//   version     in package.json and package-lock.json
//   pack        the tarball, with the list of all packages in it (SBOM, CycloneDX) beside it, in releases/
//   test        what `npm publish` would refuse, and the tarball's own tests (test/package/)
//   tag         commits both files and tags the commit, vX.Y.Z
//
// `--dry-run` does the same in a copy that is thrown away, and neither commits nor tags; with `--skip-tests` it leaves out
// the tarball's tests. If a step fails, the files are put back.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runScript, runToEnd, say } from './steps.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const VERSION = /^\d+\.\d+\.\d+(-[\w.]+)?$/
const UNRELEASED = '## [Unreleased]\n'
const FILES = ['CHANGELOG.md', 'package.json', 'package-lock.json']
const FOLDER = 'releases'
const MOST_BYTES = 100_000_000

async function release() {
  const args = process.argv.slice(2)
  const isDryRun = args.includes('--dry-run')
  const skipsTests = isDryRun && args.includes('--skip-tests')
  const [version] = args.filter(arg => !arg.startsWith('--'))
  if (version === undefined || !VERSION.test(version))
    throw new Error('give the version: npm run release -- 0.2.0 [--dry-run]')
  const git = (...command) => execFileSync('git', command, { cwd: root, encoding: 'utf8' }).trim()
  if (!isDryRun && git('status', '--porcelain') !== '')
    throw new Error('there are uncommitted changes: commit or stash them')
  if (git('tag', '--list', `v${version}`) !== '') throw new Error(`there is a tag v${version} already`)
  if (!isDryRun) return releaseIn(root, version, { git })
  const copy = mkdtempSync(join(tmpdir(), 'lull-release-'))
  try {
    // Of the files as they are: CI runs this before a commit, too.
    const files = git('ls-files', '--cached', '--others', '--exclude-standard', '-z').split('\0').filter(Boolean)
    for (const file of files) if (existsSync(join(root, file))) cpSync(join(root, file), join(copy, file))
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    await releaseIn(copy, version, { skipsTests })
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** @param git commits and tags; without it, nothing does */
async function releaseIn(folder, version, { git, skipsTests = false }) {
  const before = FILES.map(file => [join(folder, file), readFileSync(join(folder, file))])
  try {
    changeFiles(folder, version)
    const { tarball, sbom } = await pack(folder, version)
    await check(folder, skipsTests)
    if (!git) {
      say(`dry run: ${version} can be released`)
      return
    }
    git('add', ...FILES)
    git('commit', '--message', `Release ${version}`)
    git('tag', '--annotate', `v${version}`, '--message', `Lull ${version}`)
    say(`made ${tarball} and ${sbom}, and the tag v${version}. To publish:\n
  git push && git push origin v${version}
  npm publish ${tarball}\n`)
  } catch (error) {
    for (const [file, content] of before) writeFileSync(file, content)
    throw error
  }
}

function changeFiles(folder, version) {
  const changelog = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8')
  const [, changes = ''] = changelog.split(UNRELEASED)
  if (!/^- /m.test(changes.split(/^## /m)[0] ?? ''))
    throw new Error('CHANGELOG.md has nothing under [Unreleased]: write down what is new')
  const today = new Date().toISOString().slice(0, 10)
  writeFileSync(
    join(folder, 'CHANGELOG.md'),
    changelog.replace(UNRELEASED, `${UNRELEASED}\n## [${version}] - ${today}\n`),
  )
  for (const file of ['package.json', 'package-lock.json']) {
    const content = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    content.version = version
    if (content.packages) content.packages[''].version = version
    writeFileSync(join(folder, file), `${JSON.stringify(content, null, 2)}\n`)
  }
}

async function pack(folder, version) {
  const releases = join(folder, FOLDER)
  mkdirSync(releases, { recursive: true })
  await run(folder, 'npm', ['pack', '--pack-destination', releases, '--loglevel=error'])
  const sbom = join(releases, `lull-${version}.cdx.json`)
  const content = sbomOf(folder)
  writeFileSync(sbom, `${JSON.stringify(content, null, 2)}\n`)
  say(`the SBOM lists ${content.components.map(component => component['bom-ref']).join(', ')}`)
  return { tarball: join(releases, `lull-${version}.tgz`), sbom }
}

/** npm's list, of the packages that users install with Lull and of those that are part of its files. */
function sbomOf(folder) {
  const command = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only']
  const all = JSON.parse(execFileSync('npm', command, { cwd: folder, encoding: 'utf8', maxBuffer: MOST_BYTES }))
  const licences = readFileSync(join(folder, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8')
  const bundled = [...licences.matchAll(/^(\S+) (\d\S+): /gm)].map(([, name, version]) => `${name}@${version}`)
  const { packages } = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'))
  const needed = Object.entries(packages)
    .filter(([path, { dev, optional, devOptional, peer }]) => path !== '' && !(dev || optional || devOptional || peer))
    .map(([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`)
  const own = all.metadata.component['bom-ref']
  const kept = new Set([own, ...needed, ...bundled])
  return {
    ...all,
    components: all.components.filter(component => kept.has(component['bom-ref'])),
    dependencies: all.dependencies
      .filter(({ ref }) => kept.has(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(each => kept.has(each)) })),
  }
}

async function check(folder, skipsTests) {
  await run(folder, 'npm', ['publish', '--dry-run', '--loglevel=error'])
  if (!skipsTests) await run(folder, process.execPath, ['scripts/test.mjs', 'test/package/**/*.test.ts'])
}

async function run(cwd, command, args) {
  const code = await runToEnd(command, args, { cwd })
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: nothing is released`)
}

await runScript(release)

/**
 * A valkey-server for the tests: one on PATH, else Debian's. A Debian that has none yet (bookworm) gets that of the
 * next release, unpacked into a folder with the libraries that it needs: nothing is installed, and no root is needed.
 */
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from './processes.js'
import { binaryAt, type RedisBinary } from './redis-servers.js'

/** The first release of Debian that has Valkey, 8.1. LULL_TEST_VALKEY_SUITE=sid: the latest. */
const FIRST_SUITE = 'trixie'
/** Valkey's programs are one binary, whose name tells it what it is. */
const PACKAGE = 'valkey-tools'
const PROGRAM = 'usr/bin/valkey-check-rdb'
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
/** Debian's names of an architecture: of its folder of libraries, and of the program loader in it. */
const LIBRARIES: Partial<Record<NodeJS.Architecture, [folder: string, loader: string]>> = {
  x64: ['x86_64-linux-gnu', 'ld-linux-x86-64.so.2'],
  arm64: ['aarch64-linux-gnu', 'ld-linux-aarch64.so.1'],
}
const REMEDY = 'install Valkey (brew install valkey, dnf install valkey, pacman -S valkey), so that it is on PATH'

/** @throws one line with the remedy, if there is none to be had */
export async function obtainValkey(say: (line: string) => void): Promise<RedisBinary> {
  const wanted = process.env['LULL_TEST_VALKEY_SUITE']
  const suite = wanted ?? FIRST_SUITE
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'lull', `valkey-${suite}`)
  const unpacked = join(folder, 'valkey-server')
  const found = (wanted === undefined ? await binaryAt('valkey-server') : undefined) ?? (await binaryAt(unpacked))
  if (found) return found
  const libraries = LIBRARIES[process.arch]
  const archive = await debianArchive()
  if (!archive || !libraries) throw new Error(`no valkey-server here: ${REMEDY}`)
  say(`no valkey-server here: unpacking that of Debian ${suite} into ${folder} …`)
  await unpack({ archive, suite }, folder, libraries)
  const binary = await binaryAt(unpacked)
  if (!binary) throw new Error(`${unpacked} was unpacked and is not there`)
  return binary
}

/** Where this machine gets its Debian packages from; undefined if it is no Debian. */
async function debianArchive(): Promise<string | undefined> {
  try {
    const lines = await runCommand('apt-get', ['indextargets', '--format', '$(ORIGIN) $(REPO_URI)'])
    return /^Debian (\S+\/debian\/?)$/m.exec(lines)?.[1]
  } catch {
    // No apt-get.
    return undefined
  }
}

async function unpack(
  { archive, suite }: { archive: string; suite: string },
  folder: string,
  [libraries, loader]: [string, string],
): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'lull-valkey-'))
  try {
    const files = join(work, 'files')
    for (const name of ['sources', 'lists/partial', 'archives/partial', 'files'])
      await mkdir(join(work, name), { recursive: true })
    const source = `Types: deb\nURIs: ${archive}\nSuites: ${suite}\nComponents: main\nSigned-By: ${KEYRING}\n`
    await writeFile(join(work, 'sources/debian.sources'), source)
    // Nothing counts as installed, so that all that it needs is fetched too.
    await writeFile(join(work, 'status'), '')
    const apt = (...args: string[]) => runCommand('apt-get', [...ownState(work), ...args])
    await apt('update', '-q')
    await apt('install', '-q', '-y', '--download-only', '--no-install-recommends', PACKAGE)
    const archives = (await readdir(join(work, 'archives'))).filter(name => name.endsWith('.deb'))
    for (const name of archives) await runCommand('dpkg-deb', ['-x', join(work, 'archives', name), files])
    const at = `"$(dirname "$0")"/files`
    const run = `exec ${at}/usr/lib/${libraries}/${loader} --library-path ${at}/usr/lib/${libraries}`
    await writeFile(join(work, 'valkey-server'), `#!/bin/sh\n${run} --argv0 valkey-server ${at}/${PROGRAM} "$@"\n`)
    await chmod(join(work, 'valkey-server'), 0o755)
    for (const name of ['sources', 'lists', 'archives', 'status']) await rm(join(work, name), { recursive: true })
    await mkdir(join(folder, '..'), { recursive: true })
    await rename(work, folder)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** apt with its own state, beside the system's. */
function ownState(work: string): string[] {
  const options = {
    'Dir::Etc::SourceList': '/dev/null',
    'Dir::Etc::SourceParts': join(work, 'sources'),
    'Dir::State': work,
    'Dir::State::Lists': join(work, 'lists'),
    'Dir::State::status': join(work, 'status'),
    'Dir::Cache': work,
    'Dir::Cache::Archives': join(work, 'archives'),
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': 'root',
  }
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

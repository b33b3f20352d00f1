/** Packs this checkout and installs the tarball elsewhere, as a user does. */
import { mkdtemp, realpath, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { runCommand } from './processes.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error']
export const INSTALL_TIMEOUT_MS = 180_000

const packed = z.array(z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) }))

export interface Packed {
  tarball: string
  /** The paths of the files in it. */
  paths: string[]
}

/** A new folder with a package.json that has `npm i lull` behind it. The caller removes it. */
export async function installedPackage(): Promise<{ folder: string; bin: string } & Packed> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'lull-package-')))
  const result = await pack(folder)
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
  await install(folder, result.tarball)
  return { folder, bin: join(folder, 'node_modules/.bin/lull'), ...result }
}

/** @param source the folder of the package; by default this checkout */
export async function pack(destination: string, source: string = root): Promise<Packed> {
  const output = await runCommand('npm', ['pack', '--json', '--pack-destination', destination, ...QUIET], {
    cwd: source,
  })
  // The output of `prepare` goes before it.
  const [made] = packed.parse(JSON.parse(output.slice(output.indexOf('['))))
  if (!made) throw new Error('npm pack made nothing')
  return { tarball: join(destination, made.filename), paths: made.files.map(({ path }) => path) }
}

export const install = (folder: string, ...what: string[]): Promise<string> =>
  runCommand('npm', ['install', '--prefer-offline', ...QUIET, ...what], { cwd: folder })

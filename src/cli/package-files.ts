/**
 * The command line's own package: its version, and the files beside package.json.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

/** Folders to go up from src/cli or dist/esm/cli, at most. */
const FARTHEST_UP = 4

const root = findRoot()

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (let i = 0; i < FARTHEST_UP && !existsSync(join(folder, 'package.json')); i++) folder = dirname(folder)
  return folder
}

/** The path of a file of the package; `undefined` if it does not exist. */
export function packageFile(name: string): string | undefined {
  const path = join(root, name)
  return existsSync(path) ? path : undefined
}

export function packageVersion(): string {
  const file = packageFile('package.json')
  return file ? z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8'))).version : 'unknown'
}

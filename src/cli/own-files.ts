/** The files under `.lull/`: they hold people's messages, so only their owner may read them. */
import { chmodSync, lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const OWN_FOLDER = 0o700
export const OWN_FILE = 0o600
/** What a process may not give to others: files are made 0600, folders 0700. */
const OWN_UMASK = 0o077

/**
 * Makes the folder. If it exists, an earlier Lull or a copy may have left it open to others: its rights and those of
 * everything in it are set anew.
 */
export function makeOwnFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: OWN_FOLDER })
  chmodSync(folder, OWN_FOLDER)
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name)
    // A link leads elsewhere; a socket has its rights from Redis.
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (stat?.isDirectory()) chmodSync(path, OWN_FOLDER)
    else if (stat?.isFile()) chmodSync(path, OWN_FILE)
  }
}

/** Runs `start`, which starts a program: the files that the program makes are its owner's alone. */
export function withOwnUmask<T>(start: () => T): T {
  const before = process.umask(OWN_UMASK)
  try {
    return start()
  } finally {
    process.umask(before)
  }
}

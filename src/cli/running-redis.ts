/**
 * The private Redis that run now, so that commands find them from every directory: a folder of this user's with a link
 * for each `lull up` that has one. The link has the process's id as its name, and leads to the folder `.lull`.
 *
 * A link alone proves nothing: a `lull up` may have been killed. It counts if the lock in its folder names this process,
 * the process lives and the server answers. The folder is used only if it is this user's alone: whoever writes into it
 * decides where commands send people's messages.
 */
import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { answers, isAlive, ownerIn, privatePlace } from './private-redis-lock.js'

const OWN_FOLDER = 0o700
const OTHERS = 0o077
/** Links that are looked at. */
const MOST = 100
const PROCESS_ID = /^\d+$/

export interface RunningRedis {
  /** Of the `lull up`. */
  pid: number
  directory: string
  socket: string
}

/**
 * Where the links are: in the user's runtime folder, or where there is none in the temporary folder.
 * @param runtimeFolder what XDG_RUNTIME_DIR names
 */
export function linksFolder(runtimeFolder: string | undefined): string {
  const uid = process.getuid?.() ?? 0
  const folder = [runtimeFolder, `/run/user/${uid}`].find(path => path !== undefined && isOwn(path))
  return folder === undefined ? join(tmpdir(), `lull-${uid}`) : join(folder, 'lull')
}

/**
 * Lets commands in other directories find the private Redis of this process. Returns what ends that.
 * @throws if the folder of the links cannot be made, or others may write into it
 */
export function announce(directory: string, links: string): () => void {
  mkdirSync(links, { recursive: true, mode: OWN_FOLDER })
  if (!isOwn(links)) throw new Error(`${links} is not this user's alone: remove it`)
  const link = join(links, String(process.pid))
  // An earlier process had the same id.
  rmSync(link, { force: true })
  symlinkSync(privatePlace(directory).folder, link)
  return () => rmSync(link, { force: true })
}

/** Those that answer now. Removes the links of processes that have ended. */
export async function runningRedis(links: string): Promise<RunningRedis[]> {
  if (!isOwn(links)) return []
  const names = readdirSync(links).filter(name => PROCESS_ID.test(name))
  const found = await Promise.all(names.slice(0, MOST).map(name => runningBehind(join(links, name), Number(name))))
  return found.flatMap(one => one ?? [])
}

async function runningBehind(link: string, pid: number): Promise<RunningRedis | undefined> {
  if (!isAlive(pid)) {
    rmSync(link, { force: true })
    return undefined
  }
  const directory = directoryBehind(link)
  if (directory === undefined) return undefined
  const { lockFile, socket: usual } = privatePlace(directory)
  const owner = ownerIn(lockFile)
  if (owner?.pid !== pid) return undefined
  const named = owner.socket ?? usual
  // A path that is too long for a socket is given relative to its directory; the link makes it short.
  const socket = isAbsolute(named) ? named : join(link, 'redis.sock')
  return (await answers(socket)) ? { pid, directory, socket } : undefined
}

function directoryBehind(link: string): string | undefined {
  try {
    return dirname(readlinkSync(link))
  } catch {
    // It has been removed, or is no link.
    return undefined
  }
}

/** Whether it is a folder that only this user may read and write. */
function isOwn(folder: string): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false })
  if (!stat?.isDirectory()) return false
  return stat.uid === process.getuid?.() && (stat.mode & OTHERS) === 0
}

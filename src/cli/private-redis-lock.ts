/**
 * One private Redis a directory: two on the same files would destroy each other's data. The lock, `.lull/up.pid`, holds
 * two lines: the id of the `lull up` process that started the server, and the address of the server's socket. It is
 * valid only while that process lives. A server that outlived its `lull up` (which was killed) is told to save and end,
 * and the next `lull up` takes over its data.
 */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { OWN_FILE } from './own-files.js'

/** For so long after it has taken the lock a `lull up` may still wait for its Redis to start. */
const STARTING_MS = 30_000
const END_TIMEOUT_MS = 10_000
const LOOK_AGAIN_MS = 25
/** Longest path of a socket that the system allows: 104 bytes on macOS, with the end. */
const LONGEST_SOCKET_PATH = 103

/** Where the private Redis of a directory has its files. */
export interface PrivatePlace {
  folder: string
  lockFile: string
  /** Relative to the working directory, which must be `directory`, if the whole path would be too long. */
  socket: string
}

export function privatePlace(directory: string): PrivatePlace {
  const folder = join(directory, '.lull')
  const whole = join(folder, 'redis.sock')
  const socket = Buffer.byteLength(whole) <= LONGEST_SOCKET_PATH ? whole : join('.lull', 'redis.sock')
  return { folder, lockFile: join(folder, 'up.pid'), socket }
}

/** The socket of the private Redis of a `lull up` that runs in this directory; `undefined` if there is none. */
export async function runningPrivateRedis(directory: string): Promise<string | undefined> {
  const { lockFile, socket } = privatePlace(directory)
  const owner = ownerIn(lockFile)
  if (!owner || !isAlive(owner.pid)) return undefined
  const address = owner.socket ?? socket
  return existsSync(address) && (await answers(address)) ? address : undefined
}

/** Whether a server answers there, and has loaded its data. */
export async function answers(socket: string): Promise<boolean> {
  const client = new Redis({
    path: socket,
    lazyConnect: true,
    retryStrategy: null,
    connectionName: `lull.up.${process.pid}`,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.ping()
    return true
  } catch {
    // It does not answer.
    return false
  } finally {
    client.disconnect()
  }
}

/**
 * Takes the lock for this process, until the returned function is called.
 * @throws one line if another process has it
 */
export async function lock(file: string, socket: string): Promise<() => void> {
  const owner = ownerIn(file)
  const running = existsSync(socket) && (await answers(socket))
  if (owner && isAlive(owner.pid) && (running || owner.ageMs < STARTING_MS))
    throw new Error(
      `another lull up (process ${owner.pid}) runs in this directory with a Redis of its own: stop it, use it with ` +
        `REDIS_URL=${socket}, or start this one elsewhere`,
    )
  if (running) await endOrphan(socket)
  rmSync(file, { force: true })
  // Fails if another process was quicker.
  writeFileSync(file, `${process.pid}\n${socket}\n`, { flag: 'wx', mode: OWN_FILE })
  return () => rmSync(file, { force: true })
}

export interface Owner {
  pid: number
  /** Absent in the lock of an earlier version. */
  socket?: string
  ageMs: number
}

/** The owner that a lock names. Our own process id is that of an earlier container: they count from the same number. */
export function ownerIn(file: string): Owner | undefined {
  if (!existsSync(file)) return undefined
  const [id = '', socket = ''] = readFileSync(file, 'utf8').split('\n')
  const pid = Number.parseInt(id, 10)
  if (!Number.isInteger(pid) || pid === process.pid) return undefined
  return { pid, ...(socket === '' ? {} : { socket }), ageMs: Date.now() - statSync(file).mtimeMs }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // It runs, as another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function endOrphan(socket: string): Promise<void> {
  const client = new Redis({ path: socket, lazyConnect: true, retryStrategy: null })
  client.on('error', () => {})
  await client.connect()
  // It answers by closing the connection.
  await client.shutdown().catch(() => {})
  client.disconnect()
  const deadline = performance.now() + END_TIMEOUT_MS
  while (await answers(socket)) {
    if (performance.now() > deadline) throw new Error(`the Redis at ${socket} does not end: stop it by hand`)
    await delay(LOOK_AGAIN_MS)
  }
}

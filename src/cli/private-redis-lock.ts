/**
 * One private Redis a directory: two on the same files would destroy each other's data, so `.lull/up.pid` says whose it
 * is. One that outlived its `lull up` (which was killed) is told to save and end, and its data are taken over.
 */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'

/** So long after it has taken the lock a `lull up` may still be waiting for its Redis. */
const STARTING_MS = 30_000
const END_TIMEOUT_MS = 10_000
const LOOK_AGAIN_MS = 25

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
    // That is the answer.
    return false
  } finally {
    client.disconnect()
  }
}

/**
 * Makes `file` say that this process is the one, until the returned function is called.
 * @throws one line where another process is
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
  // Fails where another one was quicker.
  writeFileSync(file, `${process.pid}\n`, { flag: 'wx' })
  return () => rmSync(file, { force: true })
}

/** Who wrote `file`. A process id of our own is that of an earlier container: they count from the same number. */
function ownerIn(file: string): { pid: number; ageMs: number } | undefined {
  if (!existsSync(file)) return undefined
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10)
  if (!Number.isInteger(pid) || pid === process.pid) return undefined
  return { pid, ageMs: Date.now() - statSync(file).mtimeMs }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // There, but another user's.
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

/**
 * The private Redis of `lull up`, for a machine that has the program but runs none. It starts with the package's
 * redis.conf, on a socket under `.lull/` that only this user may open, keeps its data beside it, and stops with `lull
 * up`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { makeOwnFolder, OWN_FILE, withOwnUmask } from './own-files.js'
import { packageFile } from './package-files.js'
import { answers, lock, privatePlace } from './private-redis-lock.js'
import { oneLine } from './show/escape.js'

const PROGRAMS = ['redis-server', 'valkey-server']
const OLDEST_REDIS_MAJOR = 7
const START_TIMEOUT_MS = 30_000
const END_TIMEOUT_MS = 10_000
const LOOK_AGAIN_MS = 25

export interface ServerProgram {
  command: string
  version: string
}

export interface PrivateRedis {
  /** Path of its socket. */
  socket: string
  folder: string
  /** Asks it to save and end; after `timeoutMs` it is killed. May be called twice. */
  stop(timeoutMs: number): Promise<void>
}

/** The Redis or Valkey server on PATH; `tooOld` names those that are not new enough. */
export async function findProgram(): Promise<{ program?: ServerProgram; tooOld: string[] }> {
  const tooOld: string[] = []
  for (const command of PROGRAMS) {
    const version = await versionOf(command)
    if (version === undefined) continue
    if (command !== 'redis-server' || Number.parseInt(version, 10) >= OLDEST_REDIS_MAJOR)
      return { program: { command, version }, tooOld }
    tooOld.push(`${command} ${version}`)
  }
  return { tooOld }
}

async function versionOf(command: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(command, ['--version'])
    return /\bv=(\d[\w.-]*)/.exec(stdout)?.[1] ?? '0'
  } catch {
    // Not installed, or not executable.
    return undefined
  }
}

/**
 * Resolves when the server answers.
 * @param onEnd called if the server ends by itself
 * @throws one line with the remedy; nothing is left running then
 */
export async function startPrivateRedis(
  { command }: ServerProgram,
  directory: string,
  onEnd: (error: Error) => void,
): Promise<PrivateRedis> {
  const { folder, lockFile, socket } = privatePlace(directory)
  makeOwnFolder(folder)
  // Keeps people's messages out of the repository.
  writeFileSync(join(folder, '.gitignore'), '*\n', { mode: OWN_FILE })
  const unlock = await lock(lockFile, socket)
  try {
    const child = launch(command, folder)
    const stop = stopper(child, unlock, error => onEnd(new Error(`${error}; see ${join(folder, 'redis.log')}`)))
    try {
      await Promise.race([answering(socket), failing(child, folder)])
    } catch (error) {
      await stop(END_TIMEOUT_MS)
      throw error
    }
    return { socket, folder, stop }
  } catch (error) {
    unlock()
    throw error
  }
}

function launch(command: string, folder: string): ChildProcess {
  const conf = packageFile('redis.conf')
  const own = { port: '0', unixsocket: 'redis.sock', unixsocketperm: '700', dir: folder, daemonize: 'no' }
  const files = { logfile: 'redis.log', pidfile: '' }
  const settings = Object.entries({ ...own, ...files }).flatMap(([name, value]) => [`--${name}`, value])
  // In its own process group: Ctrl-C must reach only `lull up`, which needs Redis to stop cleanly.
  return withOwnUmask(() =>
    spawn(command, [...(conf ? [conf] : []), ...settings], { detached: true, stdio: ['ignore', 'ignore', 'pipe'] }),
  )
}

function stopper(child: ChildProcess, unlock: () => void, onEnd: (error: string) => void): PrivateRedis['stop'] {
  let wanted = false
  const ended = new Promise<void>(resolve => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  })
  // Runs however this process ends, except by SIGKILL.
  const end = () => void child.kill('SIGTERM')
  process.once('exit', end)
  child.once('exit', (code, signal) => {
    process.off('exit', end)
    unlock()
    if (!wanted) onEnd(`the private Redis ended by itself (${signal ?? `exit code ${code}`})`)
  })
  return async timeoutMs => {
    wanted = true
    end()
    const kill = setTimeout(() => child.kill('SIGKILL'), Math.max(timeoutMs, 1))
    await ended
    clearTimeout(kill)
  }
}

/** Rejects if the server ends before it answers, with what it wrote to standard error. */
function failing(child: ChildProcess, folder: string): Promise<never> {
  let said = ''
  child.stderr?.on('data', chunk => {
    if (said.length < 1000) said += String(chunk)
  })
  return new Promise((_, reject) => {
    child.once('error', error => reject(new Error(`${child.spawnfile} could not be started: ${error.message}`)))
    child.once('close', () => {
      const reason = said.trim() === '' ? `see ${join(folder, 'redis.log')}` : oneLine(said)
      reject(new Error(`${child.spawnfile} ended as it started (${reason}): set REDIS_URL, or give --embedded`))
    })
  })
}

async function answering(socket: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!(await answers(socket))) {
    if (performance.now() > deadline) throw new Error(`the private Redis did not answer within ${START_TIMEOUT_MS} ms`)
    await delay(LOOK_AGAIN_MS)
  }
}

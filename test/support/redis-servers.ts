/**
 * Redis servers that belong to the tests: a process of a local redis-server or valkey-server, or a container of
 * `redis:7`. Both can be stopped, killed, frozen and restarted on the same port, with the data that they have written.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { within } from '../../src/within.js'
import { onceAProcess } from './once-a-process.js'
import { until } from './wait.js'

export interface RedisServer {
  url: string
  port: number
  pid: number
  /** Ends it and deletes its data. May be called twice. */
  stop(): Promise<void>
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>
  /** Restarts it on the same port and files, also after `kill`; after `stop`, without its data. */
  restart(): Promise<void>
  /** Freezes it: it keeps its connections and answers nothing, until `resume`. */
  pause(): Promise<void>
  resume(): Promise<void>
}

export interface RedisBinary {
  path: string
  /** Like `7.0.15`; a Valkey's own number. */
  version: string
}

export const IMAGE = 'redis:7'
/** The oldest version that Lull supports. Every version of Valkey is supported. */
export const OLDEST_MAJOR = 7

const START_TIMEOUT_MS = 20_000
const PULL_TIMEOUT_MS = 180_000
const STOP_TIMEOUT_MS = 1000
const BINARIES = ['redis-server', 'valkey-server']
/** Nothing is written to disk, unless a test's `args` say so: they come later, and the last one counts. */
const DEFAULTS = ['--save', '', '--appendonly', 'no', '--protected-mode', 'no']

const run = promisify(execFile)

/** The one that `npm test -- --redis=valkey` names; else the first on PATH that is new enough; else the first one. */
export async function findRedisBinary(): Promise<RedisBinary | undefined> {
  let tooOld: RedisBinary | undefined
  const named = process.env['LULL_TEST_REDIS_BINARY']
  for (const path of named === undefined ? BINARIES : [named]) {
    const binary = await binaryAt(path)
    if (binary && isNewEnough(binary)) return binary
    tooOld ??= binary
  }
  return tooOld
}

/** @param path or a name on PATH */
export async function binaryAt(path: string): Promise<RedisBinary | undefined> {
  try {
    const { stdout } = await run(path, ['--version'])
    return { path, version: /v=(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? 'unknown' }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

export const isNewEnough = ({ version }: RedisBinary) => Number.parseInt(version, 10) >= OLDEST_MAJOR

/** Below the ports that systems assign by themselves (from 32,768). Each lane of `npm test` has its own range. */
const FIRST_PORT = 20_000
const PORTS_A_LANE = 2400
const lane = Number(process.env['LULL_TEST_LANE'] ?? 0)
const ports = onceAProcess('ports', () => ({ given: Math.floor(Math.random() * PORTS_A_LANE) }))

/** A port to listen on later. No other caller gets the same one. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_A_LANE; tries++) {
    const port = FIRST_PORT + lane * PORTS_A_LANE + (ports.given++ % PORTS_A_LANE)
    if (await isFree(port)) return port
  }
  throw new Error(`no port is free among the ${PORTS_A_LANE} of lane ${lane}`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false
    throw error
  } finally {
    await new Promise(resolve => server.close(resolve))
  }
}

/**
 * @param args as on redis-server's command line
 * @param config the first contents of a configuration file, which the server may rewrite; undefined: none
 */
export async function startLocalRedis(binary: RedisBinary, args: string[] = [], config?: string): Promise<RedisServer> {
  const port = await freePort()
  const dir = await mkdtemp(join(tmpdir(), 'lull-redis-'))
  let child: ChildProcess
  let exited: Promise<unknown>

  const configFile = join(dir, 'server.conf')

  const start = async () => {
    await mkdir(dir, { recursive: true })
    // One that is there is the server's own by now.
    if (config !== undefined) await appendFile(configFile, existsSync(configFile) ? '' : config)
    process.off('exit', atExit).once('exit', atExit)
    const output: string[] = []
    const own = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir]
    const all = [...(config === undefined ? [] : [configFile]), ...DEFAULTS, ...own, ...args]
    const started = spawn(binary.path, all, { stdio: ['ignore', 'pipe', 'pipe'] })
    started.stdout.on('data', data => output.push(String(data)))
    started.stderr.on('data', data => output.push(String(data)))
    child = started
    exited = once(child, 'exit')
    await until(() => started.exitCode !== null || answers(port), { timeoutMs: START_TIMEOUT_MS, what: binary.path })
    if (started.exitCode !== null)
      throw new Error(`${binary.path} ended at its start: ${output.join('').trim().split('\n').slice(-3).join(' | ')}`)
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    // A frozen process only reacts to these two signals.
    child.kill('SIGCONT')
    child.kill(signal)
    await exited
  }
  /** A test run that is cut short leaves no server behind. */
  const atExit = () => void child.kill('SIGKILL')
  await start()

  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return child.pid ?? 0
    },
    async stop() {
      await end('SIGTERM')
      process.off('exit', atExit)
      await rm(dir, { recursive: true, force: true })
    },
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM')
      await start()
    },
    async pause() {
      child.kill('SIGSTOP')
    },
    async resume() {
      child.kill('SIGCONT')
    },
  }
}

/** Whether testcontainers finds a container engine that answers. */
export async function hasContainerEngine(): Promise<boolean> {
  const { getContainerRuntimeClient } = await import('testcontainers')
  try {
    await getContainerRuntimeClient()
    return true
  } catch {
    // testcontainers throws a plain error if there is none.
    return false
  }
}

/** @throws if the image cannot be pulled, or the container does not start */
export async function startRedisContainer(args: string[] = []): Promise<RedisServer> {
  // A fixed port: a restarted container would get another one.
  const port = await freePort()
  let { started, container } = await runContainer(port, args)
  const host = started.getHost()
  const isAnswering = () =>
    until(() => answers(port, host), { timeoutMs: START_TIMEOUT_MS, what: `${IMAGE} to answer` })
  await isAnswering()
  let pid = (await container.inspect()).State.Pid
  let stopped = false

  return {
    url: `redis://${host}:${port}`,
    port,
    get pid() {
      return pid
    },
    async stop() {
      if (stopped) return
      stopped = true
      await started.stop({ timeout: STOP_TIMEOUT_MS })
    },
    kill: () => container.kill(),
    async restart() {
      if (stopped) ({ started, container } = await runContainer(port, args))
      else await container.restart({ t: STOP_TIMEOUT_MS / 1000 })
      stopped = false
      await isAnswering()
      pid = (await container.inspect()).State.Pid
    },
    pause: () => container.pause(),
    resume: () => container.unpause(),
  }
}

async function runContainer(port: number, args: string[]) {
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers')
  const starting = new GenericContainer(IMAGE)
    .withCommand(['redis-server', ...DEFAULTS, ...args])
    .withExposedPorts({ container: 6379, host: port })
    .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'))
    .withStartupTimeout(START_TIMEOUT_MS)
    .start()
  const started = await within(starting, PULL_TIMEOUT_MS, () => {
    throw new Error(`${IMAGE} did not start within ${PULL_TIMEOUT_MS / 1000} s`)
  })
  const client = await getContainerRuntimeClient()
  return { started, container: client.container.getById(started.getId()) }
}

/** Whether a Redis answers a PING. An error counts as an answer, except the one that says that it is still loading. */
async function answers(port: number, host = '127.0.0.1'): Promise<boolean> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect')
    socket.write('PING\r\n')
    const reply = await once(socket, 'data', { signal: AbortSignal.timeout(1000) })
    return !String(reply[0]).startsWith('-LOADING')
  } catch {
    // Not there yet.
    return false
  } finally {
    socket.destroy()
  }
}

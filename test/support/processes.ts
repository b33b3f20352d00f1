/** Runs `lull` as a process, as users do: the built package, with its own environment and working directory. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onceAProcess } from './once-a-process.js'
import { track } from './open.js'
import { until } from './wait.js'

export { freePort } from './redis-servers.js'

export interface ProcessEnd {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface LullProcess {
  pid: number
  /** Lines so far. */
  stdout: string[]
  stderr: string[]
  /** The working directory: empty at the start, and removed when the process has ended. */
  cwd: string
  /** Resolves when the process has ended and its output has been read. */
  exit: Promise<ProcessEnd>
  /** The first line of either output that matches, now or within the bound; rejects if the process ends without one. */
  line(pattern: RegExp, timeoutMs?: number): Promise<string>
  send(signal: NodeJS.Signals): void
  /** Signals the process and waits for its end; rejects if it has to be killed. May be called twice. */
  stop(signal?: NodeJS.Signals): Promise<ProcessEnd>
  /** SIGKILL. */
  kill(): Promise<ProcessEnd>
}

export interface LullOptions {
  /** Instead of an empty temporary directory. */
  cwd?: string
  /** An installed package's, instead of this checkout's. */
  bin?: string
  /** How long `stop` waits; above LULL_SHUTDOWN_MS. */
  stopTimeoutMs?: number
}

const STOP_TIMEOUT_MS = 30_000
const LINE_TIMEOUT_MS = 20_000
const root = fileURLToPath(new URL('../..', import.meta.url))

const state = onceAProcess('build', (): { built?: Promise<unknown> } => ({}))

/** Builds what has changed, once a run. */
export function build(): Promise<unknown> {
  state.built ??= runNode([join(root, 'scripts/build.mjs')])
  return state.built
}

/**
 * Starts `lull`.
 * @param args `['up', '--embedded']`
 * @param env added to PATH and HOME, so that no setting of the person who runs the tests gets in
 */
export async function lull(
  args: string[],
  env: Record<string, string | undefined> = {},
  { bin, ...options }: LullOptions = {},
): Promise<LullProcess> {
  if (bin === undefined) await build()
  return start(
    `lull ${args.join(' ')}`,
    [process.execPath, bin ?? join(root, 'dist/esm/bin.js'), ...args],
    env,
    options,
  )
}

/** Starts a file of examples/, which imports the built package, as users do. */
export async function example(file: string, env: Record<string, string | undefined> = {}): Promise<LullProcess> {
  await build()
  return start(file, [process.execPath, join(root, 'examples', file)], env, {})
}

/** Starts `npm run demo -- <args>` without npm. */
export async function demo(args: string[], env: Record<string, string | undefined> = {}): Promise<LullProcess> {
  await build()
  return start(`demo ${args.join(' ')}`, [process.execPath, join(root, 'scripts/demo.mjs'), ...args], env, {})
}

/** Starts a script of test/support/, which imports the built package. */
export async function supportScript(file: string, env: Record<string, string | undefined> = {}): Promise<LullProcess> {
  await build()
  return start(file, [process.execPath, join(root, 'test/support', file)], env, {})
}

/** Starts a program of Node's, for one that was compiled. */
export const nodeProgram = (path: string, env: Record<string, string | undefined> = {}): Promise<LullProcess> =>
  start(path, [process.execPath, path], env, {})

/** Starts a Python file of examples/. */
export const pythonExample = (file: string, env: Record<string, string | undefined> = {}): Promise<LullProcess> =>
  start(file, ['python3', join(root, 'examples', file)], env, {})

/** What keeps Python from running here; `undefined`: nothing. */
export function noPython(): string | undefined {
  const { error, status } = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))'])
  if (error) return 'there is no python3'
  return status === 0 ? undefined : 'python3 is older than 3.9'
}

async function start(
  what: string,
  [command, ...args]: [string, ...string[]],
  env: Record<string, string | undefined>,
  { cwd: givenCwd, stopTimeoutMs = STOP_TIMEOUT_MS }: LullOptions,
): Promise<LullProcess> {
  const cwd = givenCwd ?? (await mkdtemp(join(tmpdir(), 'lull-cwd-')))
  const child = spawn(command, args, {
    cwd,
    // Its own runtime folder: it must not find what other tests and people run.
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], XDG_RUNTIME_DIR: cwd, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const name = `${what} (pid ${child.pid})`
  const stdout = collectLines(child.stdout)
  const stderr = collectLines(child.stderr)
  const output = () => [...stdout, ...stderr].slice(-5).join(' | ') || 'nothing'
  let ended: ProcessEnd | undefined
  const atExit = () => void child.kill('SIGKILL')
  process.once('exit', atExit)

  const exit = once(child, 'close').then(async (): Promise<ProcessEnd> => {
    ended = { code: child.exitCode, signal: child.signalCode }
    process.off('exit', atExit)
    forget()
    if (givenCwd === undefined) await rm(cwd, { recursive: true, force: true })
    return ended
  })
  const kill = () => {
    child.kill('SIGKILL')
    return exit
  }
  const forget = track(name, kill)
  await once(child, 'spawn')

  return {
    pid: child.pid ?? 0,
    stdout,
    stderr,
    cwd,
    exit,
    line(pattern, timeoutMs = LINE_TIMEOUT_MS) {
      const find = () => stdout.find(line => pattern.test(line)) ?? stderr.find(line => pattern.test(line))
      return until(
        () => {
          const line = find()
          if (line === undefined && ended) throw new Error(`${name} ended without ${pattern}; its output: ${output()}`)
          return line
        },
        { timeoutMs, what: () => `${name} to print ${pattern}; its output: ${output()}` },
      )
    },
    send: signal => void child.kill(signal),
    kill,
    async stop(signal = 'SIGTERM') {
      if (ended) return ended
      child.kill(signal)
      const timer = setTimeout(kill, stopTimeoutMs)
      const end = await exit
      clearTimeout(timer)
      if (end.signal === 'SIGKILL')
        throw new Error(`${name} was still there ${stopTimeoutMs} ms after ${signal}; its output: ${output()}`)
      return end
    },
  }
}

/** Runs a Node script to its end and resolves to its standard output; rejects with its output if it fails. */
export async function runNode(
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  return runCommand(process.execPath, args, options)
}

/** Runs a command to its end and resolves to its standard output; rejects with its output if it fails. */
export async function runCommand(
  command: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const forget = track(`${command} ${args.join(' ')}`, async () => child.kill('SIGKILL'))
  const stdout: string[] = []
  const stderr: string[] = []
  child.stdout.on('data', data => stdout.push(String(data)))
  child.stderr.on('data', data => stderr.push(String(data)))
  await once(child, 'close').finally(forget)
  if (child.exitCode === 0) return stdout.join('')
  throw new Error(
    `${command} ${args.join(' ')} ended with ${child.exitCode ?? child.signalCode}: ${[...stdout, ...stderr].join('')}`,
  )
}

function collectLines(stream: NodeJS.ReadableStream): string[] {
  const lines: string[] = []
  createInterface({ input: stream }).on('line', line => lines.push(line))
  return lines
}

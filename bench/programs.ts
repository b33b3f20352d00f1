/**
 * Programs that are measured from outside: Lull's roles as users start them, and the routes that they are compared
 * with.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pidusage from 'pidusage'
import { freePort } from '../test/support/redis-servers.js'

const LULL = fileURLToPath(new URL('../dist/esm/bin.js', import.meta.url))
const ROUTE = fileURLToPath(new URL('peers/route.mjs', import.meta.url))
const ANSWER = fileURLToPath(new URL('peers/answer.mjs', import.meta.url))
const START_MS = 20_000

const running = new Set<Program>()

export class Program {
  private constructor(
    private readonly process: ChildProcess,
    readonly url: string,
  ) {
    running.add(this)
    process.on('exit', () => running.delete(this))
  }

  get pid(): number {
    return this.process.pid ?? 0
  }

  /**
   * A role of Lull. Its log is off, since the other routes have none.
   * @param bin of another build @param node arguments for Node @param env more settings
   */
  static lull(
    role: 'api' | 'processor' | 'worker',
    redis: string,
    gapMs: number,
    { bin = LULL, node = [], env = {} }: { bin?: string; node?: string[]; env?: Record<string, string> } = {},
  ): Promise<Program> {
    return Program.start([...node, bin, role], {
      REDIS_URL: redis,
      LULL_QUIET_GAP_MS: String(gapMs),
      LULL_BATCH_TTL_MS: String(gapMs + 60_000),
      LULL_WORKER_HANDLER: ANSWER,
      LULL_WORKER_CONCURRENCY: '100',
      LOG_LEVEL: 'error',
      ...env,
    })
  }

  /** @param node arguments for Node */
  static route(kind: 'bare' | 'bullmq', redis: string, gapMs: number, node: string[] = []): Promise<Program> {
    return Program.start([...node, '--import=tsx', ROUTE, kind], {}, [redis, String(gapMs)])
  }

  private static async start(args: string[], env: Record<string, string>, last: string[] = []): Promise<Program> {
    const port = await freePort()
    const ops = await freePort()
    const { PATH = '', HOME = '' } = process.env
    const child = spawn(process.execPath, last.length > 0 ? [...args, String(port), ...last] : args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { PATH, HOME, NODE_ENV: 'production', PORT: String(port), LULL_OPS_PORT: String(ops), ...env },
    })
    const program = new Program(child, `http://127.0.0.1:${port}`)
    const readyAt = last.length > 0 ? `http://127.0.0.1:${port}/` : `http://127.0.0.1:${ops}/readyz`
    const deadline = Date.now() + START_MS
    for (;;) {
      const response = await fetch(readyAt).catch(() => undefined)
      if (response && (last.length > 0 || response.ok)) return program
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${args.join(' ')} did not start`)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  async stop(): Promise<void> {
    if (!running.has(this)) return
    const exit = once(this.process, 'exit')
    this.process.kill('SIGTERM')
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 5000)
    await exit
    clearTimeout(timer)
  }
}

/** The CPU time of a process since its start, in milliseconds. */
export const cpuMsOf = async (pid: number): Promise<number> => (await pidusage(pid)).ctime

export const stopPrograms = () => Promise.all([...running].map(program => program.stop()))

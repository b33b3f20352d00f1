/** The processes of a run. Like PM2, it restarts a process that has ended, until it is stopped. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { within } from '../../src/within.js'
import { SHUTDOWN_MS } from './settings.js'

const START_AGAIN_MS = 300
const STOP_MARGIN_MS = 3000
const LAST_LINES = 3

export interface Program {
  name: string
  /** Arguments of `node`. */
  args: string[]
  env: Record<string, string>
}

/** What a process must not do. */
export interface Misbehaviour {
  name: string
  atMs: number
  what: string
}

export class Member {
  readonly misbehaved: Misbehaviour[] = []
  starts = 0
  private child: ChildProcess | undefined
  private wanted = true
  private held: Promise<void> = Promise.resolve()
  private readonly running: Promise<void>
  private said: string[] = []

  constructor(
    private readonly program: Program,
    private readonly dir: string,
  ) {
    this.running = this.keepUp()
  }

  /** SIGKILL; the process stays down for `forMs`. */
  async kill(forMs: number): Promise<void> {
    this.held = delay(forMs)
    this.child?.kill('SIGKILL')
    await this.held
  }

  async freeze(forMs: number): Promise<void> {
    const { child } = this
    child?.kill('SIGSTOP')
    await delay(forMs)
    child?.kill('SIGCONT')
  }

  /** SIGTERM; the process must end cleanly within its bound, and stays down for `forMs`. */
  async restart(forMs: number): Promise<void> {
    this.held = delay(forMs)
    await this.end()
    await this.held
  }

  /** Ends the process and does not restart it. */
  async stop(): Promise<void> {
    this.wanted = false
    await this.end()
    await this.running
  }

  private async end(): Promise<void> {
    const { child } = this
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await within(exited, SHUTDOWN_MS + STOP_MARGIN_MS, () => {
      this.note(`has not ended ${SHUTDOWN_MS + STOP_MARGIN_MS} ms after SIGTERM`)
      child.kill('SIGKILL')
    })
  }

  private async keepUp(): Promise<void> {
    const { name, args, env } = this.program
    const output = createWriteStream(join(this.dir, `${name}.log`), { flags: 'a' })
    const atExit = () => void this.child?.kill('SIGKILL')
    process.once('exit', atExit)
    while (this.wanted) {
      const child = spawn(process.execPath, args, {
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      this.child = child
      this.starts += 1
      this.said = []
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (data: Buffer) => {
          output.write(data)
          this.said = [...this.said, ...data.toString().trim().split('\n')].slice(-LAST_LINES)
        })
      await once(child, 'close')
      this.judge(child)
      await this.held
      if (this.wanted) await delay(START_AGAIN_MS)
    }
    process.off('exit', atExit)
    output.end()
  }

  /** A failed start that gives its reason (Redis is away) is allowed, also during a SIGTERM; a crash is not. */
  private judge({ exitCode, signalCode }: ChildProcess): void {
    const last = this.said.join(' | ')
    if (/an uncaught error|not stopped within|FATAL|heap out of memory/.test(last)) this.note(`ended: ${last}`)
    else if (signalCode === 'SIGTERM' && last === '')
      return // Node itself was still starting.
    else if (signalCode !== null && signalCode !== 'SIGKILL') this.note(`ended by ${signalCode}: ${last}`)
    else if (exitCode !== null && exitCode > 1) this.note(`ended with ${exitCode}: ${last}`)
  }

  private note(what: string): void {
    this.misbehaved.push({ name: this.program.name, atMs: Date.now(), what })
  }
}

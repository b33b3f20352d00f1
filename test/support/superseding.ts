/**
 * Processes whose answers can be superseded, and what their handlers print: for tests that kill or suspend them.
 */
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import { type LullProcess, lull, supportScript } from './processes.js'
import { testRedis, uniquePrefix } from './redis.js'
import { until } from './wait.js'

const fileIn = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const EARLY_START_MS = 30
const LEASE_MS = 1000
const BATCH_TTL_MS = 2000
const LOCK_MS = 1000

export interface Printed {
  batchId: string
  text?: string
  again?: boolean
  provisional?: boolean
  supersedes?: string[]
  by?: string
}

export interface StartOptions {
  /** As STOP_AT in stop-at.mjs. */
  stopAt?: string
  /** How long the handler works before it commits. */
  workMs?: number
  /** How long it goes on when it has sent. */
  stayMs?: number
}

export class Superseding {
  readonly running: LullProcess[] = []

  private constructor(
    readonly batcher: Batcher,
    private readonly env: Record<string, string>,
  ) {}

  static async with({ quietGapMs }: { quietGapMs: number }): Promise<Superseding> {
    const redis = await testRedis()
    const prefix = uniquePrefix()
    const env = {
      REDIS_URL: redis,
      LULL_PREFIX: prefix,
      LULL_QUEUE: `queue-${prefix}`,
      LULL_ANSWERING: 'supersede',
      LULL_QUIET_GAP_MS: String(quietGapMs),
      LULL_EARLY_START_MS: String(EARLY_START_MS),
      LULL_LEASE_MS: String(LEASE_MS),
      LULL_BATCH_TTL_MS: String(BATCH_TTL_MS),
      LOCK_MS: String(LOCK_MS),
      PORT: '0',
    }
    const rules = { quietGapMs, earlyStartMs: EARLY_START_MS, batchTtlMs: BATCH_TTL_MS }
    return new Superseding(new Batcher({ redis, prefix, answering: 'supersede', ...rules }), env)
  }

  async end(): Promise<void> {
    await Promise.all(this.running.map(process => process.kill()))
    await this.batcher.close()
  }

  /** The library's processor, with a handler in its process. */
  async processor(options: StartOptions = {}): Promise<LullProcess> {
    return this.started(await supportScript('committing-processor.mjs', this.envOf(options)), 'processor')
  }

  /** Lull's worker, with a short lock. */
  async worker(options: StartOptions = {}): Promise<LullProcess> {
    return this.started(await supportScript('committing-worker.mjs', this.envOf(options)), 'worker')
  }

  async role(role: 'api' | 'processor', options: StartOptions = {}): Promise<LullProcess> {
    return this.started(await lull([role], this.envOf(options)), role)
  }

  private async started(process: LullProcess, role: string): Promise<LullProcess> {
    this.running.push(process)
    await process.line(new RegExp(`${role} started`))
    return process
  }

  private envOf({ stopAt, workMs = 0, stayMs = 0 }: StartOptions): Record<string, string> {
    const env = { ...this.env, WORK_MS: String(workMs), STAY_MS: String(stayMs) }
    return stopAt === undefined ? env : { ...env, STOP_AT: stopAt, NODE_OPTIONS: `--import ${fileIn('stop-at.mjs')}` }
  }

  printed(what: 'BEGUN' | 'SENT' | 'SUPERSEDED' | 'STOPPED_SHORT', processes = this.running): Printed[] {
    return processes
      .flatMap(({ stdout }) => stdout)
      .filter(line => line.startsWith(`${what} `))
      .map(line => JSON.parse(line.slice(what.length)))
  }

  /** What the handlers sent. `again` is what their commit said. */
  sent(processes = this.running) {
    return this.printed('SENT', processes).map(({ text, again }) => ({ text, again }))
  }

  async begun(count: number): Promise<void> {
    await until(() => this.printed('BEGUN').length >= count, { what: `run ${count} of a handler` })
  }

  /** All of it was sent, in this order, and nothing is left in any state. */
  async expectSent(expected: { text: string; again: boolean }[]): Promise<void> {
    await until(() => this.sent().length >= expected.length, {
      what: () => `all to be sent; so far ${JSON.stringify(this.sent())}`,
    })
    await until(async () => (await this.batcher.conversations()).length === 0, { what: 'everything to be answered' })
    expect(this.sent()).to.deep.equal(expected)
    expect(await this.batcher.dead()).to.deep.equal([])
  }

  /** The steps of all batches in order, without those of messages and of the handover. */
  async steps(): Promise<string[]> {
    const all = (await this.batcher.history({ limit: 1000 })).reverse().map(({ step }) => step)
    return all.filter(step => step !== 'opened' && step !== 'handed-over')
  }
}

export async function dies(process: LullProcess): Promise<void> {
  expect(await process.exit).to.deep.equal({ code: null, signal: 'SIGKILL' })
}

/** POSTs a message to an API; resolves to its answer. */
export async function post(api: LullProcess, chatId: string, messageId: string): Promise<unknown> {
  const url = /http:\/\/[\d.]+:\d+/.exec(await api.line(/api listens on/))?.[0]
  const response = await fetch(`${url}/webhook/whatsapp/batched/generic`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ chatId, messageId, text: messageId }),
  })
  return response.json()
}

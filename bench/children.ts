/** The processes that are measured: starts them, sends them orders, receives their answers, and ends them. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Settings } from './peers/peer.js'

/** A conversation, and when its message was acknowledged. */
const acknowledgedShape = z.tuple([z.string(), z.number()])
export type Acknowledged = z.infer<typeof acknowledgedShape>

const seenShape = z.object({
  conversation: z.string(),
  texts: z.array(z.string()),
  atMs: z.number(),
  dueAtMs: z.number().optional(),
  jobId: z.string().optional(),
  /** By Redis's clock, if it came as a job of a queue. */
  visibleAtMs: z.number().optional(),
})
export type Seen = z.infer<typeof seenShape>

/** A message that was sent until it was stored. */
const insistedShape = z.object({
  conversation: z.string(),
  sentAtMs: z.number(),
  storedAtMs: z.number(),
  refusals: z.number(),
})
export type Insisted = z.infer<typeof insistedShape>

/** The shapes of answers. */
export const replies = {
  figure: z.number(),
  figureOrNone: z.union([z.number(), z.nan()]),
  seen: z.array(seenShape),
  acknowledged: z.array(acknowledgedShape),
  insisted: z.array(insistedShape),
  sent: z.array(z.number()),
  nothing: z.unknown(),
}

export type Order =
  | { kind: 'stream'; prefix: string; perSecond: number; count: number }
  | { kind: 'insist'; prefix: string; perSecond: number; count: number }
  | { kind: 'flood'; prefix: string; count: number; conversations: number; inFlight: number }
  | { kind: 'replay'; plan: [conversation: string, messageId: string, atMs: number][] }
  | { kind: 'append'; messages: [conversation: string, messageId: string, text: string][] }
  | { kind: 'count' | 'claims' | 'take' | 'cpu' | 'close' }

export interface Answer {
  id: number
  value?: unknown
  error?: string
}

export interface Work {
  began?: Seen
  ended?: Seen & { endedAtMs: number }
  /** Newer messages came before its commit, so nothing was sent. */
  withdrawn?: Seen & { endedAtMs: number }
}

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url))
const START_MS = 20_000
const ANSWER_MS = 180_000
const running = new Set<Child>()

export class Child {
  private last = 0
  private readonly waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()

  private constructor(
    readonly name: string,
    private readonly process: ChildProcess,
    onWork: (work: Work) => void,
  ) {
    running.add(this)
    process.on('message', (message: Answer | Work) => {
      if (!('id' in message)) return onWork(message)
      const waiting = this.waiting.get(message.id)
      this.waiting.delete(message.id)
      if (message.error !== undefined) waiting?.reject(new Error(`${name}: ${message.error}`))
      else waiting?.resolve(message.value)
    })
    process.on('exit', () => {
      running.delete(this)
      for (const { reject } of this.waiting.values()) reject(new Error(`${name}: its process ended`))
    })
  }

  /**
   * Resolves when the process is ready.
   * @param onWork called for each batch, if the settings have a `workMs` @param node arguments for Node
   */
  static async start(
    role: 'producer' | 'consumer',
    peer: string,
    settings: Settings & { workMs?: number },
    onWork: (work: Work) => void = () => {},
    node: string[] = [],
  ): Promise<Child> {
    const process = fork(CHILD, [role, peer, JSON.stringify(settings)], {
      execArgv: [...node, '--import=tsx'],
      serialization: 'advanced',
      env: { ...globalThis.process.env, NODE_ENV: 'production' },
    })
    const child = new Child(`${peer} (${role})`, process, onWork)
    await child.answer(0, START_MS)
    return child
  }

  get pid(): number {
    return this.process.pid ?? 0
  }

  /** Resolves to the answer, parsed by a shape of `replies`. */
  async ask<T>(order: Order, shape: z.ZodType<T>, withinMs = ANSWER_MS): Promise<T> {
    const id = ++this.last
    const answer = this.answer(id, withinMs)
    this.process.send({ ...order, id }, error => {
      if (error) this.waiting.get(id)?.reject(error)
    })
    return shape.parse(await answer)
  }

  async stop(): Promise<void> {
    if (!running.has(this)) return
    const exit = once(this.process, 'exit')
    await this.ask({ kind: 'close' }, replies.nothing, 10_000).catch(() => this.process.kill('SIGKILL'))
    await exit
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const exit = once(this.process, 'exit')
    this.process.kill('SIGKILL')
    await exit
  }

  private answer(id: number, withinMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.name}: no answer within ${withinMs} ms`)), withinMs)
      this.waiting.set(id, {
        resolve: value => {
          clearTimeout(timer)
          resolve(value)
        },
        reject: error => {
          clearTimeout(timer)
          reject(error)
        },
      })
    })
  }
}

export const stopChildren = () => Promise.all([...running].map(child => child.stop()))

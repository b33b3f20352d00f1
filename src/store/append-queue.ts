/**
 * Appends on their way to Redis. Requests that come while calls are under way, or in the same turn of the event loop, go
 * together in the next call: each costs Redis and this process a fraction of what it would cost alone, and the busier a
 * process is, the smaller the fraction. Order stays, as calls go one behind the other on one connection.
 */
import type { NewEntry } from './entries.js'
import type { AppendRequest } from './store.js'

/** A request, or a part of a long one. */
export interface Appending {
  request: AppendRequest
  entries: NewEntry[]
  /** For the batch it opens, if it does. */
  newBatchId: string
}

export interface Appended {
  accepted: number
  duplicates: number
  tooOld: number
  /** `''`: none */
  batchId: string
  /** -1: there is none */
  dueInMs: number
  listeners: number
}

/** One call has Redis's attention for about a millisecond, unless one request alone takes longer. */
const MESSAGES_A_CALL = 100
const BYTES_A_CALL = 128 * 1024
/** While Redis works on one call another goes only if this many requests wait: else they wait for its end. */
const WORTH_A_CALL = 50
const CALLS_AT_ONCE = 2

interface Waiting {
  appending: Appending
  bytes: number
  resolve(reply: Appended | Error): void
  reject(error: unknown): void
}

export class AppendQueue {
  private readonly waiting: Waiting[] = []
  private underWay = 0
  private scheduled = false

  /** @param call resolves to a reply for each, in their order; an `Error` where one failed and others did not */
  constructor(private readonly call: (requests: Appending[]) => Promise<(Appended | Error)[]>) {}

  /** Resolves to an `Error` where this request alone failed; rejects as the call does. */
  add(appending: Appending): Promise<Appended | Error> {
    const bytes = appending.entries.reduce((sum, { bytes: size }) => sum + size, 0)
    return new Promise((resolve, reject) => {
      this.waiting.push({ appending, bytes, resolve, reject })
      this.schedule()
    })
  }

  private schedule(): void {
    if (this.scheduled || !this.isWorthACall) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      while (this.isWorthACall) void this.send(this.next())
    })
  }

  private get isWorthACall(): boolean {
    const { waiting, underWay } = this
    return underWay === 0 ? waiting.length > 0 : underWay < CALLS_AT_ONCE && waiting.length >= WORTH_A_CALL
  }

  /** What goes in one call: one request at least. */
  private next(): Waiting[] {
    let count = 0
    let messages = 0
    let bytes = 0
    for (const { appending, bytes: size } of this.waiting) {
      messages += appending.entries.length
      bytes += size
      if (count > 0 && (messages > MESSAGES_A_CALL || bytes > BYTES_A_CALL)) break
      count += 1
    }
    return this.waiting.splice(0, count)
  }

  private async send(requests: Waiting[]): Promise<void> {
    this.underWay += 1
    try {
      const replies = await this.call(requests.map(({ appending }) => appending))
      for (const [i, { resolve }] of requests.entries())
        resolve(replies[i] ?? new Error('Redis said nothing of this request'))
    } catch (error) {
      for (const { reject } of requests) reject(error)
    }
    this.underWay -= 1
    this.schedule()
  }
}

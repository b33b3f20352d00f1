/**
 * Requests that one script call can serve many of. Those that come while a call is under way, or in the same turn of the
 * event loop, go together in the next one: each costs Redis and this process a fraction of what it would cost alone, and
 * the busier a process is, the smaller the fraction. Among them order stays, as calls go one behind the other on one
 * connection; another command of the same connection may overtake what waits.
 */
import { StoreUnavailable } from '../store.js'

/** While Redis works on one call another goes only if it would be this full: else what waits waits for the end of the first. */
const WORTH_A_CALL = 0.5
const CALLS_AT_ONCE = 2

interface Waiting<Request, Reply> {
  request: Request
  share: number
  resolve(reply: Reply | Error): void
  reject(error: unknown): void
}

/** Nothing of what waits has been sent: it need not wait for the same trouble. */
const isAway = (error: unknown) =>
  error instanceof StoreUnavailable && (error.reason === 'connection' || error.reason === 'timeout')

export class GroupedCalls<Request, Reply> {
  private readonly waiting: Waiting<Request, Reply>[] = []
  private waitingShares = 0
  private underWay = 0
  private scheduled = false
  private idling: (() => void)[] = []

  /**
   * @param call resolves to a reply for each, in their order; an `Error` where one failed and others did not
   * @param shareOf how much of one call a request fills, of 1. One that fills more goes alone
   */
  constructor(
    private readonly call: (requests: Request[]) => Promise<(Reply | Error)[]>,
    private readonly shareOf: (request: Request) => number,
  ) {}

  /** Resolves to an `Error` where this request alone failed; rejects as the call does. */
  add(request: Request): Promise<Reply | Error> {
    const share = this.shareOf(request)
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, share, resolve, reject })
      this.waitingShares += share
      this.schedule()
    })
  }

  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void> {
    if (this.waiting.length === 0 && this.underWay === 0) return Promise.resolve()
    return new Promise(resolve => {
      this.idling.push(resolve)
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
    if (this.underWay === 0) return this.waiting.length > 0
    return this.underWay < CALLS_AT_ONCE && this.waitingShares >= WORTH_A_CALL
  }

  /** What goes in one call: one request at least. */
  private next(): Waiting<Request, Reply>[] {
    let count = 0
    let filled = 0
    for (const { share } of this.waiting) {
      if (count > 0 && filled + share > 1) break
      filled += share
      count += 1
    }
    const requests = this.waiting.splice(0, count)
    this.waitingShares = this.waiting.length === 0 ? 0 : this.waitingShares - filled
    return requests
  }

  private takeAll(): Waiting<Request, Reply>[] {
    this.waitingShares = 0
    return this.waiting.splice(0)
  }

  private async send(requests: Waiting<Request, Reply>[]): Promise<void> {
    this.underWay += 1
    try {
      const replies = await this.call(requests.map(({ request }) => request))
      for (const [i, { resolve }] of requests.entries())
        resolve(replies[i] ?? new Error('Redis said nothing of this request'))
    } catch (error) {
      for (const { reject } of requests) reject(error)
      if (isAway(error)) for (const { reject } of this.takeAll()) reject(error)
    }
    this.underWay -= 1
    this.schedule()
    if (this.waiting.length === 0 && this.underWay === 0) for (const resolve of this.idling.splice(0)) resolve()
  }
}

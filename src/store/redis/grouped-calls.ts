/**
 * Groups requests into calls of one script that serves many of them. Requests that come in the same turn of the event
 * loop, or while a call is running, share the next call. Each then costs Redis and this process a fraction of a call of
 * its own, and the busier the process is, the smaller the fraction. Requests keep their order, as calls follow each
 * other on one connection. Another command of the same connection may overtake requests that wait.
 */
import { StoreUnavailable } from '../store.js'

/**
 * While one call runs, a second one is sent if so many requests wait, or if they fill so much of it. Fewer cost more calls.
 * More make this process and Redis wait for each other: of 32 webhooks at a time 15 waited for a call while 15 were in one.
 */
const REQUESTS_WORTH_A_CALL = 8
const SHARE_WORTH_A_CALL = 0.5
const CALLS_AT_ONCE = 2

interface Waiting<Request, Reply> {
  request: Request
  share: number
  resolve(reply: Reply | Error): void
  reject(error: unknown): void
}

/** Redis is away: requests that wait would fail the same way, and can fail now. */
const isAway = (error: unknown) =>
  error instanceof StoreUnavailable && (error.reason === 'connection' || error.reason === 'timeout')

export class GroupedCalls<Request, Reply> {
  private readonly waiting: Waiting<Request, Reply>[] = []
  private waitingShares = 0
  private underWay = 0
  private scheduled = false
  private idling: (() => void)[] = []

  /**
   * @param call resolves to a reply for each request, in their order; to an `Error` for a request that failed alone
   * @param shareOf how much of a call a request fills; 1 is all of it. A request that fills more has a call of its own
   */
  constructor(
    private readonly call: (requests: Request[]) => Promise<(Reply | Error)[]>,
    private readonly shareOf: (request: Request) => number,
  ) {}

  /** Resolves to an `Error` if this request alone failed. Rejects if the whole call failed. */
  add(request: Request): Promise<Reply | Error> {
    const share = this.shareOf(request)
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, share, resolve, reject })
      this.waitingShares += share
      this.schedule()
    })
  }

  /** Resolves when no request waits and no call is running. */
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
    return this.underWay < CALLS_AT_ONCE && this.areManyWaiting
  }

  private get areManyWaiting(): boolean {
    return this.waiting.length >= REQUESTS_WORTH_A_CALL || this.waitingShares >= SHARE_WORTH_A_CALL
  }

  /** Takes the requests for one call: at least one. */
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

  /** Rejects even if `call` throws. */
  private async callFor(requests: Waiting<Request, Reply>[]): Promise<(Reply | Error)[]> {
    return this.call(requests.map(({ request }) => request))
  }

  private async send(requests: Waiting<Request, Reply>[]): Promise<void> {
    this.underWay += 1
    const [call] = await Promise.allSettled([this.callFor(requests)])
    this.underWay -= 1
    if (call.status === 'fulfilled') {
      // Before the replies are passed on: Redis then works while this process answers.
      if (this.areManyWaiting) void this.send(this.next())
      for (const [i, { resolve }] of requests.entries())
        resolve(call.value[i] ?? new Error('the script did not reply to this request'))
    } else {
      for (const { reject } of requests) reject(call.reason)
      if (isAway(call.reason)) for (const { reject } of this.takeAll()) reject(call.reason)
    }
    this.schedule()
    if (this.waiting.length === 0 && this.underWay === 0) for (const resolve of this.idling.splice(0)) resolve()
  }
}

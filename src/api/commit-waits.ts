/**
 * The requests that wait for a commit: `POST /batches/:batchId/commit?waitMs=`. One subscription serves all of them;
 * the first one opens it. Each request waits with one timer, and asks the store again when its batch was superseded,
 * when its due time has moved, or when notices of that may have been missed.
 *
 * A request ends when the store grants or refuses the commit, its time is over, its client closes the connection, or
 * this API stops.
 */
import type { Batcher } from '../batcher.js'
import { Refusal } from '../http/refusal.js'
import type { CommitResult, SupersedeListener } from '../store/store.js'

/** Each holds a connection. */
const MOST_WAITING = 1000

export interface CommitRequest {
  batchId: string
  /** How long to wait for the due time; 0: not at all. */
  waitMs: number
  /** Aborted when the client closes the connection. */
  gone: AbortSignal
}

export class CommitWaits {
  private readonly waiting = new Map<string, Set<Wait>>()
  private following: Promise<() => Promise<void>> | undefined
  private isClosed = false

  constructor(
    private readonly batcher: Pick<Batcher, 'commit' | 'store'>,
    private readonly mostWaiting = MOST_WAITING,
  ) {}

  /** Requests that wait. */
  get size(): number {
    return [...this.waiting.values()].reduce((sum, waits) => sum + waits.size, 0)
  }

  /**
   * Resolves to `wait` if the due time is further away than `waitMs`.
   * @throws {StoreUnavailable}
   * @throws {Refusal} 503 if too many requests wait, or the API stops; 499 if the client has gone
   */
  async commit(request: CommitRequest): Promise<CommitResult> {
    const untilMs = performance.now() + request.waitMs
    const result = await this.batcher.commit(request.batchId)
    if (result.state !== 'wait' || request.waitMs === 0) return result
    if (this.isClosed) throw stopping()
    if (this.size >= this.mostWaiting)
      throw new Refusal(503, `${this.mostWaiting} requests wait for a commit, which is the most: ask again in 1 s`, {
        'Retry-After': '1',
      })
    const wait = this.enter(request)
    try {
      return await this.settled(request.batchId, wait, untilMs)
    } finally {
      this.leave(request.batchId, wait)
    }
  }

  /** Ends the requests that wait; from then on none waits. May be called twice. */
  async close(): Promise<void> {
    this.isClosed = true
    this.each(wait => wait.end(stopping()))
    const { following } = this
    this.following = undefined
    // Not awaited: a subscription that is still being made waits for its Redis, and ends with the store. Requests have
    // reported one that was refused.
    following?.then(
      stop => stop(),
      () => {},
    )
  }

  private async settled(batchId: string, wait: Wait, untilMs: number): Promise<CommitResult> {
    // Not awaited: a subscription that takes long does not delay the timer.
    this.follow().catch(error => wait.end(error))
    for (;;) {
      wait.throwIfEnded()
      const { notices } = wait
      const result = await this.batcher.commit(batchId)
      const leftMs = untilMs - performance.now()
      if (result.state !== 'wait' || leftMs <= 0) return result
      if (wait.notices === notices) await wait.pause(Math.min(result.waitMs, leftMs))
    }
  }

  private enter({ batchId, gone }: CommitRequest): Wait {
    const wait = new Wait(gone)
    const waits = this.waiting.get(batchId) ?? new Set()
    this.waiting.set(batchId, waits.add(wait))
    return wait
  }

  private leave(batchId: string, wait: Wait): void {
    wait.release()
    const waits = this.waiting.get(batchId)
    waits?.delete(wait)
    if (waits?.size === 0) this.waiting.delete(batchId)
  }

  private follow(): Promise<unknown> {
    this.following ??= this.batcher.store.followSuperseded(this.listener).catch(error => {
      this.following = undefined
      throw error
    })
    return this.following
  }

  private each(call: (wait: Wait) => void): void {
    for (const waits of this.waiting.values()) for (const wait of waits) call(wait)
  }

  private readonly listener: SupersedeListener = {
    superseded: ({ batchId }) => {
      for (const wait of this.waiting.get(batchId) ?? []) wait.notice()
    },
    moved: ({ batchId }) => {
      for (const wait of this.waiting.get(batchId) ?? []) wait.notice()
    },
    missed: () => this.each(wait => wait.notice()),
  }
}

const stopping = () =>
  new Refusal(503, 'this API is stopping: ask again, it may be another process that answers', { 'Retry-After': '1' })

/** One request. A notice that comes while the store is asked counts, too. */
class Wait {
  notices = 0
  private ended: { reason: unknown } | undefined
  private wake = () => {}

  constructor(private readonly gone: AbortSignal) {
    if (gone.aborted) this.onGone()
    else gone.addEventListener('abort', this.onGone)
  }

  notice(): void {
    this.notices += 1
    this.wake()
  }

  /** The first reason counts. */
  end(reason: unknown): void {
    this.ended ??= { reason }
    this.wake()
  }

  throwIfEnded(): void {
    if (this.ended) throw this.ended.reason
  }

  /** Resolves after that time, at a notice, or at the end. */
  async pause(ms: number): Promise<void> {
    if (this.ended) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ms)
      this.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  release(): void {
    this.gone.removeEventListener('abort', this.onGone)
  }

  private readonly onGone = () => this.end(new Refusal(499, 'the client has closed the connection'))
}

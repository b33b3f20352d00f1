/**
 * `/events`: what happens, as server-sent events. One follower of the history serves all readers of this process; it
 * runs while there is a reader.
 *
 *   (no name)  one step, as `lull watch --json` prints it
 *   growth     how open batches have grown (growth.ts)
 *   summary    replaces steps that came too fast for the reader (live-reader.ts)
 *   stale      something was missed: read everything again
 *   beat       every ten seconds, with whether the store can be used; without beats the connection is lost
 */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { Refusal } from '../http/refusal.js'
import { type Logger, silent } from '../logger.js'
import type { GrowthListener, HistoryEntry, Store } from '../store/store.js'
import { PendingGrowth } from './growth.js'
import { eventOf, LiveReader, READER_BOUNDS, type ReaderBounds, stepEvent } from './live-reader.js'
import { stepWithoutTexts } from './texts.js'
import type { Access } from './token.js'

const MOST_READERS = 100
const SECOND_MS = 1000
/** How often an open stream checks that its session or token is still valid. */
const ACCESS_CHECK_MS = 5000
const BEAT_EVERY_S = 10
/** How often `growth` is sent. */
const GROWTH_EVERY_MS = 250
/** If growth cannot be followed, `stale` is sent this often instead. */
const STALE_EVERY_S = 5
const STALE = eventOf('stale', {})
/** After a lost connection a browser waits this long, in ms. */
const RETRY = 'retry: 2000\n\n'

export interface LiveEventsOptions {
  log?: Logger
  bounds?: ReaderBounds
  /** Default yes; no: steps are sent without the errors of handlers, which may quote a text. */
  showTexts?: boolean
}

export class LiveEvents {
  private readonly readers = new Set<LiveReader>()
  private following: Promise<() => Promise<void>> | undefined
  private readonly grown = new PendingGrowth()
  private growthTimer: NodeJS.Timeout | undefined
  private growthFailed = false
  private clock: NodeJS.Timeout | undefined
  private seconds = 0
  private closed = false
  private readonly log: Logger
  private readonly bounds: ReaderBounds
  private readonly showTexts: boolean

  constructor(
    private readonly store: Pick<Store, 'follow' | 'followGrowth' | 'ready'>,
    { log = silent, bounds = READER_BOUNDS, showTexts = true }: LiveEventsOptions = {},
  ) {
    this.log = log
    this.bounds = bounds
    this.showTexts = showTexts
  }

  /** A stream for a new reader. @throws {StoreUnavailable} if the history cannot be followed now, {Refusal} 503 */
  async read(): Promise<LiveReader> {
    if (this.closed) throw new Refusal(503, 'this API is stopping: connect again', { 'Retry-After': '2' })
    if (this.readers.size >= MOST_READERS)
      throw new Refusal(503, `/events has ${MOST_READERS} readers, which is the most: close one of them`)
    const reader = new LiveReader(this.bounds)
    this.readers.add(reader)
    reader.once('close', () => this.leave(reader))
    reader.push(RETRY)
    try {
      await this.follow()
    } catch (error) {
      reader.destroy()
      throw error
    }
    this.beat(reader)
    return reader
  }

  /** Ends all streams; the readers may connect to another process. May be called twice. */
  async close(): Promise<void> {
    this.closed = true
    for (const reader of this.readers) reader.push(null)
    this.readers.clear()
    await this.stopFollowing()
  }

  private follow(): Promise<unknown> {
    this.clock ??= setInterval(() => this.everySecond(), SECOND_MS)
    this.following ??= this.followBoth().catch(error => {
      this.following = undefined
      throw error
    })
    return this.following
  }

  private async followBoth(): Promise<() => Promise<void>> {
    const stopSteps = await this.store.follow(entry => this.sendStep(entry))
    const stopGrowth = await this.followGrowth()
    return async () => {
      await Promise.all([stopSteps(), stopGrowth()])
    }
  }

  /** If growth cannot be followed, readers still get the steps. */
  private async followGrowth(): Promise<() => Promise<void>> {
    const listener: GrowthListener = {
      grew: growth => {
        if (this.grown.add(growth)) this.growthTimer = setTimeout(() => this.sendGrowth(), GROWTH_EVERY_MS)
      },
      missed: () => this.sendStale(),
    }
    this.growthFailed = false
    try {
      return await this.store.followGrowth(listener)
    } catch (error) {
      this.log.debug({ err: error }, 'the growth of batches cannot be followed')
      this.growthFailed = true
      return async () => {}
    }
  }

  private sendGrowth(): void {
    const { text, count, leftOut } = this.grown.take()
    for (const reader of this.readers) reader.growth(text, count)
    if (leftOut > 0) this.sendStale()
  }

  private sendStale(): void {
    for (const reader of this.readers) reader.send(STALE)
  }

  private sendStep(entry: HistoryEntry): void {
    const text = stepEvent(this.showTexts ? entry : stepWithoutTexts(entry))
    for (const reader of this.readers) reader.step(entry, text)
  }

  private everySecond(): void {
    this.seconds += 1
    for (const reader of this.readers) reader.second()
    if (this.growthFailed && this.seconds % STALE_EVERY_S === 0) this.sendStale()
    if (this.seconds % BEAT_EVERY_S === 0) this.beat(...this.readers)
  }

  private beat(...readers: LiveReader[]): void {
    const send = (state: object) => {
      for (const reader of readers) reader.send(eventOf('beat', state))
    }
    this.store.ready().then(
      () => send({ ready: true }),
      error => send({ ready: false, error: error instanceof Error ? error.message : String(error) }),
    )
  }

  private leave(reader: LiveReader): void {
    if (!this.readers.delete(reader) || this.readers.size > 0) return
    void this.stopFollowing()
  }

  /** Stops following: there are no readers. */
  private async stopFollowing(): Promise<void> {
    clearInterval(this.clock)
    this.clock = undefined
    clearTimeout(this.growthTimer)
    this.grown.clear()
    const { following } = this
    this.following = undefined
    try {
      await (await following)?.()
    } catch (error) {
      this.log.debug({ err: error }, 'following the history did not stop cleanly')
    }
  }
}

export function eventRoutes(router: Router, live: LiveEvents, access: Access): void {
  router.get('/events', access.required, async ctx => {
    const reader = await live.read()
    endWithSession(ctx, access, reader)
    ctx.type = 'text/event-stream'
    // nginx would buffer the events.
    ctx.set('X-Accel-Buffering', 'no')
    ctx.body = reader
  })
}

/**
 * Ends the stream soon after the session or the token that it was opened with has ended. Until then it renews the
 * session.
 */
export function endWithSession(ctx: Context, access: Access, reader: LiveReader): void {
  const timer = setInterval(() => {
    access.check(ctx).catch(error => {
      // While the store is away nobody can say whether the session goes on.
      if (error instanceof Refusal) reader.destroy()
    })
  }, ACCESS_CHECK_MS)
  reader.once('close', () => clearInterval(timer))
}

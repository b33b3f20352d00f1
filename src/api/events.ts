/**
 * `/events`: what happens, as server-sent events. One follower of the history serves all readers of this process, and runs
 * only while there is one. Events without a name are steps, as `lull watch --json` shows them; `growth` says what open batches
 * have become (see growth.ts); `summary` stands for what came too fast (see live-reader.ts); `stale` asks readers to look at
 * everything anew; `beat` comes every ten seconds and says whether the store can be used, so that a connection without one is
 * known to be lost.
 */
import type Router from '@koa/router'
import type { Middleware } from 'koa'
import { Refusal } from '../http/refusal.js'
import { type Logger, silent } from '../logger.js'
import type { GrowthListener, HistoryEntry, Store } from '../store/store.js'
import { PendingGrowth } from './growth.js'
import { eventOf, LiveReader, READER_BOUNDS, type ReaderBounds, stepEvent } from './live-reader.js'

const MOST_READERS = 100
const SECOND_MS = 1000
const BEAT_EVERY_S = 10
/** How often readers hear of what has grown. */
const GROWTH_EVERY_MS = 250
/** Where growth can not be followed, readers look at everything so often instead. */
const STALE_EVERY_S = 5
const STALE = eventOf('stale', {})
/** When a browser tries again. */
const RETRY = 'retry: 2000\n\n'

export interface LiveEventsOptions {
  log?: Logger
  bounds?: ReaderBounds
}

export class LiveEvents {
  private readonly readers = new Set<LiveReader>()
  private following: Promise<() => Promise<void>> | undefined
  private readonly grown = new PendingGrowth()
  private growthTimer: NodeJS.Timeout | undefined
  private isBlind = false
  private clock: NodeJS.Timeout | undefined
  private seconds = 0
  private closed = false
  private readonly log: Logger
  private readonly bounds: ReaderBounds

  constructor(
    private readonly store: Pick<Store, 'follow' | 'followGrowth' | 'ready'>,
    { log = silent, bounds = READER_BOUNDS }: LiveEventsOptions = {},
  ) {
    this.log = log
    this.bounds = bounds
  }

  /** A new reader's stream. @throws {StoreUnavailable} where the history can not be followed now */
  async read(): Promise<LiveReader> {
    if (this.closed) throw new Refusal(503, 'this API is stopping', { 'Retry-After': '2' })
    if (this.readers.size >= MOST_READERS)
      throw new Refusal(503, `${MOST_READERS} readers of /events are there already: close one of them`)
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

  /** Ends all readers; they may come back to another process. May be called twice. */
  async close(): Promise<void> {
    this.closed = true
    for (const reader of this.readers) reader.push(null)
    this.readers.clear()
    await this.rest()
  }

  private follow(): Promise<unknown> {
    this.clock ??= setInterval(() => this.second(), SECOND_MS)
    this.following ??= this.followBoth().catch(error => {
      this.following = undefined
      throw error
    })
    return this.following
  }

  private async followBoth(): Promise<() => Promise<void>> {
    const stopSteps = await this.store.follow(entry => this.tell(entry))
    const stopGrowth = await this.followGrowth()
    return async () => {
      await Promise.all([stopSteps(), stopGrowth()])
    }
  }

  /** Steps are shown without it. */
  private async followGrowth(): Promise<() => Promise<void>> {
    const listener: GrowthListener = {
      grew: growth => {
        if (this.grown.add(growth)) this.growthTimer = setTimeout(() => this.tellGrowth(), GROWTH_EVERY_MS)
      },
      missed: () => this.tellStale(),
    }
    this.isBlind = false
    try {
      return await this.store.followGrowth(listener)
    } catch (error) {
      this.log.debug({ err: error }, 'how batches grow can not be followed')
      this.isBlind = true
      return async () => {}
    }
  }

  private tellGrowth(): void {
    const { text, count, leftOut } = this.grown.take()
    for (const reader of this.readers) reader.growth(text, count)
    if (leftOut > 0) this.tellStale()
  }

  private tellStale(): void {
    for (const reader of this.readers) reader.say(STALE)
  }

  private tell(entry: HistoryEntry): void {
    const text = stepEvent(entry)
    for (const reader of this.readers) reader.step(entry, text)
  }

  private second(): void {
    this.seconds += 1
    for (const reader of this.readers) reader.second()
    if (this.isBlind && this.seconds % STALE_EVERY_S === 0) this.tellStale()
    if (this.seconds % BEAT_EVERY_S === 0) this.beat(...this.readers)
  }

  private beat(...readers: LiveReader[]): void {
    const say = (state: object) => {
      for (const reader of readers) reader.say(eventOf('beat', state))
    }
    this.store.ready().then(
      () => say({ ready: true }),
      error => say({ ready: false, error: error instanceof Error ? error.message : String(error) }),
    )
  }

  private leave(reader: LiveReader): void {
    if (!this.readers.delete(reader) || this.readers.size > 0) return
    void this.rest()
  }

  /** Nobody reads: nothing is followed. */
  private async rest(): Promise<void> {
    clearInterval(this.clock)
    this.clock = undefined
    clearTimeout(this.growthTimer)
    this.grown.clear()
    const { following } = this
    this.following = undefined
    try {
      await (await following)?.()
    } catch (error) {
      this.log.debug({ err: error }, 'the history was not left cleanly')
    }
  }
}

export function eventRoutes(router: Router, live: LiveEvents, token: Middleware): void {
  router.get('/events', token, async ctx => {
    const reader = await live.read()
    ctx.type = 'text/event-stream'
    // nginx would keep them to itself until it has a page of them.
    ctx.set('X-Accel-Buffering', 'no')
    ctx.body = reader
  })
}

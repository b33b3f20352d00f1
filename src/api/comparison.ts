/**
 * The playground's comparison: the same messages in both modes of LULL_ANSWERING, side by side. Each page that compares
 * has two engines of its own in this process: a store in memory, and a processor whose handler works as long as the
 * reader chose, commits, and replies. The system's own store learns nothing of them, no text reaches them, and they end
 * with the page's stream.
 *
 *   GET  /page/comparison       the stream: `engines` with its id, `run` for each thing that a bot does, `beat`
 *   POST /page/comparison?id=   ids of messages that a person has written, or a sign of typing; how long the bots work
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type Router from '@koa/router'
import { z } from 'zod'
import { Batcher } from '../batcher.js'
import type { CommittingHandle } from '../handover/function.js'
import { Refusal } from '../http/refusal.js'
import { type Logger, silent } from '../logger.js'
import { Processor } from '../processor/processor.js'
import type { Rules } from '../rules.js'
import { MemoryStore } from '../store/memory/store.js'
import { Superseded } from '../superseded.js'
import { endWithSession } from './events.js'
import { eventOf, LiveReader, READER_BOUNDS } from './live-reader.js'
import { queryOf, type ReadBody } from './request-body.js'
import type { Access } from './token.js'

const MODES = ['queue', 'supersede'] as const
type Mode = (typeof MODES)[number]

const MOST_STREAMS = 20
/** Of one stream; a page that is reloaded has a new one. */
const MOST_MESSAGES = 2000
const MOST_AT_ONCE = 50
const LONGEST_ID = 64
const LONGEST_WORK_MS = 30_000
const BEAT_MS = 10_000
/** Nothing of it is worth more time at a stop. */
const STOP_MS = 100
/** Where the system's rules name no early start: this share of the quiet gap, 2 s of 10 s. */
const EARLY_SHARE = 0.2

const id = z.string().min(1).max(LONGEST_ID)
const writtenBody = z.object({
  person: id,
  messageIds: z.array(id).max(MOST_AT_ONCE).optional(),
  typing: z.boolean().optional(),
  workMs: z.int().min(0).max(LONGEST_WORK_MS),
})
export type Written = z.infer<typeof writtenBody>

/** `begun` → `worked` (it waits in commit) → `replied`; or `superseded` in place of the last two. */
type RunEvent = 'begun' | 'worked' | 'replied' | 'superseded'

/** The rules of both modes: the system's, but for what makes the mode. */
export const comparedRules = (rules: Rules, mode: Mode): Rules => ({
  ...rules,
  order: 'serial',
  maxAgeMs: 0,
  answering: mode,
  earlyStartMs: mode === 'queue' ? 0 : earlyStartOf(rules),
})

/** The early start that the comparison shows. */
export const earlyStartOf = ({ earlyStartMs, quietGapMs }: Pick<Rules, 'earlyStartMs' | 'quietGapMs'>): number =>
  earlyStartMs > 0 ? earlyStartMs : Math.floor(quietGapMs * EARLY_SHARE)

export class Comparisons {
  private readonly running = new Map<string, Comparison>()
  private closed = false

  /** @param rules of the system's store */
  constructor(
    private readonly rules: Rules,
    private readonly log: Logger = silent,
  ) {}

  /** A stream with engines of its own. @throws {Refusal} 503 */
  async open(): Promise<LiveReader> {
    if (this.closed) throw new Refusal(503, 'this API is stopping: connect again', { 'Retry-After': '2' })
    if (this.running.size >= MOST_STREAMS)
      throw new Refusal(503, `${MOST_STREAMS} playgrounds are compared already, which is the most: close one of them`)
    const key = randomUUID()
    const comparison = new Comparison(this.rules)
    this.running.set(key, comparison)
    comparison.reader.once('close', () => {
      this.running.delete(key)
      comparison.stop().catch(error => this.log.warn({ err: error }, 'a comparison did not stop cleanly'))
    })
    await comparison.start(key)
    return comparison.reader
  }

  /** @throws {Refusal} 404 for a stream that is not one of this process, 429 for too many messages */
  async write(key: string, written: Written): Promise<void> {
    const comparison = this.running.get(key)
    if (!comparison)
      throw new Refusal(
        404,
        'this API process has no such comparison: it has ended, or the page’s requests reach several processes',
      )
    await comparison.write(written)
  }

  /** Ends all streams. May be called twice. */
  async close(): Promise<void> {
    this.closed = true
    const stopping = [...this.running.values()]
    await Promise.all(stopping.map(each => each.end()))
  }
}

/** The two engines of one stream. */
class Comparison {
  readonly reader = new LiveReader(READER_BOUNDS)
  private readonly engines: { batcher: Batcher; processor: Processor; store: MemoryStore }[]
  private readonly beat = setInterval(() => this.reader.send(eventOf('beat', {})), BEAT_MS)
  private isStopped = false
  private workMs = 0
  private count = 0

  constructor(rules: Rules) {
    this.engines = MODES.map(mode => {
      const store = new MemoryStore(comparedRules(rules, mode))
      return { store, batcher: new Batcher({ store }), processor: new Processor({ store, handle: this.bot(mode) }) }
    })
  }

  async start(key: string): Promise<void> {
    for (const { processor } of this.engines) await processor.start()
    this.reader.send(eventOf('engines', { id: key }))
  }

  async write({ person, messageIds = [], typing, workMs }: Written): Promise<void> {
    this.workMs = workMs
    this.count += messageIds.length
    if (this.count > MOST_MESSAGES)
      throw new Refusal(429, `a comparison takes ${MOST_MESSAGES} messages at most: reload the page`)
    for (const { batcher } of this.engines) {
      await batcher.append(
        person,
        messageIds.map(messageId => ({ messageId })),
      )
      if (typing) await batcher.typing(person)
    }
  }

  /** Ends the stream, too. */
  end(): Promise<void> {
    const stopped = this.stop()
    this.reader.push(null)
    return stopped
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    this.isStopped = true
    clearInterval(this.beat)
    await Promise.all(
      this.engines.map(async ({ processor, store }) => {
        await processor.stop({ timeoutMs: STOP_MS })
        await store.close()
      }),
    )
  }

  private bot(mode: Mode): CommittingHandle {
    return async (batch, { signal, commit }) => {
      const { batchId, conversationId, messages } = batch
      const ids = messages.map(({ messageId }) => messageId)
      const say = (event: RunEvent) => {
        if (!this.isStopped) this.reader.send(eventOf('run', { person: conversationId, mode, batchId, event, ids }))
      }
      say('begun')
      const onAbort = () => {
        if (signal.reason instanceof Superseded) say('superseded')
      }
      signal.addEventListener('abort', onAbort, { once: true })
      await delay(this.workMs, undefined, { signal })
      say('worked')
      await commit()
      say('replied')
    }
  }
}

export function comparisonRoutes(
  router: Router,
  { comparisons, access, readBody }: { comparisons: Comparisons; access: Access; readBody: ReadBody },
): void {
  router.get('/page/comparison', access.required, async ctx => {
    const reader = await comparisons.open()
    endWithSession(ctx, access, reader)
    ctx.type = 'text/event-stream'
    ctx.set('X-Accel-Buffering', 'no')
    ctx.body = reader
  })
  router.post('/page/comparison', access.required, async ctx => {
    const parsed = writtenBody.safeParse(await readBody(ctx))
    if (!parsed.success) throw new Refusal(400, parsed.error.issues[0]?.message ?? 'the body is not valid')
    await comparisons.write(queryOf(ctx, 'id') ?? '', parsed.data)
    ctx.body = {}
  })
}

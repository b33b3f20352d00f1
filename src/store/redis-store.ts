/**
 * The store on Redis: each transition is one script (`scripts.ts`), each event comes from `redis-events.ts`; here they
 * are put together, and replies become the store's types.
 */
import type { Redis, RedisOptions } from 'ioredis'
import { composeBatch } from '../batch.js'
import { type Logger, silent } from '../logger.js'
import type { Observer } from '../observer.js'
import { Outage } from '../outage.js'
import { processName } from '../process-name.js'
import { type Rules, rulesFrom } from '../rules.js'
import { newBatchId as randomBatchId } from './batch-id.js'
import { listEntry, runFrom } from './entries.js'
import { type About, foreignKey } from './foreign-key.js'
import { Keys } from './keys.js'
import { MemoryGuard } from './memory-guard.js'
import { addressOf, connect, createClient, disconnect, type RedisSource } from './redis-connection.js'
import { isWrongType, redisError } from './redis-errors.js'
import { RedisEvents } from './redis-events.js'
import { FOLLOWING_OPTIONS, HistoryFollower } from './redis-follow.js'
import { forget } from './redis-forget.js'
import { RedisProcesses } from './redis-processes.js'
import { deadFrom, HISTORY_PAGE, historyFrom } from './redis-reads.js'
import { ensureExpiryEvents, inspectServer } from './redis-server.js'
import { type RunReply, Scripts } from './scripts.js'
import {
  type AnsweredResult,
  type AnswerOutcome,
  type AppendRequest,
  type AppendResult,
  type ClaimedBatch,
  type ClaimRequest,
  type ClaimResult,
  type ConversationState,
  type ConversationSummary,
  type DeadBatch,
  type EditRequest,
  type EditResult,
  type ForgetResult,
  type HistoryEntry,
  type Lease,
  MESSAGES_SHOWN,
  type NackRequest,
  type NackResult,
  type Notifications,
  type RevokeResult,
  type Store,
  type StoreEvent,
  type StoreIdentity,
  StoreUnavailable,
  type Totals,
} from './store.js'

export interface RedisStoreOptions {
  redis: RedisSource
  prefix?: string
  rules?: Rules
  /** Whose connections these are: `api`, `processor`, … */
  role?: string
  /** Instead of `lull.<role>.<host>.<pid>`. */
  name?: string
  log?: Logger
  observer?: Observer
  /** Ids for batches; random unless a test has others. */
  newBatchId?: () => string
}

/** Messages one script call takes: their arguments are copied to Lua's memory together. */
const MESSAGES_A_CALL = 1000
/** Batches one script call acknowledges or renews. */
const BATCHES_A_CALL = 500

/** What works on a connection of its own until it is stopped. */
interface Listening {
  start(): Promise<void>
  stop(): Promise<void>
}

export class RedisStore implements Store {
  readonly rules: Rules
  readonly keys: Keys
  readonly name: string
  readonly processes: RedisProcesses
  readonly canary = {
    set: async (name: string, ttlMs: number) => {
      await this.attempt(() => this.client.set(this.keys.canary(name), '', 'PX', ttlMs))
    },
    touch: async (name: string) => {
      await this.attempt(() => this.client.exists(this.keys.canary(name)))
    },
  }
  private readonly client: Redis
  private readonly scripts: Scripts
  private readonly memory: MemoryGuard
  private readonly outage: Outage
  private readonly address: string
  private readonly source: RedisSource
  private readonly log: Logger
  private readonly observer: Observer
  private readonly newBatchId: () => string
  private readonly listening = new Set<Listening>()
  private opened = false
  private closed = false

  /** Connects to nothing yet. @throws {RangeError} for a prefix that could make two names one */
  constructor({ redis, prefix, rules = rulesFrom(), role = 'store', name, ...options }: RedisStoreOptions) {
    const { log = silent, newBatchId = randomBatchId, observer = {} } = options
    this.observer = observer
    this.newBatchId = newBatchId
    this.rules = rules
    this.keys = new Keys(prefix)
    this.name = name ?? processName(role)
    this.source = redis
    this.log = log
    this.client = createClient(redis, this.name)
    this.address = addressOf(this.client)
    this.scripts = new Scripts(this.client, this.keys, rules, this.client.options.db ?? 0)
    this.memory = new MemoryGuard(() => this.client.info('memory'), this.address)
    this.outage = new Outage(log, `Redis at ${this.address}`)
    // Before it has been open there is no outage: `open` rejects with what is wrong.
    const began = (error: Error) => {
      if (this.opened && !this.closed) this.outage.began(error)
    }
    this.client.on('error', error => began(redisError(error, this.address)))
    this.client.on('close', () => began(new Error('the connection was closed')))
    this.client.on('ready', () => this.outage.ended())
    this.processes = new RedisProcesses(this.client, this.keys.processes, this.name, log)
  }

  async open(): Promise<StoreIdentity> {
    try {
      await connect(this.client)
      if (typeof this.source === 'function') await this.client.client('SETNAME', this.name)
      const server = await inspectServer(this.client, this.address)
      this.opened = true
      return { address: this.address, prefix: this.keys.prefix, ...server }
    } catch (error) {
      this.client.disconnect()
      throw redisError(error, this.address)
    }
  }

  async close(): Promise<void> {
    this.closed = true
    await Promise.all([...this.listening].map(task => task.stop()))
    await disconnect(this.client)
  }

  /** One call of the script takes a bounded number of messages; what a failure leaves unwritten a repetition completes. */
  async append(request: AppendRequest): Promise<AppendResult> {
    const { conversationId, messages } = request
    let result: AppendResult = { accepted: 0, duplicates: 0, tooOld: 0 }
    await this.attempt(() => this.memory.check())
    for (let i = 0; i < messages.length; i += MESSAGES_A_CALL) {
      const part = { ...request, messages: messages.slice(i, i + MESSAGES_A_CALL) }
      const reply = await this.transition(() => this.scripts.append(part, this.newBatchId()), { conversationId })
      const isNew = reply.accepted > 0
      result = {
        accepted: result.accepted + reply.accepted,
        duplicates: result.duplicates + reply.duplicates,
        tooOld: result.tooOld + reply.tooOld,
        ...optional('batchId', reply.batchId || result.batchId),
        ...optional('dueInMs', reply.dueInMs >= 0 ? reply.dueInMs : result.dueInMs),
        ...optional('listeners', isNew ? reply.listeners : result.listeners),
      }
    }
    return result
  }

  async extend(conversationId: string, worthMs: number) {
    const reply = await this.transition(() => this.scripts.extend(conversationId, Math.round(worthMs)), {
      conversationId,
    })
    return reply ? { batchId: reply[0], dueInMs: reply[1] } : undefined
  }

  async claim(request: ClaimRequest): Promise<ClaimResult> {
    const [batches, checks, dead, troubles, nextInMs] = await this.transition(() => this.scripts.claim(request))
    return {
      batches: batches.map(claimedBatch),
      checks: checks.map(([batchId, conversationId, handedOverForMs, take, takenForMs]) => ({
        batchId,
        conversationId,
        handedOverForMs,
        ...(take === '' ? {} : { take, takenForMs }),
      })),
      dead: dead.map(([batchId, conversationId, error]) => ({ batchId, conversationId, error })),
      troubles: await Promise.all(
        troubles.map(async ([conversationId, error, batchId]) => ({
          conversationId,
          error: await this.nameTrouble(error, { conversationId, batchId }),
        })),
      ),
      ...(nextInMs < 0 ? {} : { nextInMs }),
    }
  }

  async renew(leases: Lease[]): Promise<string[]> {
    const lost = await this.inParts(leases, part => this.scripts.renew(part))
    return lost.flat()
  }

  async ack(batchIds: string[]): Promise<void> {
    const troubles = (await this.inParts(batchIds, part => this.scripts.ack(part, this.name))).flat()
    for (const [batchId, error] of troubles)
      this.log.warn(
        { batchId, error: await this.nameTrouble(error, { batchId }) },
        'a handed-over batch could not be acknowledged: it will be handed over again',
      )
  }

  nack(request: NackRequest): Promise<NackResult> {
    return this.transition(() => this.scripts.nack({ ...request, delayMs: Math.round(request.delayMs) }), request)
  }

  giveBack(owner: string, keep: string[] = []): Promise<string[]> {
    return this.transition(() => this.scripts.giveBack(owner, keep))
  }

  async taken(batchId: string, take: string): Promise<void> {
    await this.transition(() => this.scripts.taken(batchId, take), { batchId })
  }

  async answered(batchId: string, outcome: AnswerOutcome, conversationId?: string): Promise<AnsweredResult> {
    const [freed, dueInMs] = await this.transition(() => this.scripts.answered(batchId, outcome, conversationId), {
      batchId,
    })
    return { freed: freed === 1, ...(dueInMs < 0 ? {} : { dueInMs }) }
  }

  async flush(conversationId: string) {
    const reply = await this.transition(() => this.scripts.flush(conversationId), { conversationId })
    return reply ? { batchId: reply[0], count: reply[1] } : undefined
  }

  drop(conversationId: string): Promise<number> {
    return this.transition(() => this.scripts.drop(conversationId, this.name), { conversationId })
  }

  forget(conversationId: string): Promise<ForgetResult> {
    return this.transition(() => forget(this.scripts, conversationId), { conversationId })
  }

  edit(request: EditRequest): Promise<EditResult> {
    return this.transition(() => this.scripts.edit(request), request)
  }

  revoke(conversationId: string, messageId: string): Promise<RevokeResult> {
    return this.transition(() => this.scripts.revoke(conversationId, messageId), { conversationId })
  }

  async redrive(...batchIds: [string, ...string[]]) {
    const conversationId = await this.transition(() => this.scripts.redrive(batchIds, this.name), {
      batchId: batchIds[0],
    })
    return conversationId === null ? undefined : { conversationId }
  }

  async conversation(conversationId: string): Promise<ConversationState> {
    const [nowMs, waiting, header, holder, holderIsClaimed, entries] = await this.attempt(
      () => this.scripts.conversation(conversationId, MESSAGES_SHOWN),
      { conversationId },
    )
    const [batchId, ...numbers] = header
    const [count = 0, bytes = 0, firstAtMs = 0, lastAtMs = 0, dueAtMs = 0] = numbers.map(Number)
    return {
      conversationId,
      waiting,
      messages: entries.map(listEntry),
      ...(batchId
        ? { open: { batchId, count, bytes, firstAtMs, lastAtMs, dueAtMs, dueInMs: Math.max(dueAtMs - nowMs, 0) } }
        : {}),
      ...(holder ? { heldBy: { batchId: holder, state: holderIsClaimed ? 'claimed' : 'answering' } } : {}),
    }
  }

  async conversations(limit: number): Promise<ConversationSummary[]> {
    const [nowMs, due, held] = await this.attempt(() => this.scripts.conversations(limit))
    const open = pairs(due).map(([conversationId, dueAtMs]) => ({
      conversationId,
      state: 'open' as const,
      dueInMs: Math.max(Number(dueAtMs) - nowMs, 0),
    }))
    const holding = pairs(held).map(([batchId, conversationId]) => ({
      conversationId,
      state: 'held' as const,
      batchId,
    }))
    return [...open, ...holding].slice(0, limit)
  }

  async totals(): Promise<Totals> {
    const [open, held, dead, oldestDueAgeMs] = await this.attempt(() => this.scripts.totals())
    return { open, held, dead, oldestDueAgeMs }
  }

  history({ conversationId, limit }: { conversationId?: string; limit: number }): Promise<HistoryEntry[]> {
    const page = conversationId === undefined ? Math.min(limit, HISTORY_PAGE) : HISTORY_PAGE
    return this.attempt(() => historyFrom(this.client, this.keys.history, page, limit, conversationId))
  }

  dead(limit: number): Promise<DeadBatch[]> {
    return this.attempt(() => deadFrom(this.client, this.keys.dead, limit))
  }

  listen(listener: (event: StoreEvent) => void): Promise<() => Promise<void>> {
    // Subscribed to by hand, so as to know when it stands (see redis-events.ts).
    const client = this.clientBeside({ autoResubscribe: false })
    const db = this.client.options.db ?? 0
    return this.begin(client, new RedisEvents(client, this.keys, db, this.address, this.log, listener))
  }

  follow(listener: (entry: HistoryEntry) => void): Promise<() => Promise<void>> {
    const client = this.clientBeside(FOLLOWING_OPTIONS)
    return this.begin(client, new HistoryFollower(client, this.keys.history, listener, this.log))
  }

  async ready(): Promise<void> {
    await this.attempt(() => this.memory.check())
    await this.transition(() => this.scripts.writable())
  }

  ensureNotifications(mayChange: boolean): Promise<Notifications> {
    return ensureExpiryEvents(this.client, this.address, mayChange)
  }

  /** A connection of its own, for what can't share one with commands. */
  private clientBeside(options: RedisOptions): Redis {
    const client = createClient(this.source, this.name)
    if (client === this.client)
      throw new TypeError(
        'redis: the function must make a new client each time it is called; a subscription needs its own',
      )
    Object.assign(client.options, options)
    return client
  }

  /** Resolves to what ends it, when it stands. */
  private async begin(client: Redis, task: Listening): Promise<() => Promise<void>> {
    this.listening.add(task)
    const stop = async () => {
      this.listening.delete(task)
      await task.stop()
    }
    try {
      await connect(client)
      if (typeof this.source === 'function') await client.client('SETNAME', this.name)
      await task.start()
    } catch (error) {
      await stop()
      throw redisError(error, this.address)
    }
    return stop
  }

  /** Replies of one call each for a bounded part of `items`. */
  private async inParts<Item, Reply>(items: Item[], call: (part: Item[]) => Promise<Reply>): Promise<Reply[]> {
    const replies: Reply[] = []
    for (let i = 0; i < items.length; i += BATCHES_A_CALL)
      replies.push(await this.transition(() => call(items.slice(i, i + BATCHES_A_CALL))))
    return replies
  }

  /**
   * A script that writes. A Redis that answers, and can not be written or is not ready, is an outage too, until a write
   * gets through: a read would on a replica. Full memory is none: only messages are refused then.
   */
  private async transition<Reply>(work: () => Promise<Reply>, about: About = {}): Promise<Reply> {
    try {
      const reply = await this.attempt(work, about)
      this.outage.ended()
      return reply
    } catch (error) {
      if (error instanceof StoreUnavailable && error.reason !== 'memory' && this.opened && !this.closed)
        this.outage.began(error)
      throw error
    }
  }

  private async attempt<Reply>(work: () => Promise<Reply>, about: About = {}): Promise<Reply> {
    try {
      return await work()
    } catch (error) {
      if (isWrongType(error)) throw await foreignKey(this.client, this.keys, about)
      const known = redisError(error, this.address)
      if (known instanceof StoreUnavailable) this.observer.redisFailed?.(known.reason)
      throw known
    }
  }

  /** An error that a script met with one of many, and went on. */
  private async nameTrouble(error: string, about: About): Promise<string> {
    return error.includes('WRONGTYPE') ? (await foreignKey(this.client, this.keys, about)).message : error
  }
}

function claimedBatch(reply: RunReply): ClaimedBatch {
  const [batchId, , attempt, lease, , , , , , lateMs, headerLost] = reply
  return {
    batchId,
    lease: Number(lease),
    attempt: Number(attempt),
    lateMs,
    ...(headerLost === 'expired' || headerLost === 'vanished' ? { headerLost } : {}),
    batch: composeBatch(runFrom(reply)),
  }
}

const pairs = (flat: string[]): [string, string][] =>
  Array.from({ length: Math.floor(flat.length / 2) }, (_, i) => [flat[2 * i] ?? '', flat[2 * i + 1] ?? ''])

/** `{ [name]: value }`, or nothing where there is no value. */
const optional = <Name extends string, Value>(name: Name, value: Value | undefined) =>
  (value === undefined ? {} : { [name]: value }) as { [key in Name]?: Value }

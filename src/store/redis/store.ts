/**
 * The store on Redis: each transition is one script (`scripts.ts`), each event comes from `events.ts`; here they
 * are put together, and replies become the store's types.
 */
import { composeBatch } from '../../batch.js'
import { withArrivals } from '../../history/arrivals.js'
import { type Logger, silent } from '../../logger.js'
import type { Observer } from '../../observer.js'
import { RedisProcesses } from '../../presence/processes.js'
import { processName } from '../../process-name.js'
import { type Rules, rulesFrom } from '../../rules.js'
import { newBatchId as randomBatchId } from '../batch-id.js'
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
  type GrowthListener,
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
  type Totals,
} from '../store.js'
import { Appends } from './appends.js'
import type { RedisSource } from './connection.js'
import type { RunReply } from './entries.js'
import { listEntry, runFrom } from './entries.js'
import { storeEvents } from './events.js'
import { FOLLOWING_OPTIONS, historyFollower } from './follow.js'
import { forget } from './forget.js'
import { GroupedCalls } from './grouped-calls.js'
import { growthFollower } from './growth.js'
import { Keys } from './keys.js'
import { RedisLink } from './link.js'
import { MemoryGuard } from './memory-guard.js'
import { deadFrom, HISTORY_PAGE, historyFrom } from './reads.js'
import { type Ended, type Ending, Scripts } from './scripts.js'
import { ensureExpiryEvents } from './server.js'
import { SUBSCRIPTION_OPTIONS } from './subscription.js'

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

/** Ends of answers that one script call takes. */
const ENDINGS_A_CALL = 100
/** Batches one script call acknowledges, renews or has looked at. */
const BATCHES_A_CALL = 500

export class RedisStore implements Store {
  readonly rules: Rules
  readonly keys: Keys
  readonly name: string
  readonly processes: RedisProcesses
  readonly canary = {
    set: async (name: string, ttlMs: number) => {
      await this.link.read(() => this.link.client.set(this.keys.canary(name), '', 'PX', ttlMs))
    },
    touch: async (name: string) => {
      await this.link.read(() => this.link.client.exists(this.keys.canary(name)))
    },
  }
  private readonly link: RedisLink
  private readonly scripts: Scripts
  private readonly appends: Appends
  private readonly endings: GroupedCalls<Ending, Ended>
  private readonly memory: MemoryGuard
  private readonly log: Logger

  /** Connects to nothing yet. @throws {RangeError} for a prefix that could make two names one */
  constructor({ redis, prefix, rules = rulesFrom(), role = 'store', name, ...options }: RedisStoreOptions) {
    const { log = silent, newBatchId = randomBatchId, observer = {} } = options
    this.rules = rules
    this.keys = new Keys(prefix)
    this.name = name ?? processName(role)
    this.log = log
    this.link = new RedisLink({ redis, name: this.name, keys: this.keys, log, observer })
    const { client, address, db } = this.link
    this.scripts = new Scripts(client, this.keys, rules, db)
    this.memory = new MemoryGuard(() => client.info('memory'), address)
    this.appends = new Appends(this.link, this.scripts, this.memory, newBatchId)
    this.endings = new GroupedCalls(
      requests => this.link.write(() => this.scripts.answered(requests)),
      () => 1 / ENDINGS_A_CALL,
    )
    this.processes = new RedisProcesses(client, this.keys.processes, this.name, log)
  }

  get db(): number {
    return this.link.db
  }

  open(): Promise<StoreIdentity> {
    return this.link.open()
  }

  /** What was asked for before is sent before. */
  async close(): Promise<void> {
    await Promise.all([this.appends.idle(), this.endings.idle()])
    await this.link.close()
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return this.appends.append(request)
  }

  async extend(conversationId: string, worthMs: number) {
    const reply = await this.link.write(() => this.scripts.extend(conversationId, Math.round(worthMs)), {
      conversationId,
    })
    return reply ? { batchId: reply[0], dueInMs: reply[1] } : undefined
  }

  async claim(request: ClaimRequest): Promise<ClaimResult> {
    const [batches, checks, dead, troubles, nextInMs] = await this.link.write(() => this.scripts.claim(request))
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
          error: await this.link.nameTrouble(error, { conversationId, batchId }),
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
        { batchId, error: await this.link.nameTrouble(error, { batchId }) },
        'a handed-over batch could not be acknowledged: it will be handed over again',
      )
  }

  nack(request: NackRequest): Promise<NackResult> {
    return this.link.write(() => this.scripts.nack({ ...request, delayMs: Math.round(request.delayMs) }), request)
  }

  giveBack(owner: string, keep: string[] = []): Promise<string[]> {
    return this.link.write(() => this.scripts.giveBack(owner, keep))
  }

  async checkNow(batchIds?: string[]): Promise<void> {
    if (batchIds) {
      await this.inParts(batchIds, part => this.scripts.checkNow(part))
      return
    }
    // As many as there were at first: claims set the next checks meanwhile.
    let left = await this.link.write(() => this.scripts.checkNow([], BATCHES_A_CALL))
    for (; left > 0; left -= BATCHES_A_CALL) await this.link.write(() => this.scripts.checkNow([], BATCHES_A_CALL))
  }

  async taken(batchId: string, take: string): Promise<void> {
    await this.link.write(() => this.scripts.taken(batchId, take), { batchId })
  }

  async answered(
    batchId: string,
    outcome: AnswerOutcome,
    conversationId?: string,
    lease?: number,
  ): Promise<AnsweredResult> {
    const reply = await this.endings.add({ batchId, outcome, conversationId, lease })
    if (reply instanceof Error) throw await this.link.failed(reply, { batchId })
    const { freed, dueInMs } = reply
    return { freed, ...(dueInMs < 0 ? {} : { dueInMs }) }
  }

  async flush(conversationId: string) {
    const reply = await this.link.write(() => this.scripts.flush(conversationId), { conversationId })
    return reply ? { batchId: reply[0], count: reply[1] } : undefined
  }

  drop(conversationId: string): Promise<number> {
    return this.link.write(() => this.scripts.drop(conversationId, this.name), { conversationId })
  }

  forget(conversationId: string): Promise<ForgetResult> {
    return this.link.write(() => forget(this.scripts, conversationId), { conversationId })
  }

  edit(request: EditRequest): Promise<EditResult> {
    return this.link.write(() => this.scripts.edit(request), request)
  }

  revoke(conversationId: string, messageId: string): Promise<RevokeResult> {
    return this.link.write(() => this.scripts.revoke(conversationId, messageId), { conversationId })
  }

  async redrive(...batchIds: [string, ...string[]]) {
    const conversationId = await this.link.write(() => this.scripts.redrive(batchIds, this.name), {
      batchId: batchIds[0],
    })
    return conversationId === null ? undefined : { conversationId }
  }

  async conversation(conversationId: string): Promise<ConversationState> {
    const [nowMs, waiting, header, holder, holderIsClaimed, entries, dueSince] = await this.link.read(
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
      ...(dueSince === '' || Number(dueSince) > nowMs ? {} : { overdueForMs: nowMs - Number(dueSince) }),
    }
  }

  async conversations(limit: number): Promise<ConversationSummary[]> {
    const [nowMs, due, counts, held] = await this.link.read(() => this.scripts.conversations(limit))
    const open = pairs(due).map(([conversationId, dueAtMs], i) => ({
      conversationId,
      state: 'open' as const,
      dueInMs: Math.max(Number(dueAtMs) - nowMs, 0),
      count: Number(counts[i]),
    }))
    const holding = pairs(held).map(([batchId, conversationId]) => ({
      conversationId,
      state: 'held' as const,
      batchId,
    }))
    return [...open, ...holding].slice(0, limit)
  }

  async totals(): Promise<Totals> {
    const [open, held, dead, oldestDueAgeMs] = await this.link.read(() => this.scripts.totals())
    return { open, held, dead, oldestDueAgeMs }
  }

  async history({ conversationId, limit }: { conversationId?: string; limit: number }): Promise<HistoryEntry[]> {
    const page = conversationId === undefined ? Math.min(limit, HISTORY_PAGE) : HISTORY_PAGE
    const read = () => historyFrom(this.link.client, this.keys.history, page, limit, conversationId)
    const history = await this.link.read(read)
    return conversationId === undefined ? history : withArrivals(history).slice(0, limit)
  }

  dead(limit: number): Promise<DeadBatch[]> {
    return this.link.read(() => deadFrom(this.link.client, this.keys.dead, limit))
  }

  listen(listener: (event: StoreEvent) => void): Promise<() => Promise<void>> {
    const { keys, log } = this
    const { db, address } = this.link
    return this.link.start(SUBSCRIPTION_OPTIONS, client => storeEvents(client, { keys, db, address, log }, listener))
  }

  follow(listener: (entry: HistoryEntry) => void): Promise<() => Promise<void>> {
    return this.link.start(FOLLOWING_OPTIONS, client => historyFollower(client, this.keys.history, listener, this.log))
  }

  followGrowth(listener: GrowthListener): Promise<() => Promise<void>> {
    const { log } = this
    const { db, address } = this.link
    const channel = this.keys.batchUpdated
    return this.link.start(SUBSCRIPTION_OPTIONS, client =>
      growthFollower(client, { channel, db, address, log }, listener),
    )
  }

  async ready(): Promise<void> {
    await this.link.read(() => this.memory.check())
    await this.link.write(() => this.scripts.writable())
  }

  ensureNotifications(mayChange: boolean): Promise<Notifications> {
    return ensureExpiryEvents(this.link.client, this.link.address, mayChange)
  }

  /** Replies of one call each for a bounded part of `items`. */
  private async inParts<Item, Reply>(items: Item[], call: (part: Item[]) => Promise<Reply>): Promise<Reply[]> {
    const replies: Reply[] = []
    for (let i = 0; i < items.length; i += BATCHES_A_CALL)
      replies.push(await this.link.write(() => call(items.slice(i, i + BATCHES_A_CALL))))
    return replies
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

/**
 * A store in memory and one on Redis with the same rules, clock and ids, which get the same commands. After each
 * command both have returned the same, are in the same state and keep the invariants, and a ledger checks their
 * results.
 */
import { expect } from 'chai'
import type { StoredMessage } from '../../../src/batch.js'
import type { Rules } from '../../../src/rules.js'
import { partitionOf } from '../../../src/store/batch-id.js'
import type { AppendRequest, ClaimRequest, HistoryEntry, Lease, Store, StoreEvent } from '../../../src/store/store.js'
import type { Clock } from '../clocked-redis.js'
import { checked } from '../store-contract/checked.js'
import { until } from '../wait.js'
import { CHATS, type Command, OWNERS } from './commands.js'
import { Ledger } from './ledger.js'
import { Sides, type SidesOptions } from './sides.js'

const HISTORY_READ = 1000
const BATCHES_READ = 1000
/** One call writes fewer steps. */
const STEPS_A_CALL = 100
const PLENTY = { maxBatches: 100, maxBytes: 1_000_000_000 }
/** Longer than every wait, lease, hold and pause. */
const LONG_MS = 70_000
/** Rounds that hand over all batches: each passes some time and takes at least one batch of each conversation. */
const MOST_ROUNDS = 300

type Answer = Record<string, unknown>
type HistoryQuery = Parameters<Store['history']>[0]
type AppendedHow = Omit<AppendRequest, 'conversationId' | 'messages'>

export class Pair {
  /** What was done, for the message of a failure. */
  readonly log: string[] = []
  private readonly ledger: Ledger
  private readonly rules: Rules
  private readonly sides: Sides
  private readonly clock: Clock
  private readonly onRedis: Store
  /** Checks its invariants after every call. */
  private readonly inMemory: Store
  private readonly heardInMemory: StoreEvent[] = []
  private readonly heardOnRedis: StoreEvent[] = []
  /** Leases, the latest last. */
  private claimed: Lease[] = []
  private dead: string[] = []
  /** Steps that the ledger has noted. */
  private readonly superseded = new Set<string>()
  private messages = 0
  private call = 0

  private constructor(options: Omit<SidesOptions, 'idNumber'>) {
    this.rules = options.rules
    this.ledger = new Ledger(options.rules)
    const sides = new Sides({ ...options, idNumber: () => this.call })
    this.sides = sides
    this.clock = sides.clock
    this.onRedis = sides.onRedis
    this.inMemory = checked({
      store: sides.inMemory,
      pass: async () => {},
      snapshot: async () => sides.inMemoryNow(),
      close: async () => {},
    }).store
  }

  /** The caller closes `redis`. */
  static async on(options: Omit<SidesOptions, 'idNumber'>): Promise<Pair> {
    const pair = new Pair(options)
    const { inMemory, onRedis } = pair.sides
    await pair.clock.set(pair.clock.nowMs)
    await onRedis.open()
    await Promise.all([
      inMemory.listen(event => pair.heardInMemory.push(event)),
      onRedis.listen(event => pair.heardOnRedis.push(event)),
    ])
    return pair
  }

  close(): Promise<void> {
    return this.sides.close()
  }

  async run(command: Command): Promise<void> {
    this.log.push(`${this.clock.nowMs} ${JSON.stringify(command)}`)
    await this.perform(command)
    await this.expectSameState()
  }

  /** Passes time and hands over batches until none is left. */
  async settle(): Promise<void> {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      await this.pass(LONG_MS)
      for (const batchId of this.ledger.answering) await this.answered(batchId)
      for (const batchId of this.dead.splice(0)) await this.redrive([batchId])
      const { batches } = await this.claim({ owner: 'settler', ...PLENTY })
      const batchIds = batches.map(({ batchId }) => batchId)
      await this.ack(batchIds)
      if (batches.length === 0 && this.ledger.answering.length === 0 && this.dead.length === 0) break
    }
    await this.expectSameState()
    this.ledger.expectBalance()
    expect(await this.onRedis.conversations(1), 'conversations left').to.deep.equal([])
    await this.expectSameReads()
    await this.expectSameEvents()
  }

  private async perform(command: Command): Promise<unknown> {
    switch (command.op) {
      case 'append':
        return this.append(command.chat, command.messages, this.optionsOf(command))
      case 'direct':
        return this.append(command.chat, command.messages, { direct: true })
      case 'typing':
        return this.both(store =>
          store.extend(command.chat, command.worthMs, { rules: { typingGapMs: command.typingGapMs, scopes: {} } }),
        )
      case 'hold':
        return this.both(store => store.hold(command.chat, command.key, command.forMs))
      case 'release':
        return this.both(store => store.release(command.chat, command.key))
      case 'pause': {
        const { dropped } = await this.both(store => store.pause(command.chat, command))
        if (command.keep === 'drop') this.ledger.discarded(command.chat, dropped)
        return
      }
      case 'ownMessage': {
        const result = await this.both(store => store.pauseByMessage(command.chat, command.messageId, command))
        const { paused } = await this.inMemory.conversation(command.chat)
        if (typeof result === 'object' && paused?.keep === 'drop') this.ledger.discarded(command.chat, result.dropped)
        return
      }
      case 'sent':
        await this.both(store => store.wasSent(command.chat, command.messageIds[0] ?? 'none'))
        return this.both(store => store.sent(command.chat, command.messageIds))
      case 'resume':
        return this.both(store => store.resume(command.chat))
      case 'claim':
        return this.claim(command)
      case 'crash':
        this.claimed = []
        return
      case 'renew': {
        const leases = this.claimed.slice(-command.count)
        return this.both(store => store.renew(leases))
      }
      case 'ack':
        return this.ack(this.reach(command.back, command.count).map(({ batchId }) => batchId))
      case 'nack':
        return this.nack(command)
      case 'giveBack': {
        const keep = this.reach(command.keeps).map(({ batchId }) => batchId)
        return this.both(store => store.giveBack(command.owner, keep))
      }
      case 'checkNow': {
        const named = [this.batchId(command.back)]
        return this.both(store => (command.named ? store.checkNow(named) : store.checkAllNow()))
      }
      case 'workerStarted':
        return this.both(store => store.workerStarted(this.batchId(command.back), command.workerAttempt))
      case 'answered':
        return this.answered(this.batchId(command.back), command.named ? CHATS[0] : undefined)
      case 'commit': {
        const batchId = this.batchId(command.back)
        const result = await this.both(store => store.commit(batchId))
        return this.ledger.committed(batchId, this.clock.nowMs, result)
      }
      case 'flush': {
        const flushed = await this.both(store => store.flush(command.chat))
        if (flushed) this.ledger.flushed(flushed.batchId)
        return
      }
      case 'drop': {
        const dropped = await this.both(store => store.drop(command.chat))
        return this.ledger.discarded(command.chat, dropped)
      }
      case 'edit': {
        const { chat: conversationId, letters } = command
        const edited = { conversationId, messageId: this.earlier(command.repeats), text: `"${'ü'.repeat(letters)}\\` }
        return this.both(store => store.edit(edited))
      }
      case 'revoke': {
        const messageId = this.earlier(command.repeats)
        const result = await this.both(store => store.revoke(command.chat, messageId))
        return this.ledger.revoked(command.chat, messageId, this.clock.nowMs, result)
      }
      case 'forget': {
        const kept = this.keptFor(command.chat)
        const { messages } = await this.both(store => store.forget(command.chat))
        this.ledger.forgotten(command.chat, messages, kept)
        this.dead = (await this.inMemory.dead(BATCHES_READ)).map(({ batchId }) => batchId)
        return
      }
      case 'merge':
        return this.merge(command)
      case 'redrive':
        return this.redrive(this.dead.slice(-command.back - 1).slice(0, command.count))
      case 'discardDead':
        return this.discardDead(this.dead.at(-command.back - 1))
      case 'loseHeader':
        return this.sides.loseHeader(command.chat)
      case 'look':
        return this.expectSameReads(command.chat)
      case 'pass':
        return this.pass(command.ms)
    }
  }

  /** Messages that have been handed over, and that the store keeps, since a newer message may supersede their batch. */
  private keptFor(conversationId: string): number {
    const { answering } = this.sides.inMemoryNow()
    return answering.find(one => one.conversationId === conversationId)?.count ?? 0
  }

  private optionsOf({ flush, own }: Extract<Command, { op: 'append' }>): AppendedHow {
    // No answer is superseded in concurrent order.
    const isAllowed = own !== undefined && (own.answering === undefined || this.rules.order === 'serial')
    return { flush, ...(isAllowed ? { rules: { ...own, scopes: { quietGapMs: 'shop', maxMessages: '*' } } } : {}) }
  }

  private async append(
    chat: string,
    messages: Extract<Command, { op: 'append' }>['messages'],
    how: AppendedHow,
  ): Promise<void> {
    const { nowMs } = this.clock
    const stored = messages.map(({ repeats, isVoice, letters, sentAgoMs }): StoredMessage => {
      const messageId = this.earlier(repeats)
      if (repeats === 0) this.messages += 1
      return {
        messageId,
        ...(isVoice ? { type: 'voice' } : { type: 'text', text: 'é'.repeat(letters) }),
        ...(sentAgoMs === undefined ? {} : { sentAtMs: nowMs - sentAgoMs + 0.4 }),
      }
    })
    const result = await this.both(store => store.append({ conversationId: chat, messages: stored, ...how }))
    this.ledger.appended(chat, stored, nowMs, result)
  }

  private async claim({ partition, ...some }: ClaimRequest) {
    const { owner } = some
    const isDivided = this.sides.partitions > 1
    // The model of partitions counts no bytes in a claim in all of them.
    const inAll = isDivided ? { ...some, maxBytes: PLENTY.maxBytes } : some
    const request = isDivided && partition !== undefined ? { ...some, partition } : inAll
    const result = await this.both(store => store.claim(request))
    this.ledger.claimed(result)
    this.dead.push(...result.dead.map(({ batchId }) => batchId))
    if (OWNERS.includes(owner)) this.claimed.push(...result.batches)
    return result
  }

  private async ack(batchIds: string[]): Promise<void> {
    await this.both(store => store.ack(batchIds))
    for (const batchId of batchIds) this.ledger.acknowledged(batchId)
    this.dead = this.dead.filter(batchId => !batchIds.includes(batchId))
  }

  private async nack({ back, delayMs, counts }: Extract<Command, { op: 'nack' }>): Promise<void> {
    const { batchId, lease } = this.reach(back)[0] ?? { batchId: 'none', lease: 1 }
    const result = await this.both(store =>
      store.nack({ batchId, lease, delayMs, counts, error: 'it said "no" \\ \u0001' }),
    )
    if (result !== 'dead') return
    this.ledger.died(batchId)
    this.dead.push(batchId)
  }

  private async answered(batchId: string, conversationId?: string): Promise<void> {
    await this.both(store => store.answered(batchId, 'completed', conversationId))
    this.ledger.answered(batchId)
    this.dead = this.dead.filter(other => other !== batchId)
  }

  private async redrive([first = 'none', ...others]: string[]): Promise<void> {
    const redriven = await this.both(store => store.redrive(first, ...others))
    if (!redriven) return
    const batchIds = [first, ...others]
    this.ledger.redriven(batchIds)
    this.dead = this.dead.filter(batchId => !batchIds.includes(batchId))
  }

  private async discardDead(batchId = 'none'): Promise<void> {
    const discarded = await this.both(store => store.discardDead([batchId, batchId]))
    if (discarded > 0) this.ledger.discardedDead(batchId)
    this.dead = this.dead.filter(other => other !== batchId)
  }

  private async merge({ chat: from, into }: Extract<Command, { op: 'merge' }>): Promise<void> {
    if (from === into) return
    // Several transitions, not one: moves.test.ts.
    if (this.sides.partitionOf(from) !== this.sides.partitionOf(into)) return
    const merged = await this.both(store => store.merge(from, into))
    if (merged === 'later') return
    const { messages } = await this.inMemory.conversation(into)
    this.ledger.merged(
      from,
      into,
      merged ?? 0,
      messages.map(({ message }) => message),
    )
  }

  private pass(ms: number): Promise<void> {
    return this.clock.pass(ms, CHATS)
  }

  /** Calls both, and returns their result, which must be the same. */
  private async both<Result>(work: (store: Store) => Promise<Result>): Promise<Result> {
    this.call += 1
    const expected = await work(this.inMemory)
    const result = await work(this.onRedis)
    this.log.push(`  ${JSON.stringify(expected)}`)
    if (JSON.stringify(result) !== JSON.stringify(expected)) this.log.push(`  Redis: ${JSON.stringify(result)}`)
    await this.noteSuperseded()
    expect(result, 'the answer of Redis').to.deep.equal(expected)
    return result
  }

  /** Tells the ledger which batches the last call has superseded. */
  private async noteSuperseded(): Promise<void> {
    for (const { id, step, batchId } of await this.sides.steps(STEPS_A_CALL)) {
      if (step !== 'superseded' || this.superseded.has(id)) continue
      this.superseded.add(id)
      this.ledger.superseded(batchId)
    }
  }

  /** The id of the message that was made so many messages ago; 0: of the next one. */
  private earlier(repeats: number): string {
    return `m${Math.max(this.messages - repeats, 0)}`
  }

  private reach(back: number, count = 1): Lease[] {
    const end = this.claimed.length - back
    return this.claimed.slice(Math.max(end - count, 0), Math.max(end, 0))
  }

  private batchId(back: number): string {
    return this.reach(back)[0]?.batchId ?? 'none'
  }

  private async expectSameState(): Promise<void> {
    const ids = CHATS
    const expected = this.sides.inMemoryNow()
    const found = await this.sides.onRedisNow(ids)
    const isThere = ({ waiting, heldBy }: Answer & { waiting: string[] }) => waiting.length > 0 || heldBy !== undefined
    expect(byId({ ...found, conversations: found.conversations.filter(isThere) })).to.deep.equal(byId(expected))
  }

  private async expectSameReads(chat?: string): Promise<void> {
    for (const id of chat === undefined ? CHATS : [chat]) await this.same(store => store.conversation(id))
    await this.same(store => store.conversations(3))
    await this.same(store => store.paused(3))
    await this.same(store => store.totals())
    await this.same(async store => (await store.dead(BATCHES_READ)).sort((a, b) => (a.batchId < b.batchId ? -1 : 1)))
    // The stream's ids are by Redis's own clock. `appended` steps are sorted in by their time, and the messages of a
    // batch that replaced others are derived from it. All that they are derived from is compared without a conversation.
    // The steps of a partition are in order; those of several are merged by their time.
    const ofAll: HistoryQuery = { limit: HISTORY_READ }
    for (const query of [ofAll, { ...ofAll, conversationId: chat ?? 'a' }])
      await this.same(async store =>
        this.byPartition(await store.history(query))
          .filter(({ step }) => step !== 'appended')
          .map(({ id: _, atMs: __, ...entry }) => (query.conversationId === undefined ? entry : underived(entry))),
      )
  }

  private async same(read: (store: Store) => Promise<unknown>): Promise<void> {
    expect(await read(this.onRedis), 'what is read').to.deep.equal(await read(this.inMemory))
  }

  private async expectSameEvents(): Promise<void> {
    await until(() => this.heardOnRedis.length >= this.heardInMemory.length, { what: 'the events of Redis' })
    const [found, expected] = [this.heardOnRedis, this.heardInMemory].map(events =>
      events.toSorted((a, b) => partitionOfEvent(a) - partitionOfEvent(b)),
    )
    expect(found, 'events').to.deep.equal(expected)
  }

  private byPartition(entries: HistoryEntry[]): HistoryEntry[] {
    // The work on an unknown batch may end in a conversation of another partition than the batch's.
    const of = ({ batchId, conversationId }: HistoryEntry) =>
      batchId === '' ? this.sides.partitionOf(conversationId) : partitionOf(batchId)
    return entries.toSorted((a, b) => of(a) - of(b))
  }
}

const partitionOfEvent = (event: StoreEvent) => (event.kind === 'expired' ? 0 : (event.partition ?? 0))

interface Snapshotted {
  conversations: { conversationId: string }[]
  claimed: { batchId: string }[]
  answering: { batchId: string }[]
  dead: { batchId: string }[]
}

/** A step without what is derived of a batch that replaced others (`history/arrivals.ts`). */
function underived<Entry extends { step: string; detail: HistoryEntry['detail'] }>(entry: Entry) {
  const { step, detail } = entry
  if (step !== 'opened' || detail['supersedes'] === undefined) return entry
  const { ids: _, at: __, back: ___, firstAtMs: ____, ...recorded } = detail
  return { ...entry, detail: recorded }
}

/** A snapshot in an order in which it can be compared. */
const byId = ({ conversations, claimed, answering, dead }: Snapshotted) => ({
  conversations: Object.fromEntries(conversations.map(one => [one.conversationId, one])),
  ...Object.fromEntries(
    Object.entries({ claimed, answering, dead }).map(([name, batches]) => [
      name,
      Object.fromEntries(batches.map(one => [one.batchId, one])),
    ]),
  ),
})

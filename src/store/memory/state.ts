/**
 * What the memory store keeps, under the names of the Redis keys (`keys.ts`), and the steps that several transitions
 * share (`lua/shared/`). It has no timer: like Redis's scripts it changes only when it is called.
 */
import type { ReleaseReason } from '../../batch.js'
import { type OwnRules, RulesInUse } from '../../conversation-rules.js'
import { withArrivals } from '../../history/arrivals.js'
import { checkIntervalMs, type Rules } from '../../rules.js'
import { answeredKeptMs, SUPERSEDED_KEPT_MS } from '../answers.js'
import type { Growth, HistoryStep, StoreEvent, SupersedeListener } from '../store.js'
import { Aliases } from './aliases.js'
import type { Known } from './known.js'
import { Deadlines, type Entry, History, SeenIds, Subscribers } from './structures.js'

/** The messages of one batch, and its seal, if it has one. */
export interface WaitingRun {
  batchId: string
  entries: Entry[]
  seal?: Seal
}

export interface Seal {
  reason: ReleaseReason
  atMs: number
  /** It was committed before it died. */
  isCommitted?: boolean
  supersedes?: string[]
}

/** `typingGap`: the quiet gap that makes it due is the typing gap. */
export type DueBy = 'gap' | 'typingGap' | 'maxWait'

/** Describes the open batch, which is the last run of its conversation. */
export interface Header {
  batchId: string
  bytes: number
  firstAtMs: number
  lastAtMs: number
  dueAtMs: number
  dueBy: DueBy
  expiresAtMs: number
  supersedes?: string[]
  /** The rules that its conversation has of its own. */
  rules?: OwnRules
  /** Something holds it back until then. */
  notBeforeMs?: number
  /** Its max wait begins then, when a pause ends, and not with its first message. */
  waitsFromMs?: number
}

export interface Conversation {
  id: string
  /** The list of messages, by batch, in the order of release. No run is empty. */
  runs: WaitingRun[]
  header?: Header
  /** The batch that holds it. */
  heldBy?: string
}

export interface Claimed {
  conversationId: string
  attempt: number
  lease: number
  owner: string
  entries: Entry[]
  firstAtMs: number
  lastAtMs: number
  dueAtMs: number
  releasedAtMs: number
  releasedBy: ReleaseReason
  error?: string
  supersedes?: string[]
  isSupersedable?: boolean
  isCommitted?: boolean
  rules?: OwnRules
}

export interface HandedOver {
  conversationId: string
  lastAtMs: number
  handedOverAtMs: number
  workerAttempt?: string
  workerStartedAtMs?: number
  isCommitted?: boolean
  /** With its messages, as long as it can be superseded or is not committed. */
  batch?: Claimed
}

/** What ended a batch, for a `commit` that comes late. */
export interface Ended {
  state: 'answered' | 'superseded'
  by?: string
  atMs: number
}

/** Checks are due at this many moments an interval, so that one claim finds many of them. */
const CHECK_MOMENTS = 4
/** A batch that is overdue for so long may be unknown to all processors: see `next-due` in store.ts. */
const LONG_OVERDUE_MS = 1000

export class State {
  readonly conversations = new Map<string, Conversation>()
  /** Pauses, holds and signs of typing. Read them with `knownOf`. */
  readonly known = new Map<string, Known>()
  readonly due = new Deadlines()
  readonly claimed = new Deadlines()
  readonly claimedBatches = new Map<string, Claimed>()
  readonly answering = new Deadlines()
  readonly handedOver = new Map<string, HandedOver>()
  readonly dead = new Map<string, Claimed & { error: string; diedAtMs: number }>()
  readonly processors = new Subscribers<StoreEvent>()
  readonly growth = new Subscribers<Growth>()
  readonly superseded = new Subscribers<(listener: SupersedeListener) => void>()
  /** By what ended them, as that says how long they are kept; the first to end first. */
  private readonly ended = { answered: new Map<string, Ended>(), superseded: new Map<string, Ended>() }
  readonly seen: SeenIds
  /** Ids of messages that the bot sent. */
  readonly sent: SeenIds
  /** Ids of own messages that persons sent. */
  readonly own: SeenIds
  readonly aliases = new Aliases()
  /** The provider that each account belongs to. */
  readonly accounts = new Map<string, string>()
  readonly log = new History()
  readonly rulesInUse: RulesInUse
  private readonly checkMs: number

  constructor(
    readonly rules: Rules,
    /** Milliseconds since the epoch; never goes back. */
    readonly now: () => number,
    /** In the history's `owner` and `by`. */
    readonly name: string,
    readonly newBatchId: () => string,
  ) {
    this.seen = new SeenIds(rules.dedupeMs)
    this.sent = new SeenIds(rules.dedupeMs)
    this.own = new SeenIds(rules.dedupeMs)
    this.checkMs = checkIntervalMs(rules)
    this.rulesInUse = new RulesInUse(rules)
  }

  conversation(id: string): Conversation {
    const known = this.conversations.get(id)
    if (known) return known
    const conversation: Conversation = { id, runs: [] }
    this.conversations.set(id, conversation)
    return conversation
  }

  /** Removes a conversation that has no messages and is not held. */
  tidy(conversation: Conversation): void {
    if (conversation.runs.length === 0 && conversation.heldBy === undefined) this.conversations.delete(conversation.id)
  }

  /** The open batch's header, if there is one and it has not expired. */
  header(conversation: Conversation, now: number): Header | undefined {
    if (conversation.header && conversation.header.expiresAtMs < now) delete conversation.header
    return conversation.header
  }

  /** The end of the lease that holds the conversation, or the next check of the batch that does. Both may be moved. */
  heldUntilMs({ heldBy }: Conversation): number | undefined {
    return heldBy === undefined ? undefined : (this.claimed.get(heldBy) ?? this.answering.get(heldBy))
  }

  /** Makes the header outlive what its conversation waits for. */
  keepHeader(conversationId: string, now: number, untilMs: number): void {
    const conversation = this.conversations.get(conversationId)
    const header = conversation && this.header(conversation, now)
    if (header) header.expiresAtMs = Math.max(header.expiresAtMs, untilMs + this.rules.batchTtlMs)
  }

  /** The open batch's due time, if it is the first of its conversation. */
  headDueAtMs(conversation: Conversation, now: number): number | undefined {
    const header = this.header(conversation, now)
    return header && conversation.runs[0]?.batchId === header.batchId ? header.dueAtMs : undefined
  }

  /** When the first batch of a conversation may be claimed: at its due time, at its early start, or now. */
  headStartAtMs(conversation: Conversation, now: number): number {
    const { header } = conversation
    if (!header || this.headDueAtMs(conversation, now) === undefined) return now
    return Math.max(this.startAtMs(header), now)
  }

  /** When an open batch may be claimed: at its due time, or at its early start. */
  startAtMs({ dueAtMs, lastAtMs, rules, notBeforeMs = 0 }: Header): number {
    const { earlyStartMs } = this.rulesOf(rules)
    return Math.max(earlyStartMs > 0 ? Math.min(dueAtMs, lastAtMs + earlyStartMs) : dueAtMs, notBeforeMs)
  }

  /** The store's rules, except for the conversation's own. `lua/shared/rules.lua`. */
  rulesOf(own: OwnRules | undefined): Rules {
    if (!own) return this.rules
    const rules = { ...this.rules, ...own }
    return {
      ...rules,
      earlyStartMs: rules.answering === 'supersede' ? rules.earlyStartMs : 0,
      batchTtlMs: ttlOf(rules),
    }
  }

  /** Remembers for a while what ended a batch. */
  end(batchId: string, ended: Ended): void {
    const kept = this.ended[ended.state]
    kept.delete(batchId)
    kept.set(batchId, ended)
    for (const [oldest, other] of kept) {
      if (this.isKept(other, ended.atMs)) break
      kept.delete(oldest)
    }
  }

  endOf(batchId: string, now: number): Ended | undefined {
    const ended = this.ended.superseded.get(batchId) ?? this.ended.answered.get(batchId)
    return ended && this.isKept(ended, now) ? ended : undefined
  }

  private isKept({ state, atMs }: Ended, now: number): boolean {
    return atMs + (state === 'superseded' ? SUPERSEDED_KEPT_MS : answeredKeptMs(this.rules)) > now
  }

  /**
   * Schedules a conversation, whose first batch is `batchId`, for `atMs`. A conversation that could go already keeps
   * its earlier time. Publishes `next-due` only if this is now the first, or the first is long overdue.
   */
  schedule(conversationId: string, batchId: string, atMs: number, now: number, furthestMs = Infinity): void {
    const firstMs = this.due.first?.atMs
    const known = this.due.get(conversationId)
    // `due_score` in `lua/shared/schedule.lua` says what `furthestMs` is for.
    if (atMs - 1 > now || known === undefined || atMs < known)
      this.due.set(conversationId, atMs, atMs > now + furthestMs)
    if (firstMs === undefined || atMs < firstMs || firstMs <= now - LONG_OVERDUE_MS)
      this.publishDue(conversationId, batchId, atMs - now)
  }

  publishDue(conversationId: string, batchId: string, inMs: number): void {
    this.processors.publish({ kind: 'next-due', conversationId, batchId, dueInMs: Math.max(inMs, 0), db: 0 })
  }

  /** Ends a conversation's hold. Returns the milliseconds until its first batch may go, if it has one. */
  free(conversation: Conversation, now: number): number | undefined {
    delete conversation.heldBy
    const head = conversation.runs[0]
    if (!head) {
      this.tidy(conversation)
      return undefined
    }
    const atMs = this.headStartAtMs(conversation, now)
    this.schedule(conversation.id, head.batchId, atMs, now)
    const dueInMs = Math.max((this.headDueAtMs(conversation, now) ?? now) - now, 0)
    this.publishGrowth(conversation, head.batchId, waiting(conversation), dueInMs)
    return atMs - now
  }

  /** Makes a claimed batch dead and frees its conversation. */
  die(batchId: string, batch: Claimed, error: string, now: number): void {
    this.dead.set(batchId, { ...batch, error, diedAtMs: now })
    this.claimedBatches.delete(batchId)
    this.claimed.delete(batchId)
    this.free(this.conversation(batch.conversationId), now)
    this.record('dead', batchId, batch.conversationId, now, { attempt: batch.attempt, error })
  }

  /** The time of a batch's next answer check. */
  nextCheck(now: number): number {
    const grid = Math.max(Math.floor(this.checkMs / CHECK_MOMENTS), 1)
    return Math.floor((now + this.checkMs) / grid) * grid
  }

  publishGrowth({ id }: Conversation, batchId: string, count: number, dueInMs: number): void {
    this.growth.publish({ conversationId: id, batchId, count, dueInMs, db: 0 })
  }

  record(
    step: HistoryStep,
    batchId: string,
    conversationId: string,
    now: number,
    detail: Record<string, string | number>,
  ): void {
    this.log.record(now, step, batchId, conversationId, detail)
  }

  history(limit: number, conversationId?: string) {
    const ids = conversationId === undefined ? undefined : this.aliases.samePerson(conversationId, this.now())
    const history = this.log.newest(limit, ids)
    return conversationId === undefined ? history : withArrivals(history).slice(0, limit)
  }
}

/** Seals the open batch, `run`: it is due now, or as soon as its conversation is free (`lua/shared/seal.lua`). */
export function sealOpen(
  state: State,
  conversation: Conversation,
  run: WaitingRun,
  reason: ReleaseReason,
  now: number,
): void {
  const count = run.entries.length
  state.record('sealed', run.batchId, conversation.id, now, { reason, count })
  run.seal = { reason, atMs: now, ...supersededBy(conversation.header) }
  delete conversation.header
  if (conversation.heldBy === undefined) state.schedule(conversation.id, run.batchId, now, now)
  state.publishGrowth(conversation, run.batchId, count, 0)
}

/** The batches that a batch supersedes, where it supersedes any. */
export const supersededBy = (batch?: { supersedes?: string[] }): { supersedes?: string[] } =>
  batch?.supersedes ? { supersedes: batch.supersedes } : {}

/** How long a header lives: longer than any quiet gap. */
const ttlOf = ({ batchTtlMs, quietGapMs }: Rules) => (batchTtlMs > quietGapMs ? batchTtlMs : 2 * quietGapMs)

/** The number of a conversation's messages that are not claimed. */
export const waiting = (conversation: Conversation) =>
  conversation.runs.reduce((sum, { entries }) => sum + entries.length, 0)

/**
 * A clock that never goes back. If the machine's clock is set back, this one goes on: else every batch would wait for
 * it.
 */
export function steady(now: () => number): () => number {
  let lastMs = Number.NEGATIVE_INFINITY
  let aheadMs = 0
  return () => {
    const readMs = Math.floor(now())
    aheadMs = Math.max(aheadMs, lastMs - readMs)
    lastMs = readMs + aheadMs
    return lastMs
  }
}

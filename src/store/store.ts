/**
 * The store: where conversations' messages wait, and the transitions that move them. `RedisStore` is the product,
 * `MemoryStore` the same in one process; one contract suite runs on both.
 *
 * A conversation's messages are one list of contiguous runs, one a batch. A batch is
 *
 *   open      while it collects: its header exists
 *   sealed    no longer collecting, by a cap, a flush or a direct message: a seal at the end of its run says why
 *   claimed   taken by one processor, under a lease that ends unless it is renewed
 *   answering handed over, and (in serial order) holding its conversation until the work on it has ended
 *   dead      its handover failed for good; kept until somebody redrives it
 *
 * A conversation is *held* from the claim of a batch until that batch's acknowledgement (concurrent order) or answer
 * (serial order). After every transition:
 *
 *   1. a conversation with messages is in `due` or is held, never both; one without is not in `due`
 *   2. it is held exactly while one of its batches is claimed, or (serial) handed over and not answered; one at a time
 *   3. the list is runs by batch; the header describes the last run, and its count is exact
 *   4. an accepted message is in exactly one of: list, claimed, dead, handed over, dropped
 *
 * Every time that is stored is the store's own; what a processor gets back are durations, so that its clock does not
 * matter.
 */
import type { Batch, StoredMessage } from '../batch.js'
import type { HistoryEntry } from '../history/steps.js'
import type { Rules } from '../rules.js'

export interface AppendRequest {
  conversationId: string
  messages: StoredMessage[]
  /** Each message is a batch of its own, due at once, behind whatever the conversation has open. */
  direct?: boolean
}

export interface AppendResult {
  accepted: number
  duplicates: number
  /** Sent longer ago than `maxAgeMs`, and dropped. */
  tooOld: number
  /** The batch that the last accepted message went into; for nothing but duplicates the open one, if there is one. */
  batchId?: string
  /** Until that batch is due. Absent where there is none. A held conversation's batch may have to wait longer. */
  dueInMs?: number
  /** Processors that were told of it; 0 means that nobody is there to release it. Absent where nothing was new. */
  listeners?: number
}

export interface ClaimRequest {
  /** The processor, as the history and `batch-released` name it. Unique to this process's life. */
  owner: string
  maxBatches: number
  /** The claim stops at the batch that reaches this many bytes of messages; one batch is always taken. */
  maxBytes: number
}

/** Names one lease of one batch: a later lease of the same batch has a higher number. */
export interface Lease {
  batchId: string
  lease: number
}

export interface ClaimedBatch extends Lease {
  batch: Batch
  /** 1 for the first handover. */
  attempt: number
  /** From the moment it could go (its due time, or the end of what held it) to the claim. */
  lateMs: number
  /** Set where the header was lost: expired, or deleted before its time by a hand that is not Lull's. */
  headerLost?: 'expired' | 'vanished'
}

/** A batch that has been holding its conversation for a while: is it still being answered? */
export interface AnswerCheck {
  batchId: string
  conversationId: string
  /** Since the handover. */
  handedOverForMs: number
  /** Which take of the work `takenForMs` counts from (a worker's attempt); absent until one is known. */
  take?: string
  /** Since a worker was first seen at that take. */
  takenForMs?: number
}

/** A batch that this claim found to have used up its attempts. */
export interface DeadNotice {
  batchId: string
  conversationId: string
  error: string
}

export interface ClaimResult {
  batches: ClaimedBatch[]
  checks: AnswerCheck[]
  dead: DeadNotice[]
  /** Conversations that could not be read (a key of a foreign type), put off for a while. One line each. */
  troubles: { conversationId: string; error: string }[]
  /** Until the next thing to do, as far as is known now; 0: there is more to claim. Absent: nothing is waiting. */
  nextInMs?: number
}

export type AnswerOutcome = 'completed' | 'failed' | 'removed' | 'timeout'

export interface AnsweredResult {
  /**
   * Whether this report ended the batch's hold: it held its conversation, or was still claimed, until now. Of several
   * reports of one answer exactly one gets `true` in serial order, and that one is counted (`report-answered.ts`).
   */
  freed: boolean
  /** Until the conversation's next batch is due, where there is one. */
  dueInMs?: number
}

export interface NackRequest extends Lease {
  /** Until the batch may be claimed again. */
  delayMs: number
  /** Whether the attempt counts: the queue's trouble is not the batch's. */
  counts: boolean
  /** One line. */
  error: string
}

/** `stale`: another lease, or the batch is gone; nothing was changed. */
export type NackResult = 'retry' | 'dead' | 'stale'

export interface EditRequest {
  conversationId: string
  messageId: string
  /** Or a medium's caption. */
  text: string
}

/**
 * `tooLate`: the message has come, and is not among the last 100 that wait in its conversation: claimed, handed over,
 * or gone. `unknown`: no such message has come.
 */
export type EditResult = 'edited' | 'tooLate' | 'unknown'

/** `remembered`: the message has not come yet, and will be dropped as a duplicate when it does. */
export type RevokeResult = 'revoked' | 'tooLate' | 'remembered'

/** What `forget` has erased. */
export interface ForgetResult {
  /** That waited, or were claimed. */
  messages: number
  deadBatches: number
  historyEntries: number
  /** The batch that was claimed or being answered: whoever has it has it still. */
  underWay?: string
}

export type { HistoryEntry, HistoryStep } from '../history/steps.js'

export interface DeadBatch {
  batchId: string
  conversationId: string
  attempts: number
  error: string
  diedAtMs: number
  batch: Batch
}

/** What is known of one conversation now. */
export interface ConversationState {
  conversationId: string
  /** The batch that collects, if one does. */
  open?: {
    batchId: string
    count: number
    bytes: number
    firstAtMs: number
    lastAtMs: number
    dueAtMs: number
    dueInMs: number
  }
  /** Messages that no processor has claimed yet, sealed ones included; at most the last `MESSAGES_SHOWN` are listed. */
  waiting: number
  messages: { batchId: string; receivedAtMs: number; message: StoredMessage }[]
  /** The batch that holds the conversation, if one does. */
  heldBy?: { batchId: string; state: 'claimed' | 'answering' }
  /** For how long its first batch could have gone; absent where nothing waits, is due, or something holds the conversation. */
  overdueForMs?: number
}

/** How much there is of everything. */
export interface Totals {
  /** Conversations with messages that are not held. */
  open: number
  held: number
  dead: number
  /** For how long the oldest of the open ones has been due; 0: none is. */
  oldestDueAgeMs: number
}

export const MESSAGES_SHOWN = 1000

export interface ConversationSummary {
  conversationId: string
  state: 'open' | 'held'
  /** For an open one: until it is due. */
  dueInMs?: number
  /** For an open one: how many messages its open batch holds. */
  count?: number
  /** For a held one: the batch that holds it. */
  batchId?: string
}

/** An open batch has more messages, or another due time. */
export interface Growth {
  conversationId: string
  batchId: string
  count: number
  dueInMs: number
  db: number
  /** Messages that joined a batch which was open before, and when, by the store's clock. */
  added?: number | undefined
  atMs?: number | undefined
}

export interface GrowthListener {
  grew(growth: Growth): void
  /** Something may have been missed: what is shown of open batches may be wrong. */
  missed(): void
}

/** What processes say of themselves, by their names. Each is JSON that holds `startedAtMs`. */
export interface ProcessRegistry {
  /** What this process says of itself from now on. Never rejects: nothing depends on it. */
  put(text: string): Promise<void>
  /** This process stops. Never rejects. */
  remove(): Promise<void>
  all(): Promise<Record<string, string>>
}

/** What wakes a processor. */
export type StoreEvent =
  /**
   * A batch is due before all else that waits, or all else is long overdue: of what comes after the first there is no news.
   * `db`: the database its sender stands on.
   */
  | { kind: 'next-due'; conversationId: string; batchId: string; dueInMs: number; db: number }
  /** A shadow key or a header expired: something may be due. */
  | { kind: 'expired'; key: 'quiet' | 'header'; conversationId: string }
  /** A key that was set for this has expired: how late, its setter knows. */
  | { kind: 'expired'; key: 'canary'; name: string }
  /** The subscription stands, now or again: whatever happened meanwhile was missed. */
  | { kind: 'subscribed' }

export interface Notifications {
  /** `there`: they were on. `added`: now they are. `off`: they are not, and `mayChange` was false. `refused`: as it says. */
  result: 'there' | 'added' | 'off' | 'refused'
  /** `notify-keyspace-events` as it is now, where that is known. */
  flags: string
  error?: string
}

export interface StoreIdentity {
  /** `redis://host:port`, never with credentials, or `memory`. */
  address: string
  db: number
  prefix: string
  runId: string
  version: string
}

/**
 * Transitions reject with a `StoreUnavailable` where the store cannot be reached or cannot be written now, with a
 * `ForeignKey` where a key holds something that is not Lull's, and change nothing then.
 */
export interface Store {
  readonly rules: Rules
  /** Connects, checks what it stands on and says what that is. Rejects with one line naming the remedy. */
  open(): Promise<StoreIdentity>
  close(): Promise<void>

  append(request: AppendRequest): Promise<AppendResult>
  /** A sign of typing, worth `worthMs` of silence. `undefined`: nothing open, or already due. */
  extend(conversationId: string, worthMs: number): Promise<{ batchId: string; dueInMs: number } | undefined>
  claim(request: ClaimRequest): Promise<ClaimResult>
  /** Prolongs leases by `rules.leaseMs`; resolves to the batches that are no longer held under them. */
  renew(leases: Lease[]): Promise<string[]>
  /** The batches have been handed over. May come late: that somebody has them stays true. */
  ack(batchIds: string[]): Promise<void>
  nack(request: NackRequest): Promise<NackResult>
  /** Ends the leases of `owner`'s claimed batches but `keep`, without counting an attempt; resolves to their ids. */
  giveBack(owner: string, keep?: string[]): Promise<string[]>
  /**
   * Makes the answer checks of batches due now, for whoever claims next, and tells processors of it: nobody listens for the ends
   * of these any more. Without `batchIds`: of all, and whoever calls it claims next.
   */
  checkNow(batchIds?: string[]): Promise<void>
  /** A worker was seen at `take` of a batch that holds its conversation: the answer timeout counts from the first time. */
  taken(batchId: string, take: string): Promise<void>
  /**
   * @param conversationId the batch's, where it is known: the history can then note the end of an answer that held
   *   nothing (in concurrent order)
   * @param lease the one under which the batch was handed over, where that was its answer. If another processor works
   *   on it under a later one, nothing changes: the next batch waits for that
   */
  answered(batchId: string, outcome: AnswerOutcome, conversationId?: string, lease?: number): Promise<AnsweredResult>
  /** Seals the open batch and makes it due. `undefined`: there was none. */
  flush(conversationId: string): Promise<{ batchId: string; count: number } | undefined>
  /** Discards all messages that no processor has claimed; resolves to how many. */
  drop(conversationId: string): Promise<number>
  /**
   * Erases everything that is kept of a conversation: its messages, the ids it has seen, its claimed and dead batches, what
   * holds it, and its history. What was handed over is the receiver's. To be repeated where it rejects half-way.
   */
  forget(conversationId: string): Promise<ForgetResult>
  /** Replaces the text of a message that no processor has claimed; its place and its batch's due time stay. */
  edit(request: EditRequest): Promise<EditResult>
  /** Takes out a message that no processor has claimed. The last one of a batch closes it. */
  revoke(conversationId: string, messageId: string): Promise<RevokeResult>
  /**
   * Puts dead batches of one conversation back in front of it, in this order: together, since one that came back alone
   * might be gone before the one that belongs in front of it. `undefined`: not all of them are dead, and none was moved.
   */
  redrive(...batchIds: [string, ...string[]]): Promise<{ conversationId: string } | undefined>

  conversation(conversationId: string): Promise<ConversationState>
  /** Conversations with something waiting, soonest due first, then held ones; `limit` of them. */
  conversations(limit: number): Promise<ConversationSummary[]>
  totals(): Promise<Totals>
  /**
   * Newest first. Of one conversation, with a step `appended` for what was added to a batch that has been claimed; or of
   * all, where `claimed` says when each message came (`firstAtMs`, and in `at` the milliseconds from then on).
   */
  history(query: { conversationId?: string; limit: number }): Promise<HistoryEntry[]>
  dead(limit: number): Promise<DeadBatch[]>
  /**
   * Calls `listener` for each step from now on, as it happens, until the returned function is called. What an outage hid
   * follows after it. How a batch grows is no step: `batch-updated` tells it.
   */
  follow(listener: (entry: HistoryEntry) => void): Promise<() => Promise<void>>

  /**
   * Calls `listener` as open batches grow, until the returned function is called. Rejects where the subscription is refused.
   */
  followGrowth(listener: GrowthListener): Promise<() => Promise<void>>
  /** Absent where there is one process only. */
  processes?: ProcessRegistry
  /** Calls `listener` for what happens until the returned function is called. The first event is `subscribed`. */
  listen(listener: (event: StoreEvent) => void): Promise<() => Promise<void>>
  /** Resolves if the store answers and can be written; rejects with a `StoreUnavailable` that says why not. */
  ready(): Promise<void>
  /** Keys whose expiry is measured. Absent where nothing expires by itself. */
  canary?: {
    /** It will expire in so many milliseconds. */
    set(name: string, ttlMs: number): Promise<void>
    /** Any command that meets an expired key deletes it there and then, and so announces it. */
    touch(name: string): Promise<void>
  }
  /** Sees to it that key expiry is announced, if `mayChange`, else only looks. */
  ensureNotifications(mayChange: boolean): Promise<Notifications>
}

/** The store cannot be reached, or cannot be written now. An expected state: try again later. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
  constructor(
    readonly reason:
      | 'connection'
      | 'timeout'
      | 'loading'
      | 'readonly'
      | 'memory'
      | 'busy'
      | 'misconf'
      | 'auth'
      | 'other',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** A key that Lull needs holds another type: an older system's, perhaps. The message names the key and the remedy. */
export class ForeignKey extends Error {
  override name = 'ForeignKey'
}

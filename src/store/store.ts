/**
 * The store keeps the messages of all conversations until they are handed over. `RedisStore` is the product;
 * `MemoryStore` does the same in one process. Both pass one contract suite, and a property-based test compares them
 * command by command.
 *
 * ## States
 *
 * The messages of a conversation are one list, in order of arrival. Neighbours in it form batches, and each batch has
 * an id.
 *
 *                      cap, flush,              lease ended,
 *                      direct                   nack: next attempt
 *              open ───────────────► sealed         ┌────┐
 *     append ─►  │                      │           │    ▼   ack            answered
 *                └──────── due ─────────┴─ claim ─► claimed ─────► answering ─────────► gone
 *                                       ▲              │  (serial order; else gone at once)
 *                                       └── redrive ─ dead ◄┘ attempts used up
 *
 *   open       collects messages. Its header exists: its size, its times, its due time
 *   sealed     collects no more and is due. A seal on its last message says why: a cap, a flush or a direct message
 *   claimed    taken out of the list by one processor, under a lease
 *   answering  handed over; in serial order it holds its conversation until the work on it has ended
 *   dead       its handover failed for good. It is kept, with its messages, until it is redriven or discarded
 *
 * With `answering: 'supersede'` (serial order only) a batch that holds its conversation may also be
 *
 *   committed    its answer is about to be sent: nothing supersedes it any more. See `commit`
 *   superseded   withdrawn before its commit: by a new message, an edit or a revocation. Its messages are back in front
 *                of the list, as the open batch, together with the new one. `drop` discards them instead
 *
 * A batch is superseded only if it was released by its quiet gap or its early start, is not committed, has at most
 * 1 MiB, nothing waits behind it, and all messages fit into one batch. Otherwise its work continues, and the new
 * messages wait behind it.
 *
 * A conversation is *held* from the claim of a batch until that batch is acknowledged (concurrent order) or answered
 * (serial order). A held conversation still collects messages, but none of its batches can be claimed.
 *
 * ## Times
 *
 *   due time       the earlier of last message + `quietGapMs` and first message + `maxWaitMs`; now for a sealed batch
 *   early start    with `earlyStartMs`: so long after the last message a batch can be claimed, before its due time
 *   may-go time    from when a batch can be claimed: its due time, or the end of the hold if that is later. Lateness
 *                  and `overdueForMs` count from here
 *   header's TTL   `batchTtlMs` after the last message, and longer while the conversation is held
 *   lease          `leaseMs` after the claim; `renew` prolongs it. When it ends, the next claim takes the batch again
 *   answer check   every 30 s at most: is a handed-over batch still being worked on? See `AnswerCheck`
 *
 * The store uses its own clock alone (Redis's `TIME`). A processor gets durations, so its clock does not matter. A
 * stored time that is further ahead than any setting allows is due: the clock was set back.
 *
 * ## Invariants, after every transition
 *
 *   1. A conversation with messages is either scheduled (in `due`) or held. One without messages is not scheduled.
 *   2. It is held exactly while one of its batches is claimed, or (serial order) answering. One batch at a time.
 *   3. The messages of a batch are neighbours in the list. The header describes the last batch, and its count is exact.
 *   4. An accepted message is in exactly one place: listed, claimed, dead, handed over or dropped.
 *   5. The messages of a superseded batch are listed again, and are in no other place.
 *   6. A conversation has at most one batch that is committed and not answered.
 *   7. No message is in two committed batches.
 *   8. A commit is granted at the due time or after it, never before.
 *   9. Nothing supersedes a committed batch.
 *
 * ## What can go wrong
 *
 *   The header is lost   It expired, was evicted or was deleted by another program. The messages are in the list, so
 *                        the batch is released all the same, at its due time, with the reason `recovery`; see
 *                        `headerLost`.
 *   A processor dies     Its leases end, and the next claim takes its batches again. A batch may be handed over twice
 *                        then; the receiver knows it by its id.
 *   A claim's reply is   The processor holds batches that it does not know. `giveBack` with the ids that it knows ends
 *   lost                 the leases of the others.
 *   `answered` comes     The work can end before `ack` arrives. `answered` then does both, and the late `ack` changes
 *   before `ack`         nothing.
 *   The end of an        The answer check finds it: the conversation is held until then, and once a worker has taken
 *   answer is missed     the work no longer than the answer timeout.
 *   The store is away    Every transition rejects with `StoreUnavailable` and has changed nothing, as far as is known:
 *                        after a lost reply it may have been done. `append` can be repeated, as message ids are
 *                        remembered.
 *   A key is foreign     A key holds a type that is not Lull's: `ForeignKey`, and nothing has changed. A claim skips
 *                        that one conversation (`troubles`) and takes the others.
 */
import type { Batch, StoredMessage } from '../batch.js'
import type { OwnRules, RulesInUse } from '../conversation-rules.js'
import type { HistoryEntry } from '../history/steps.js'
import type { Rules } from '../rules.js'
import type { Sessions } from './sessions.js'
import type { SettingsStore } from './settings.js'

export type { HistoryEntry, HistoryStep } from '../history/steps.js'

export interface AppendRequest {
  conversationId: string
  messages: StoredMessage[]
  /** Each message becomes a batch of its own, due at once, behind the batch that is open. */
  direct?: boolean
  /** The last new message seals its batch. */
  flush?: boolean
  /** Rules that the batch has instead of the store's, as long as no later append gives it others. */
  rules?: OwnRules
}

export interface AppendResult {
  accepted: number
  /** Dropped: the conversation has seen their ids within `dedupeMs`. */
  duplicates: number
  /** Dropped: sent longer ago than `maxAgeMs`. */
  tooOld: number
  /** The batch of the last accepted message. If all were duplicates: the open batch, if there is one. */
  batchId?: string
  /** Until that batch is due; a held conversation may make it wait longer. Absent without a batch. */
  dueInMs?: number
  /** Subscribers of `listen`, so processors: 0 means that none is there to claim. Absent if nothing was accepted. */
  listeners?: number
}

export interface ClaimRequest {
  /** The processor's name in the history and in `batch-released`. Unique to one life of one process. */
  owner: string
  maxBatches: number
  /** The claim stops at the batch that reaches this many bytes of messages. It always takes one batch. */
  maxBytes: number
}

/** One lease of one batch. Each later lease of the same batch has a higher number. */
export interface Lease {
  batchId: string
  lease: number
}

/** A lease that its holder no longer has: another claim took the batch, or it is gone. */
export interface LostLease {
  batchId: string
  /** Newer messages superseded the batch, and `by` has its messages. Without `by` they were dropped or forgotten. */
  superseded?: { by?: string }
}

export interface ClaimedBatch extends Lease {
  batch: Batch
  /** 1 for the first handover. */
  attempt: number
  /** From the batch's may-go time to the claim. */
  lateMs: number
  /** The header was lost: it expired, or another program deleted it before its TTL. */
  headerLost?: 'expired' | 'vanished'
}

/**
 * A batch in `answering` whose check is due. The caller asks its receiver for the job's state and calls `answered`, or
 * waits.
 */
export interface AnswerCheck {
  batchId: string
  conversationId: string
  /** Since `ack`. */
  handedOverForMs: number
  /** The attempt that a worker has started. Absent until `workerStarted` was called. */
  workerAttempt?: string
  /** Since `workerStarted` was first called for that attempt. The answer timeout counts from there. */
  workingForMs?: number
}

/** A batch that died in this claim: its lease ended, and its attempts are used up. */
export interface DeadNotice {
  batchId: string
  conversationId: string
  error: string
}

export interface ClaimResult {
  /** At most one of them is claimed again after its lease ended. The others are claimed for the first time. */
  batches: ClaimedBatch[]
  checks: AnswerCheck[]
  dead: DeadNotice[]
  /** Conversations that a foreign key keeps from being read; they are put off for a while. `error` is one line. */
  troubles: { conversationId: string; error: string }[]
  /** Until there is something to claim, as far as is known now; 0: there is more already. Absent: nothing waits. */
  nextInMs?: number
}

/** `removed`: the receiver no longer knows the job. `timeout`: the work took longer than the answer timeout. */
export type AnswerOutcome = 'completed' | 'failed' | 'removed' | 'timeout'

export interface AnsweredResult {
  /**
   * This report ended the batch's hold. False if the batch held nothing, or has a later lease. Of several reports of
   * one answer exactly one gets `true` in serial order, and that one is counted (`report-answered.ts`).
   */
  freed: boolean
  /** Until the conversation's next batch is due. Absent if nothing waits. */
  dueInMs?: number
  /** Since the batch's last message. Absent if the batch was neither claimed nor handed over. */
  replyMs?: number
}

export interface NackRequest extends Lease {
  /** Until the batch may be claimed again. */
  delayMs: number
  /** Count this attempt. False for failures of the queue, which must not turn batches dead. */
  counts: boolean
  /** One line. */
  error: string
}

/** `stale`: the batch has another lease or is gone, and nothing was changed. */
export type NackResult = 'retry' | 'dead' | 'stale'

export interface EditRequest {
  conversationId: string
  messageId: string
  /** The new text, or a medium's new caption. */
  text: string
  /** Only the author may edit it: ids that this person may have. Absent: anybody who may call this. */
  authors?: readonly string[]
}

/**
 * `tooLate`: the message was accepted, but is not among the last 100 in the list: it is claimed, handed over or gone.
 * `unknown`: no such message was accepted. `notAuthor`: somebody else wrote it, or nobody is named as its sender.
 */
export type EditResult = 'edited' | 'tooLate' | 'unknown' | 'notAuthor'

/**
 * `remembered`: the message has not come yet, and will be dropped as a duplicate when it comes. If only its author may
 * revoke it, that is `unknown` instead: who wrote it is not known yet, and a stranger could keep it away. `tooLate` and
 * `notAuthor`: see `EditResult`.
 */
export type RevokeResult = 'revoked' | 'tooLate' | 'remembered' | 'unknown' | 'notAuthor'

/** A webhook of `provider` names `account`. */
export interface AccountClaim {
  /** The receiving account, `''` if the provider names none. */
  account: string
  provider: string
  /** A signature or token proved that the provider sent it. Only then the account may become the provider's. */
  isProven: boolean
}

/** Owners that are recorded. Only proven providers record any, each for its own accounts. */
export const MOST_ACCOUNTS = 100_000

/** What `forget` erased. */
export interface ForgetResult {
  /** Listed or claimed messages. */
  messages: number
  deadBatches: number
  historyEntries: number
  /** The batch that was claimed or answering. Its processor or its receiver still has it. */
  underWay?: string
}

/**
 * `go`: nothing supersedes the batch any more; `again`: it was committed before, so an earlier run of the work may have
 * sent its answer. `wait`: it is due in `waitMs`. `superseded`: newer messages superseded it, and `by` has its
 * messages; without `by` they were dropped or forgotten. `unknown`: it does not hold its conversation, and it ended
 * over an hour ago or never began.
 */
export type CommitResult =
  | { state: 'go'; again?: true }
  | { state: 'wait'; waitMs: number }
  | { state: 'superseded'; by?: string }
  | { state: 'answered' }
  | { state: 'unknown' }

/**
 * `held`: the batch holds its conversation, whether it is committed or not. The others are as in `CommitResult`: the
 * conversation has gone on without it.
 */
export type HoldState = 'held' | 'superseded' | 'answered' | 'unknown'

/** Notices that end or change the wait for a commit. */
export interface SupersedeListener {
  superseded(news: { conversationId: string; batchId: string; by?: string | undefined }): void
  /** The due time of a batch that is being answered has moved. */
  moved(news: { conversationId: string; batchId: string; dueInMs: number }): void
  /** News may have been missed: before now, or while the connection was away. Ask `commit`. */
  missed(): void
}

/** What is known of one person's ids, as the conversations that they would have. */
export interface Learnt {
  /** The person's conversation. */
  conversationId: string
  /** The other ids, whose conversations may have to be merged into that one: see `merge`. */
  others: string[]
}

/**
 * How many messages were moved. `later`: both conversations are held, or more than 5,000 messages wait in them, so that
 * nothing changed. `undefined`: no messages waited and nothing was held, so only the ids of messages seen were moved.
 */
export type MergeResult = number | 'later' | undefined

/** Ids whose canonical id has changed. */
export interface AliasNews {
  /** Absent where they were forgotten. */
  provider?: string | undefined
  conversationId?: string | undefined
  aliases: string[]
}

export interface AliasListener {
  learnt(news: AliasNews): void
  /** The subscription began, or began again: what was learnt before may have been missed. */
  missed(): void
}

export interface DeadBatch {
  batchId: string
  conversationId: string
  attempts: number
  /** The last attempt's. */
  error: string
  diedAtMs: number
  batch: Batch
}

/** One conversation at the moment of the call. */
export interface ConversationState {
  conversationId: string
  /** When this was read, by the store's clock. */
  nowMs: number
  /** The open batch, if there is one. */
  open?: {
    batchId: string
    count: number
    /** Of its messages as JSON. */
    bytes: number
    firstAtMs: number
    lastAtMs: number
    dueAtMs: number
    /** 0 if it is due. */
    dueInMs: number
  }
  /** Messages in the list, of all batches that are not claimed. */
  waiting: number
  /** The last `MESSAGES_SHOWN` of them, or as many as have `BYTES_SHOWN`, and one at least; oldest first. */
  messages: { batchId: string; receivedAtMs: number; message: StoredMessage }[]
  /** The batch that holds the conversation, if one does. */
  heldBy?: { batchId: string; state: 'claimed' | 'answering' }
  /** Since the first batch's may-go time. Absent if nothing is due, or the conversation is held. */
  overdueForMs?: number
}

/** Messages that `conversation` returns at most. */
export const MESSAGES_SHOWN = 1000
/** Reading these takes Redis about 20 ms. */
export const BYTES_SHOWN = 4 * 1024 * 1024

/** Sizes of the whole store. */
export interface Totals {
  /** Conversations with messages that are not held. */
  open: number
  /** Conversations that are held. */
  held: number
  /** Dead batches. */
  dead: number
  /** Since the oldest may-go time of a conversation that is not held. 0 if none is due. */
  oldestDueAgeMs: number
}

export interface ConversationSummary {
  conversationId: string
  state: 'open' | 'held'
  /** `open`: until its first batch is due. */
  dueInMs?: number
  /** `open`: messages in its open batch. */
  count?: number
  /** `held`: the batch that holds it. */
  batchId?: string
}

/** An open batch has got more messages, or another due time. */
export interface Growth {
  conversationId: string
  batchId: string
  /** Messages that the batch holds now. */
  count: number
  dueInMs: number
  /** The Redis database. */
  db: number
  /**
   * Messages that were added to a batch that was open before, and when, by the store's clock. Absent for a new batch.
   */
  added?: number | undefined
  atMs?: number | undefined
}

export interface GrowthListener {
  grew(growth: Growth): void
  /** Updates may have been missed: read again what depends on them. */
  missed(): void
}

/** What the processes of one system publish about themselves, by process name: JSON that holds `startedAtMs`. */
export interface ProcessRegistry {
  /** Publishes `text` for this process, instead of what it published before. Never rejects: nothing depends on it. */
  put(text: string): Promise<void>
  /** Withdraws it, as this process stops. Never rejects. */
  remove(): Promise<void>
  /** All that is published. Processes that were killed may still be in it. */
  all(): Promise<Record<string, string>>
}

/** What wakes a processor. After each of these it claims, or moves its timer to an earlier time. */
export type StoreEvent =
  /**
   * A batch is now the first of all that are due, or the first has been due for longer than a second and may be unknown
   * to all processors. Batches that are due later than the first are not published: the next claim's `nextInMs` covers
   * them.
   */
  | {
      kind: 'next-due'
      conversationId: string
      batchId: string
      dueInMs: number
      /** The database of the sender. Pub/Sub is shared by all databases of a server. */
      db: number
    }
  /** Redis expired a shadow key (`quiet`) or a header: a batch may be due. Redis only. */
  | { kind: 'expired'; key: 'quiet' | 'header'; conversationId: string }
  /** Redis expired a canary's key. The process that set it knows how late that is. Redis only. */
  | { kind: 'expired'; key: 'canary'; name: string }
  /** The subscription is in place, for the first time or after an outage. Events before it were missed: claim. */
  | { kind: 'subscribed' }

/** Whether Redis publishes the expiry of keys. */
export interface Notifications {
  /**
   * `there`: it did so already. `added`: it does so now. `off`: it does not, and `mayChange` was false. `refused`:
   * Redis refused the question or the change, see `error`.
   */
  result: 'there' | 'added' | 'off' | 'refused'
  /** `notify-keyspace-events` as it is now, if that is known. */
  flags: string
  error?: string
}

export interface StoreIdentity {
  /** `redis://host:port` or a socket's path, never with credentials; or `memory`. */
  address: string
  db: number
  prefix: string
  /** Changes when the server restarts. */
  runId: string
  version: string
}

/**
 * Transitions reject with a `StoreUnavailable` if the store cannot be reached or written now, and with a `ForeignKey`
 * if a key holds a type that is not Lull's. See "What can go wrong" above.
 */
export interface Store {
  readonly rules: Rules
  /** Tell it the rules of conversations that other processes may append to. `append` tells it its own. */
  readonly rulesInUse: RulesInUse
  /** Connects and checks the server. Rejects with one line that names what is wrong and the remedy. */
  open(): Promise<StoreIdentity>
  /** Sends what was asked for before, then disconnects. May be called twice. */
  close(): Promise<void>

  append(request: AppendRequest): Promise<AppendResult>
  /**
   * A sign of typing: the batch is due no earlier than in `worthMs`, and never later than its max wait.
   * `undefined`: no batch is open, or it is due already.
   */
  extend(conversationId: string, worthMs: number): Promise<{ batchId: string; dueInMs: number } | undefined>
  /** Takes the first batch of each conversation that is due and not held, and one batch whose lease has ended. */
  claim(request: ClaimRequest): Promise<ClaimResult>
  /** Prolongs leases by `rules.leaseMs` from now. Resolves to those that are lost. */
  renew(leases: Lease[]): Promise<LostLease[]>
  /** The batches were handed over. Valid however late it comes, and for dead batches too: the receiver has them. */
  ack(batchIds: string[]): Promise<void>
  /** A handover failed: the batch may be claimed again after the delay, or is dead. */
  nack(request: NackRequest): Promise<NackResult>
  /**
   * Ends the leases of all batches that `owner` has claimed, except `keep`. Counts no attempt. Resolves to their ids.
   */
  giveBack(owner: string, keep?: string[]): Promise<string[]>
  /**
   * Makes the answer checks of these batches due now and publishes `next-due`, for another processor to check them:
   * this one no longer follows their answers. Without `batchIds`: the checks of all batches, without an event, for the
   * caller's next claim.
   */
  checkNow(batchIds?: string[]): Promise<void>
  /** A worker has started the work. The answer timeout counts from the first call for each `workerAttempt`. */
  workerStarted(batchId: string, workerAttempt: string): Promise<void>
  /**
   * The work on a batch has ended. Implies `ack` if that has not come yet.
   * @param conversationId the batch's, if it is known: in concurrent order the batch is gone by now, and the history
   *   needs it
   * @param lease the lease under which it was handed over, if that call was the answer. If the batch has a later
   *   lease by now, nothing changes: its conversation waits for that one
   */
  answered(batchId: string, outcome: AnswerOutcome, conversationId?: string, lease?: number): Promise<AnsweredResult>
  /**
   * Asks before an answer is sent: see `CommitResult`. A batch that is granted stays committed through a nack, the end
   * of its lease, its death and its redrive. With `answering: 'queue'` a batch that is being answered is always
   * granted; in concurrent order, where batches that were handed over are not remembered, every batch is.
   */
  commit(batchId: string): Promise<CommitResult>
  /** Whether an answer to the batch may still be needed. Changes nothing. */
  holdState(batchId: string): Promise<HoldState>
  /**
   * Seals the open batch and makes it due. If there is none, makes the batch due that was handed over early; nothing
   * supersedes that batch any more. `undefined`: there was neither.
   */
  flush(conversationId: string): Promise<{ batchId: string; count: number } | undefined>
  /** Discards all messages that are not claimed, or whose batch can be superseded. Resolves to how many. */
  drop(conversationId: string): Promise<number>
  /**
   * Erases all that the store keeps of a conversation: messages, seen ids, claimed and dead batches, its hold, its
   * history. Erases the conversations of the person's other ids with it, and then the aliases. What was handed over is
   * not the store's. But with `answering: 'supersede'` its commit is refused, and its handler is notified. If `forget`
   * rejects half-way, call it again.
   */
  forget(conversationId: string): Promise<ForgetResult>
  /** Replaces the text of a message that is not claimed. Its place and its batch's due time stay. */
  edit(request: EditRequest): Promise<EditResult>
  /**
   * Takes out a message that is not claimed. A batch without messages is gone.
   * @param authors as in `EditRequest`
   */
  revoke(conversationId: string, messageId: string, authors?: readonly string[]): Promise<RevokeResult>
  /**
   * The provider that an account belongs to. An account that belongs to nobody becomes the provider's, if that is
   * proven. `undefined`: it belongs to nobody.
   */
  accountOwner(claim: AccountClaim): Promise<string | undefined>
  /**
   * Puts dead batches of one conversation back in front of its list, in this order. All of them in one call: a batch
   * that came back alone could be claimed before the batch that belongs in front of it.
   * `undefined`: some of them are not dead, and nothing was changed.
   */
  redrive(...batchIds: [string, ...string[]]): Promise<{ conversationId: string } | undefined>

  /**
   * Remembers for 90 days that ids are one person's. One that shows wins over a hidden one (`@lid`, `@bsuid`), else the
   * one that was known first. Does not merge the conversations.
   * @param provider whose ids these are: an alias of one provider is none of another
   * @param conversationIds of one account; the one in use first
   */
  learn(provider: string, conversationIds: string[]): Promise<Learnt>
  /** The conversation of the person that has this id; the same one if it is no alias. */
  resolve(provider: string, conversationId: string): Promise<string>
  /** All ids of a person, whichever provider knows them: the canonical one first. */
  samePerson(conversationId: string): Promise<string[]>
  /**
   * Moves everything of a conversation into another one, as both are one person's: messages in order of arrival, sealed
   * batches under their ids, the open ones as one that is due at the earlier of the two times. A hold of `from` holds
   * `into` then.
   */
  merge(from: string, into: string): Promise<MergeResult>

  /**
   * The conversation of an account, or of none, in which a message with this id waits, or is in a batch that an edit
   * supersedes: a chat of two alone, among the 1,000 that are due last and the 1,000 that are held.
   */
  findMessage(account: string | undefined, messageId: string): Promise<string | undefined>
  conversation(conversationId: string): Promise<ConversationState>
  /** Conversations with messages, the first due first, then held ones. At most `limit`. */
  conversations(limit: number): Promise<ConversationSummary[]>
  totals(): Promise<Totals>
  /**
   * The last steps, newest first. For one conversation, `appended` steps are derived from `claimed` ones and included,
   * and so are the steps of the person's other ids; for all conversations `appended` is not derived, and `claimed` says
   * when each message came (see history/steps.ts).
   */
  history(query: { conversationId?: string; limit: number }): Promise<HistoryEntry[]>
  /** The last batches to die, newest first. */
  dead(limit: number): Promise<DeadBatch[]>

  /** Calls `listener` for each event until the returned function is called. The first event is `subscribed`. */
  listen(listener: (event: StoreEvent) => void): Promise<() => Promise<void>>
  /**
   * Calls `listener` for each step from now on, until the returned function is called. Steps that are recorded during
   * an outage follow after it. Growth of a batch is no step: see `followGrowth`.
   */
  follow(listener: (entry: HistoryEntry) => void): Promise<() => Promise<void>>
  /**
   * Calls `listener` each time an open batch grows, until the returned function is called. Rejects if the store cannot
   * be reached or refuses the subscription.
   */
  followGrowth(listener: GrowthListener): Promise<() => Promise<void>>
  /** Calls `listener` as batches are superseded. Rejects if the store refuses the subscription. */
  followSuperseded(listener: SupersedeListener): Promise<() => Promise<void>>
  /** Calls `listener` as ids are learnt and forgotten, `missed` first. Rejects if the store refuses the subscription. */
  followAliases(listener: AliasListener): Promise<() => Promise<void>>
  /** Absent if the store serves one process alone. */
  readonly processes?: ProcessRegistry
  /** The sessions of the page. */
  readonly sessions: Sessions
  /** Rules that are stored by scope. */
  readonly settings: SettingsStore
  /** Resolves if the store answers and can be written. Rejects with a `StoreUnavailable` that says why not. */
  ready(): Promise<void>
  /** Keys that measure how late their expiry is published. Absent if the store publishes none. */
  readonly canary?: {
    /** Sets a key that expires in `ttlMs`. */
    set(name: string, ttlMs: number): Promise<void>
    /** Reads the key. If it has expired, Redis deletes it there and then and publishes that. */
    touch(name: string): Promise<void>
    /**
     * Calls `listener` with the name of each canary that expires, until the returned function is called. It does not
     * count as a processor, as `listen` does. Rejects if the subscription is refused.
     */
    listen(listener: (name: string) => void): Promise<() => Promise<void>>
  }
  /** Checks that Redis publishes the expiry of keys, and turns that on if it is off and `mayChange`. Never rejects. */
  ensureNotifications(mayChange: boolean): Promise<Notifications>
}

/** The store cannot be reached or written now. An expected state: try again later. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
  constructor(
    readonly reason: /** No connection. */
      | 'connection'
      /** No answer in time: what was asked may have been done. */
      | 'timeout'
      /** Redis is reading its data. */
      | 'loading'
      /** A replica. */
      | 'readonly'
      /** No room for more messages. Claims and answers go on. */
      | 'memory'
      /** A slow script blocks Redis. */
      | 'busy'
      /** Redis cannot save or replicate. */
      | 'misconf'
      /** User, password or rights. */
      | 'auth'
      | 'other',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** A key that Lull needs holds another type, from an older system perhaps. The message names the key and the remedy. */
export class ForeignKey extends Error {
  override name = 'ForeignKey'
}

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
 *   superseded   ended before its commit by a new message, an edit or a revocation. Its messages are back in front of
 *                the list, as the open batch, together with the new one. `drop` discards them instead
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
 *   6. A conversation has at most one batch that is committed and not answered. Dead batches do not count: their
 *      receiver may have them all the same, and then commits them without a hold.
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
import type { RulesInUse } from '../conversation-rules.js'
import type { Rules } from '../rules.js'
import type { AccountClaim } from './accounts.js'
import type { AnsweredResult, AnswerOutcome, CommitResult, HoldState } from './answers.js'
import type { ClaimRequest, ClaimResult, Lease, LostLease, NackRequest, NackResult } from './claims.js'
import type { StoreEvents } from './events.js'
import type {
  AppendRequest,
  AppendResult,
  EditRequest,
  EditResult,
  ExtendOptions,
  ForgetResult,
  OwnMessageState,
  PauseRequest,
  PauseResult,
  RevokeResult,
} from './messages.js'
import type { StorePeople } from './people.js'
import type { ProcessRegistry } from './processes.js'
import type { ProcessorList } from './processors.js'
import type { StoreReads } from './reads.js'
import type { Sessions } from './sessions.js'
import type { SettingsStore } from './settings.js'

export type { HistoryEntry, HistoryStep } from '../history/steps.js'
export * from './accounts.js'
export type * from './answers.js'
export type * from './claims.js'
export * from './errors.js'
export type * from './events.js'
export type * from './messages.js'
export type * from './people.js'
export type * from './processes.js'
export type * from './processors.js'
export * from './reads.js'

/** Which store it is: what processes log at their start. */
export interface StoreIdentity {
  /** `redis://host:port` or a socket's path, never with credentials; or `memory`. */
  address: string
  /** The Redis database. */
  db: number
  /** First part of every key and channel. */
  prefix: string
  /** Changes when the server restarts. */
  runId: string
  /** The server's version. */
  version: string
  /** Into how many partitions the store is divided; absent if it is not. */
  partitions?: number
}

/**
 * Where messages are kept until they are handed over: `RedisStore`, `MemoryStore`, or one of your own.
 *
 * Transitions reject with a `StoreUnavailable` if the store cannot be reached or written now, and with a `ForeignKey`
 * if a key holds a type that is not Lull's. See "What can go wrong" above.
 */
export interface Store extends StorePeople, StoreReads, StoreEvents {
  /** The rules of all conversations. */
  readonly rules: Rules
  /** Tell it the rules of conversations that other processes may append to. `append` tells it its own. */
  readonly rulesInUse: RulesInUse
  /** Into how many partitions its conversations are divided: 1 before `open`, and if it is not divided. */
  readonly partitions: number
  /** When its division was made, by Redis's clock, which tells it from another one before or after. Absent if it is not divided. */
  readonly layoutSinceMs?: number | undefined
  /** Partitions that cannot be reached now. Reads of all conversations leave them out. */
  readonly partitionsAway: number
  /** The server that has a partition now, if that is known; absent if all are on one server. */
  serverOf?(partition: number): string | undefined
  /** Connects and checks the server. Rejects with one line that names what is wrong and the remedy. */
  open(): Promise<StoreIdentity>
  /** Sends what was asked for before, then disconnects. May be called twice. */
  close(): Promise<void>

  /** Adds messages. Those whose id the conversation has seen within `dedupeMs` are counted and dropped. */
  append(request: AppendRequest): Promise<AppendResult>
  /**
   * A sign of typing: the batch is due no earlier than in `worthMs`, and never later than its max wait. 0: the typing has
   * ended. Where the conversation has a `typingGapMs`, the batch is due that long after the typing has ended.
   * `undefined`: no batch is open, or it is due already.
   */
  extend(
    conversationId: string,
    worthMs: number,
    options?: ExtendOptions,
  ): Promise<{ batchId: string; dueInMs: number } | undefined>
  /**
   * Holds back the open batch, and the next ones, until `release` is called or the time has passed: within the max
   * wait, or `holdMaxMs` if that is longer. One key holds once; a repeated call sets its time anew.
   */
  hold(conversationId: string, key: string, forMs: number): Promise<{ dueInMs?: number }>
  /** Resolves to whether the key was held. */
  release(conversationId: string, key: string): Promise<boolean>
  /**
   * Nothing that waits or comes is handed over until the time has passed or `resume` is called. An answer that is not
   * committed is superseded. A batch that is being answered otherwise goes on. A repeated call sets the end anew.
   */
  pause(conversationId: string, request: PauseRequest): Promise<PauseResult>
  /**
   * The same because of an own message: it never shortens a pause, and does not change what becomes of the messages of
   * one. `bot`, `again`: see `ownMessage`; nothing was done.
   */
  pauseByMessage(
    conversationId: string,
    messageId: string,
    request: PauseRequest,
  ): Promise<PauseResult | Exclude<OwnMessageState, 'new'>>
  /** Notes an own message of a person, for `dedupeMs`. Resolves to what was known of it before. */
  ownMessage(conversationId: string, messageId: string): Promise<OwnMessageState>
  /**
   * The bot sent these messages: they are remembered for `dedupeMs`. What they did by `pauseByMessage` is undone.
   * Resolves to whether that has ended a pause.
   */
  sent(conversationId: string, messageIds: string[]): Promise<boolean>
  /** Whether the bot sent this message. `undefined`: none of the conversation's ids are remembered. */
  wasSent(conversationId: string, messageId: string): Promise<boolean | undefined>
  /** Resolves to whether it was paused. */
  resume(conversationId: string): Promise<boolean>
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
   * @param partition only of this one
   */
  giveBack(owner: string, keep?: string[], partition?: number): Promise<string[]>
  /**
   * Makes the answer checks of these batches due now and publishes `next-due`, for another processor to check them:
   * this one no longer follows their answers.
   */
  checkNow(batchIds: string[]): Promise<void>
  /**
   * Makes the answer checks of all batches due now, without an event, for the caller's next claim.
   * @param partition only of this one
   */
  checkAllNow(partition?: number): Promise<void>
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
  /** Erases dead batches. Resolves to how many of these were dead. */
  discardDead(batchIds: string[]): Promise<number>

  /** Absent if the store serves one process alone. */
  readonly processes?: ProcessRegistry
  /** The processors that run. Used only if there are several partitions. */
  readonly processors?: ProcessorList | undefined
  /** The sessions of the page. */
  readonly sessions: Sessions
  /** Rules that are stored by scope. */
  readonly settings: SettingsStore
  /** Resolves if the store answers and can be written. Rejects with a `StoreUnavailable` that says why not. */
  ready(): Promise<void>
  /** Ends its connections, which then reconnect: nothing comes back on them. Absent if it has none. */
  reconnect?(): void
}

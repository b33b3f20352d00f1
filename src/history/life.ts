/**
 * The life of one batch, as `lull trace`, the page and the API show it: plain data that survives JSON. `lives.ts` makes it from
 * the history. All times are milliseconds since 1970 by the store's clock.
 */
import type { HistoryEntry, ReleaseRule } from './steps.js'

/**
 * Where a batch is now:
 *
 *   open       it collects messages; its due time has not come
 *   held       it is due, and waits until the batch before it is answered (in concurrent order: handed over)
 *   waiting    it is due, and no processor has claimed it yet
 *   claimed    a processor has it under a lease: it is handed over now, or will be tried again
 *   answering  the receiver has it, and has not answered yet
 *   committed  its answer is being sent: nothing supersedes it any more
 *   answered   the work has ended; `outcome` says how
 *   dead       its handover failed for good; `error` says why
 *   dropped    it was discarded before a processor claimed it
 *   revoked    every message in it was revoked before a processor claimed it
 *   merged     its messages joined another batch, as the conversations of one person were merged
 *   superseded newer messages took its place before its answer was committed; `supersededBy` has its messages
 *   lost       it should wait, and its messages are gone: something other than Lull deleted them
 */
export type LifeState =
  | 'open'
  | 'held'
  | 'waiting'
  | 'claimed'
  | 'answering'
  | 'committed'
  | 'answered'
  | 'dead'
  | 'dropped'
  | 'revoked'
  | 'merged'
  | 'superseded'
  | 'lost'

/**
 * What a batch spent its time on, in this order; phases that took no time are left out:
 *
 *   collecting  from its first message to its last one; for a batch that replaced another, from then on
 *   paused      it collected during a pause: from its last message, or the beginning of the pause, until that ended
 *   quietGap    from its last message until it was due (by the quiet gap, the max wait, a cap or a flush), or started
 *               early
 *   held        it was due, and the batch before it was not answered yet (`waitedFor`)
 *   waiting     it could go, until a processor claimed it: less than OVERDUE_MS (2 s)
 *   overdue     the same for OVERDUE_MS or longer. For a batch that is not claimed yet there is neither phase until then
 *   handover    from the claim until the receiver had it, failed attempts and the waits between them included
 *   answering   from the handover until the commit, or the answer
 *   committed   from the commit until the answer
 *   dead        from its death until somebody redrove it, or its receiver reported on it all the same
 *
 * After `dead` more phases may follow: held, waiting or overdue, handover, answering.
 */
export type PhaseName =
  | 'collecting'
  | 'paused'
  | 'quietGap'
  | 'held'
  | 'waiting'
  | 'overdue'
  | 'handover'
  | 'answering'
  | 'committed'
  | 'dead'

export interface Phase {
  name: PhaseName
  fromMs: number
  /** Its end; for a phase that goes on, the time of this reading. */
  toMs: number
  /** Set on the last phase only: it has not ended, so draw it up to the present. */
  goesOn?: true
}

export interface Claimed {
  by: string
  atMs: number
  reason: string
  lateMs: number
  rule?: ReleaseRule
}

export interface LifeMessage {
  /** Absent where the history does not name the message: it names the first of those that opened a batch, until it is claimed. */
  messageId?: string
  atMs: number
}

export interface Life {
  batchId: string
  conversationId: string
  state: LifeState
  /** How many messages it holds, as far as is known; revoked ones do not count. */
  count: number
  /** Its messages by arrival: at most the first 100 of a claimed batch, and those known so far of one that is not claimed. */
  messages: LifeMessage[]
  /** When its first message came, or it replaced another batch; without that, its first known step. */
  firstAtMs: number
  /** When its last message came, as far as is known. */
  lastAtMs: number
  /**
   * When it was or will be due. For a batch that is not claimed it is exact if it is the open one, else by the rules of today;
   * for a claimed one it is what the claim says, except where it was held. Absent where nothing says it.
   */
  dueAtMs?: number
  /** The batch whose end it waited for, or waits for, after it was due. Absent where it did not wait for one. */
  waitedFor?: string
  /**
   * Its first claim: by which processor, when, why it was released (`releasedBy`), and how late. `rule`: which of the
   * conversation's own rules that was. Absent until then.
   */
  claimed?: Claimed
  /** It collected during a pause and was released by its end, then. */
  pauseEndedAtMs?: number
  /** The batches that it replaced, the last one last: its first messages came back from them. */
  supersedes?: string[]
  /** The batch that replaced it. Absent also if its messages were discarded. */
  supersededBy?: string
  /** When its answer was committed. */
  committedAtMs?: number
  /** The number of the last attempt to hand it over, as the store counts; 0: none. Counts from 1 again after a redrive. */
  attempts: number
  /** When the receiver first had it. */
  handedOverAtMs?: number
  /** When it was answered, died, was superseded, dropped, revoked or merged. Absent while it goes on, and for a lost batch. */
  endedAtMs?: number
  /** How the answer ended: `completed`, `failed`, `removed` or `timeout`. */
  outcome?: string
  /** Why the last handover failed. Stays after a later attempt went well. */
  error?: string
  /** What is wrong with it now: its messages are gone, or no processor has claimed it since it could go. */
  wrong?: { kind: 'lost' } | { kind: 'overdue'; sinceMs: number }
  phases: Phase[]
  /** The history does not reach back to its beginning: `firstAtMs`, `messages` and `phases` begin later than it did. */
  isCut?: true
  /** At this time the reading changes without any new step (it becomes due, or overdue): read it again then. */
  changesAtMs?: number
  /** Every step that is known, oldest first, with an `appended` for each arrival after the first. */
  steps: HistoryEntry[]
}

/** States in which nothing more happens by itself. */
const ENDED: ReadonlySet<LifeState> = new Set([
  'answered',
  'dead',
  'dropped',
  'revoked',
  'merged',
  'superseded',
  'lost',
])

/** Whether nothing more happens to it, unless somebody redrives it. */
export const isEnded = ({ state }: Pick<Life, 'state'>): boolean => ENDED.has(state)

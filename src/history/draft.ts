/**
 * The life of one batch while its steps are read, oldest first. It divides the life into stays: times in one place (waiting,
 * claimed, answering, …), of which `phases.ts` makes what is shown.
 */
import type { Rules } from '../rules.js'
import type { Claimed, LifeMessage, LifeState } from './life.js'
import { arrivalsIn, type HistoryEntry, idsIn, numberIn, type ReleaseRule, ruleIn } from './steps.js'

export type LifeRules = Pick<Rules, 'quietGapMs' | 'maxWaitMs' | 'order'>

/** Where the steps leave a batch. */
export type Place = Exclude<LifeState, 'open' | 'held' | 'lost'>

export interface Stay {
  place: Place
  fromMs: number
  /** While it waits: when it is due, as far as the steps say. */
  dueMs?: number
  /** If it ended with a claim: from when the batch could go. */
  couldGoMs?: number
}

export class Draft {
  readonly steps: HistoryEntry[] = []
  readonly messages: LifeMessage[] = []
  readonly stays: Stay[] = []
  /** When it let go of its conversation, in either order. */
  readonly freedMs: number[] = []
  /** When it last did so, by the order of today; absent while it holds its conversation, or waits in front of others. */
  freeAtMs: number | undefined
  count = 0
  lastAtMs: number
  claimed: Claimed | undefined
  attempts = 0
  handedOverAtMs: number | undefined
  endedAtMs: number | undefined
  outcome: string | undefined
  error: string | undefined
  /** The batches that it replaced. */
  supersedes: string[] | undefined
  /** The batch that has its messages now. */
  supersededBy: string | undefined
  committedAtMs: number | undefined
  /** How many of its messages the history names or counts one by one. */
  private arrived = 0
  /** The rule that sealed it. */
  private sealedBy: ReleaseRule | undefined

  constructor(
    readonly first: HistoryEntry,
    private readonly rules: LifeRules,
    /** The store says that some of its messages wait. */
    private readonly isKnownToWait = false,
  ) {
    this.lastAtMs = first.atMs
  }

  get place(): Place {
    return this.stays.at(-1)?.place ?? 'waiting'
  }

  apply(entry: HistoryEntry): void {
    const { step, atMs, detail } = entry
    this.steps.push(entry)
    if (this.stays.length === 0 && step !== 'claimed') this.enter(placeBefore(step), atMs)
    switch (step) {
      case 'opened':
      case 'appended':
        this.arrive(entry)
        break
      case 'extended':
        this.dueAt((this.stays.at(-1)?.dueMs ?? atMs) + numberIn(detail, 'byMs'))
        break
      case 'sealed':
        this.dueAt(atMs)
        this.count = numberIn(detail, 'count', this.count)
        this.sealedBy = ruleIn(detail)
        break
      case 'claimed':
        this.claim(entry)
        break
      case 'given-back':
        this.enter('claimed', atMs)
        break
      case 'reclaimed':
        this.enter('claimed', atMs)
        this.attempts = numberIn(detail, 'attempt', this.attempts)
        break
      case 'nacked':
        this.enter('claimed', atMs)
        this.attempts = numberIn(detail, 'attempt', this.attempts)
        this.error = detail['error'] ?? ''
        break
      case 'handed-over':
        // A function that commits is handed its batch for good when it ends.
        if (this.place !== 'committed') this.enter('answering', atMs)
        this.handedOverAtMs ??= atMs
        this.endedAtMs = undefined
        this.free(entry, this.rules.order === 'concurrent')
        break
      case 'answered':
        this.end('answered', atMs)
        this.outcome = detail['outcome'] ?? ''
        this.free(entry)
        break
      case 'committed':
        this.enter('committed', atMs)
        this.committedAtMs = atMs
        break
      case 'superseded':
        this.leave('superseded', entry)
        this.supersededBy = detail['by']
        break
      case 'dead':
        this.end('dead', atMs)
        this.attempts = numberIn(detail, 'attempt', this.attempts)
        this.error = detail['error'] ?? ''
        this.free(entry)
        break
      case 'redriven':
        this.enter('waiting', atMs)
        this.dueAt(atMs)
        this.endedAtMs = undefined
        this.freeAtMs = undefined
        break
      case 'discarded':
        this.end('dropped', atMs)
        break
      case 'revoked':
        this.revoke(entry)
        break
      case 'dropped':
        this.drop(entry)
        break
      case 'merged':
        // `batch`: its messages are that batch's now.
        if (this.place === 'waiting' && detail['batch'] !== undefined) this.leave('merged', entry)
        break
    }
  }

  /** `dropped` is recorded for one batch, and discards everything in the conversation that waits. */
  drop(entry: HistoryEntry): void {
    if (this.place === 'waiting') this.leave('dropped', entry)
  }

  private leave(place: Place, entry: HistoryEntry): void {
    this.end(place, entry.atMs)
    this.free(entry)
  }

  private arrive({ step, atMs, detail }: HistoryEntry): void {
    const ids = idsIn(detail)
    const before = step === 'opened' ? 0 : this.arrived
    this.arrived = numberIn(detail, 'count', before + Math.max(ids.length, 1))
    this.count = this.arrived
    const came = Math.max(this.arrived - before, ids.length)
    // Those that came back from a superseded batch had come before.
    const times = arrivalsIn(detail)?.atMs ?? []
    for (let i = 0; i < came; i++) {
      const messageId = ids[i]
      const cameAt = { atMs: times[i] ?? atMs }
      this.messages.push(messageId === undefined ? cameAt : { messageId, ...cameAt })
    }
    if (step === 'opened') this.supersedes = detail['supersedes']?.split(' ')
    // What a pause has collected in front of others came before them.
    this.lastAtMs = step === 'opened' ? (times.at(-1) ?? atMs) : Math.max(this.lastAtMs, atMs)
    const { quietGapMs, maxWaitMs } = this.rules
    this.dueAt(Math.min(this.lastAtMs + quietGapMs, this.startedAtMs + maxWaitMs))
  }

  private claim({ atMs, detail }: HistoryEntry): void {
    const lateMs = numberIn(detail, 'lateMs')
    const couldGoMs = atMs - lateMs
    if (this.place !== 'waiting' || this.stays.length === 0) this.enter('waiting', couldGoMs)
    const stay = this.stays.at(-1)
    if (stay) stay.couldGoMs = couldGoMs
    this.count = numberIn(detail, 'count', this.count)
    this.attempts = 1
    this.freeAtMs = undefined
    if (!this.claimed) this.claimed = this.firstClaim(atMs, detail, couldGoMs)
    this.enter('claimed', atMs)
  }

  private firstClaim(atMs: number, detail: HistoryEntry['detail'], couldGoMs: number): Claimed {
    const reason = detail['reason'] ?? ''
    const rule = ruleIn(detail) ?? this.sealedBy
    const gapMs = reason === 'gap' && rule ? rule.value : this.rules.quietGapMs
    if (reason === 'gap' && this.count > this.arrived) this.inferLastArrival(couldGoMs, gapMs)
    // The rules of today are not those of this conversation.
    else if (reason === 'gap' && rule) this.dueAt(this.lastAtMs + gapMs)
    else if (reason === 'maxWait' && rule) this.dueAt(this.startedAtMs + rule.value)
    if (detail['dueInMs'] !== undefined) this.dueAt(atMs + numberIn(detail, 'dueInMs'))
    const lateMs = numberIn(detail, 'lateMs')
    return { by: detail['owner'] ?? '', atMs, reason, lateMs, ...(rule ? { rule } : {}) }
  }

  /** When its first message came, which may be from a batch that it replaced. */
  private get startedAtMs(): number {
    return Math.min(this.first.atMs, this.messages[0]?.atMs ?? this.first.atMs)
  }

  /** The history names only the first 100 messages: the last one came a quiet gap before the batch could go. */
  private inferLastArrival(couldGoMs: number, gapMs: number): void {
    const atMs = couldGoMs - gapMs
    if (atMs < this.lastAtMs) return
    this.lastAtMs = atMs
    this.dueAt(couldGoMs)
  }

  private revoke(entry: HistoryEntry): void {
    for (const id of idsIn(entry.detail)) {
      const known = this.messages.findIndex(({ messageId }) => messageId === id)
      const at = known >= 0 ? known : this.messages.findIndex(({ messageId }) => messageId === undefined)
      if (at >= 0) this.messages.splice(at, 1)
      this.count = Math.max(this.count - 1, 0)
    }
    this.count = Math.max(this.count, this.messages.length)
    // How many are left is unknown if the history does not reach back to the batch's beginning.
    if (this.first.step === 'opened' && this.count === 0 && !this.isKnownToWait) this.close(entry)
  }

  /** The batch has no messages left: they were revoked. */
  close(entry: HistoryEntry): void {
    if (this.place === 'waiting') this.leave('revoked', entry)
  }

  dueAt(dueMs: number): void {
    const stay = this.stays.at(-1)
    if (stay) stay.dueMs = dueMs
  }

  private enter(place: Place, fromMs: number): void {
    if (this.stays.length > 0 && this.place === place) return
    this.stays.push({ place, fromMs })
  }

  private end(place: Place, atMs: number): void {
    this.enter(place, atMs)
    this.endedAtMs = atMs
  }

  /** @param isFree by the order of today. The order may have been the other one then, so both kinds of end are noted */
  private free({ atMs, detail }: HistoryEntry, isFree = true): void {
    // A dead batch has let go of its conversation already.
    if (detail['late']) return
    this.freedMs.push(atMs)
    if (isFree) this.freeAtMs ??= atMs
  }
}

const CLAIMED_BEFORE: ReadonlySet<string> = new Set([
  'reclaimed',
  'given-back',
  'nacked',
  'dead',
  'handed-over',
  'committed',
  'superseded',
])

/** Where a batch must have been for its first known step to be this one. */
function placeBefore(step: string): Place {
  if (CLAIMED_BEFORE.has(step)) return 'claimed'
  if (step === 'answered') return 'answering'
  return step === 'redriven' || step === 'discarded' ? 'dead' : 'waiting'
}

/**
 * The lives of a conversation's batches, from its history: the one reading that `lull trace`, the page, the API and
 * doctor show. Pure: no clock and no store. The rules given are those of today, and a batch may be older: what its
 * steps say themselves comes first, and a batch is said to have waited for another one only if the history shows it.
 */
import type { ConversationState, DeadBatch } from '../store/store.js'
import { withArrivals } from './arrivals.js'
import { Draft, type LifeRules } from './draft.js'
import { isGone, shouldWait } from './gone.js'
import type { Life, LifeState, Phase } from './life.js'
import { collecting, endOf, type Pause, pausesOf } from './pauses.js'
import { phasesOf } from './phases.js'
import { OVERDUE_MS, type Release, releaseOf, SAME_MOMENT_MS, type Surroundings } from './release.js'
import type { HistoryEntry } from './steps.js'

/** Batches before a batch that it may have waited for. More of one conversation do not wait for each other. */
const LIVES_BEFORE = 100

export interface LivesSource {
  /** Of one conversation, newest first, as `Store.history` returns it, of one conversation or filtered from all. */
  history: HistoryEntry[]
  /**
   * The same conversation, read after the history. Leave it out if steps were recorded between the two reads. Without
   * it the messages of batches that are not claimed are not known, and none is called lost.
   */
  state?: ConversationState
  /** Dead batches of the conversation: those that the history has forgotten are added. */
  dead?: readonly DeadBatch[]
  rules: LifeRules
  /** The present by the store's clock. */
  nowMs: number
}

/** Oldest first. */
export function livesOf({ history, state, dead = [], rules, nowMs }: LivesSource): Life[] {
  const oldestFirst = withArrivals(history, state?.messages).reverse()
  const drafts = draftsOf(oldestFirst, rules, state)
  const all = [...drafts.values()]
  const pauses = collecting(pausesOf(oldestFirst, nowMs))
  const lost = new Set(state ? all.filter(draft => isLost(draft, history, state)) : [])
  const lives = all.map((draft, i) => {
    const before = all.slice(Math.max(i - LIVES_BEFORE, 0), i).filter(one => !lost.has(one))
    return lifeOf(draft, { before, isLost: lost.has(draft), nowMs, state, pauses })
  })
  const forgotten = dead.filter(({ batchId }) => !drafts.has(batchId)).map(lifeOfDead)
  return [...forgotten, ...lives]
}

function draftsOf(oldestFirst: HistoryEntry[], rules: LifeRules, state?: ConversationState): Map<string, Draft> {
  const waiting = new Set(state?.messages.map(({ batchId }) => batchId))
  const drafts = new Map<string, Draft>()
  for (const entry of oldestFirst) {
    const { batchId, step } = entry
    // A step of the conversation alone, or messages that no batch got: pauses.ts reads them.
    if (batchId === '' || step === 'paused') continue
    const draft = drafts.get(batchId) ?? new Draft(entry, rules, waiting.has(batchId))
    drafts.set(batchId, draft)
    draft.apply(entry)
    if (step === 'dropped') for (const other of drafts.values()) other.drop(entry)
  }
  return drafts
}

/** Whether it should wait, and its messages are gone. If the last of them was revoked, the batch is closed instead. */
function isLost(draft: Draft, history: HistoryEntry[], state: ConversationState): boolean {
  const last = draft.steps.at(-1)
  if (draft.place !== 'waiting' || !last || !isGone(last, history, state)) return false
  if (shouldWait(last)) return true
  if (last.step === 'revoked') draft.close(last)
  return false
}

interface Context extends Surroundings {
  isLost: boolean
  /** Those that collect. */
  pauses: readonly Pause[]
}

function lifeOf(draft: Draft, { isLost: lost, pauses, ...surroundings }: Context): Life {
  const { nowMs, state: now } = surroundings
  const { first, steps, stays, claimed } = draft
  const open = now?.open?.batchId === first.batchId ? now.open : undefined
  if (open) {
    draft.dueAt(open.dueAtMs)
    draft.count = open.count
  } else waitForPause(draft, pauses)
  const releases = new Map(
    stays.filter(({ place }) => place === 'waiting').map(stay => [stay, releaseOf(draft, stay, surroundings)]),
  )
  const [firstStay, lastStay] = [stays[0], stays.at(-1)]
  const current = lastStay && releases.get(lastStay)
  const release = current ?? (firstStay && releases.get(firstStay))
  const state = lost ? 'lost' : stateOf(draft, current, nowMs)
  const phases = phasesOf(draft, releases, pauses, nowMs)
  return {
    batchId: first.batchId,
    // The last one: a merge moves batches.
    conversationId: steps.at(-1)?.conversationId ?? first.conversationId,
    state,
    count: draft.count,
    messages: draft.messages.toSorted((a, b) => a.atMs - b.atMs),
    firstAtMs: firstStay?.fromMs ?? first.atMs,
    lastAtMs: draft.lastAtMs,
    // A batch that started early was not due then.
    ...optional('dueAtMs', claimed?.reason === 'early' ? firstStay?.dueMs : finite(release?.dueMs)),
    ...optional('waitedFor', release?.waitedFor),
    ...optional('claimed', claimed),
    ...optional('pauseEndedAtMs', claimed && pauseThatReleased(claimed, pauses)),
    ...optional('supersedes', draft.supersedes),
    ...optional('supersededBy', draft.supersededBy),
    ...optional('committedAtMs', draft.committedAtMs),
    attempts: draft.attempts,
    ...optional('handedOverAtMs', draft.handedOverAtMs),
    ...optional('endedAtMs', draft.endedAtMs),
    ...optional('outcome', draft.outcome),
    ...optional('error', draft.error),
    ...optional('wrong', wrongOf(state, current, nowMs)),
    phases: lost ? phases.filter(({ name }) => BEFORE_DUE.has(name)).map(withoutEnd) : phases,
    ...optional('isCut', first.step === 'opened' ? undefined : true),
    ...optional('changesAtMs', lost ? undefined : nextChange(current, nowMs)),
    steps,
  }
}

/** A batch that collects during a pause is not due before its end; a flush or a cap makes it due all the same. */
function waitForPause(draft: Draft, pauses: readonly Pause[]): void {
  const { place, steps, stays } = draft
  const dueMs = stays.at(-1)?.dueMs
  if (place !== 'waiting' || dueMs === undefined || steps.some(({ step }) => step === 'sealed')) return
  const pause = pauses.findLast(({ fromMs }) => fromMs <= dueMs)
  if (pause) draft.dueAt(Math.max(dueMs, endOf(pause)))
}

/** The end of the pause that released a batch. */
function pauseThatReleased(
  { atMs, lateMs, reason }: NonNullable<Life['claimed']>,
  pauses: readonly Pause[],
): number | undefined {
  if (reason !== 'gap' && reason !== 'early') return undefined
  return pauses.map(endOf).find(endMs => Math.abs(atMs - lateMs - endMs) <= SAME_MOMENT_MS)
}

/** When the messages of a lost batch were deleted is not known: all that is sure is that they came. */
const BEFORE_DUE: ReadonlySet<string> = new Set(['collecting', 'quietGap'])

const withoutEnd = ({ goesOn: _, ...phase }: Phase): Phase => phase

/** @param current the release of a batch that waits */
function stateOf(draft: Draft, current: Release | undefined, nowMs: number): LifeState {
  if (draft.place !== 'waiting') return draft.place
  if (!current || current.dueMs > nowMs) return 'open'
  return current.couldGoMs > nowMs ? 'held' : 'waiting'
}

function wrongOf(state: LifeState, current: Release | undefined, nowMs: number): Life['wrong'] {
  if (state === 'lost') return { kind: 'lost' }
  const isOverdue = state === 'waiting' && current && nowMs - current.couldGoMs >= OVERDUE_MS
  return isOverdue ? { kind: 'overdue', sinceMs: current.couldGoMs } : undefined
}

/** When a batch that waits becomes due, or overdue. What holds it ends with a step, and so at no time that is known. */
function nextChange(current: Release | undefined, nowMs: number): number | undefined {
  if (!current) return undefined
  if (current.dueMs > nowMs) return finite(current.dueMs)
  const overdueAtMs = current.couldGoMs + OVERDUE_MS
  return overdueAtMs > nowMs ? finite(overdueAtMs) : undefined
}

/** What is known of a dead batch whose steps the history has forgotten. */
function lifeOfDead({ batchId, conversationId, attempts, error, diedAtMs, batch }: DeadBatch): Life {
  const { firstAtMs, lastAtMs, dueAtMs, releasedAtMs, releasedBy, messages } = batch
  return {
    batchId,
    conversationId,
    state: 'dead',
    count: messages.length,
    messages: messages.map(({ messageId, receivedAtMs }) => ({ messageId, atMs: receivedAtMs })),
    firstAtMs,
    lastAtMs,
    dueAtMs,
    claimed: { by: '', atMs: releasedAtMs, reason: releasedBy, lateMs: Math.max(releasedAtMs - dueAtMs, 0) },
    attempts,
    endedAtMs: diedAtMs,
    error,
    phases: [],
    isCut: true,
    steps: [],
  }
}

const finite = (number: number | undefined) => (Number.isFinite(number) ? number : undefined)

/** The field, unless it has no value. */
function optional<Name extends keyof Life>(name: Name, value: Life[Name] | undefined): Partial<Pick<Life, Name>> {
  const field: Partial<Pick<Life, Name>> = {}
  if (value !== undefined) field[name] = value
  return field
}

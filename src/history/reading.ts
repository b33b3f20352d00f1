/** Lives read from a store: what `livesOf` needs, in as few reads as there can be, and consistent with each other. */
import type { ConversationState, Store } from '../store/store.js'
import { isGone, shouldWait } from './gone.js'
import type { Life } from './life.js'
import { livesOf } from './lives.js'
import { type Pause, pausesOf, withCollected } from './pauses.js'
import type { HistoryEntry } from './steps.js'

export type LivesStore = Pick<Store, 'rules' | 'history' | 'conversation' | 'dead' | 'samePerson'>

export interface Lives {
  /** Newest first: the last batch to get its first message. */
  lives: Life[]
  /** The time of this reading, by the store's clock as far as it is known: phases that go on end here. */
  nowMs: number
}

/** Steps of one conversation that are read. */
const STEPS_READ = 1000
/** Dead batches that are searched for those of one conversation. */
const DEAD_READ = 100
/** Steps that are read for each life that is asked for: a life has about five. */
const STEPS_A_LIFE = 10
const MOST_STEPS_READ = 10_000
/** Conversations whose state is read because batches of theirs are not claimed. */
const STATES_READ = 50
/** Batches that should wait and are looked up in the store. */
const WAITING_LOOKED_UP = 200
/** Steps that may have been recorded while states were read. */
const STEPS_SINCE_READ = 100

export interface LivesOfOne extends Lives {
  /** Newest first. */
  pauses: Pause[]
}

/**
 * The lives of one person's batches, whichever id is given, at most `limit`, and as many pauses. They hold no texts.
 */
export async function livesOfConversation(
  store: LivesStore,
  conversationId: string,
  limit: number,
): Promise<LivesOfOne> {
  const { lives, pauses, nowMs } = await readConversation(store, conversationId, limit)
  return { lives, pauses, nowMs }
}

/** The same, with the state that they were read with. */
export async function readConversation(
  store: LivesStore,
  conversationId: string,
  limit: number,
): Promise<LivesOfOne & { state: ConversationState }> {
  const ids = await store.samePerson(conversationId)
  const history = await store.history({ conversationId, limit: STEPS_READ })
  const state = await store.conversation(ids[0] ?? conversationId)
  const [newest] = await store.history({ conversationId, limit: 1 })
  const dead = (await store.dead(DEAD_READ)).filter(batch => ids.includes(batch.conversationId)).reverse()
  const nowMs = nowFrom(newest, state)
  const source = { history, dead, rules: store.rules, nowMs }
  // If the conversation went on between the reads, the state belongs to other steps than these.
  const lives = livesOf(newest?.id === history[0]?.id ? { ...source, state } : source)
  const pauses = withCollected(pausesOf(history.toReversed(), nowMs), lives)
  return { lives: lives.reverse().slice(0, limit), pauses: pauses.reverse().slice(0, limit), nowMs, state }
}

/**
 * The last lives of all conversations, at most `limit`. The state of at most 50 conversations is read; in the others
 * the messages of batches that are not claimed are not known, and none is called lost.
 */
export async function recentLives(store: LivesStore, limit: number): Promise<Lives> {
  const history = await store.history({ limit: Math.min(limit * STEPS_A_LIFE, MOST_STEPS_READ) })
  const conversations = byConversation(history)
  const unclear = [...conversations].filter(([, steps]) => hasUnclaimed(steps)).slice(0, STATES_READ)
  const states = new Map(await Promise.all(unclear.map(async ([id]) => [id, await store.conversation(id)] as const)))
  const since = await store.history({ limit: STEPS_SINCE_READ })
  const known = since.findIndex(({ id }) => id === history[0]?.id)
  // These went on meanwhile; if that is not known, all of them may have.
  const changed = known < 0 ? undefined : new Set(since.slice(0, known).map(({ conversationId }) => conversationId))
  const nowMs = nowFrom(since[0])
  const lives = [...conversations].flatMap(([id, steps]) => {
    const state = changed?.has(id) === false ? states.get(id) : undefined
    return livesOf({ history: steps, rules: store.rules, nowMs, ...(state ? { state } : {}) })
  })
  return { lives: lives.sort((a, b) => b.firstAtMs - a.firstAtMs).slice(0, limit), nowMs }
}

/**
 * The last step of each batch that should wait and whose messages are gone; at most 200 batches that should wait are
 * looked up.
 * @param history of all conversations, newest first, read just before
 */
export async function lostBatches(store: LivesStore, history: HistoryEntry[]): Promise<HistoryEntry[]> {
  const last = new Map<string, HistoryEntry>()
  for (const entry of history) if (entry.batchId !== '' && !last.has(entry.batchId)) last.set(entry.batchId, entry)
  const lost: HistoryEntry[] = []
  for (const entry of [...last.values()].filter(shouldWait).slice(0, WAITING_LOOKED_UP)) {
    const { conversationId } = entry
    if (!isGone(entry, history, await store.conversation(conversationId))) continue
    // It may have been claimed between the two reads.
    const [newest] = await store.history({ conversationId, limit: 1 })
    if (newest?.id === history.find(one => one.conversationId === conversationId)?.id) lost.push(entry)
  }
  return lost
}

function byConversation(history: HistoryEntry[]): Map<string, HistoryEntry[]> {
  const conversations = new Map<string, HistoryEntry[]>()
  for (const entry of history) {
    const steps = conversations.get(entry.conversationId)
    if (steps) steps.push(entry)
    else conversations.set(entry.conversationId, [entry])
  }
  return conversations
}

function hasUnclaimed(steps: HistoryEntry[]): boolean {
  const claimed = new Set(steps.flatMap(({ step, batchId }) => (step === 'claimed' ? [batchId] : [])))
  return steps.some(({ step, batchId }) => (step === 'opened' || step === 'redriven') && !claimed.has(batchId))
}

/** The store's clock, where it was read. This process's own may be behind it, but no step is later than now. */
function nowFrom(newest: HistoryEntry | undefined, state?: ConversationState): number {
  return Math.max(state?.nowMs ?? Date.now(), newest?.atMs ?? 0)
}

/**
 * `lull trace`: who took a batch, when, and why then. All of it is from the history, so it can be asked long after; what
 * is open now stands in the last line.
 */
import { isReleaseReason, RELEASE_REASONS } from '../batch.js'
import type { Config } from '../config.js'
import { withArrivals } from '../history/arrivals.js'
import { isGone, shouldWait } from '../history/gone.js'
import { processName } from '../process-name.js'
import { connect, createClient, disconnect } from '../store/redis/connection.js'
import { Keys } from '../store/redis/keys.js'
import type { ConversationState, HistoryEntry } from '../store/store.js'
import { NothingDone, remedyFor } from './nothing-done.js'
import { type Paint, paintFor } from './show/paint.js'
import { clean, day, duration, idsOf, messages, saying, timeOfDay, wrapped, zone } from './show/words.js'
import { withBatcher } from './with-batcher.js'

/** Steps of the conversation that are read, and batches of it that are shown, the latest. */
const STEPS_READ = 1000
const BATCHES_SHOWN = 10

/** A batch's life, oldest step first. */
export interface Life {
  batchId: string
  conversationId: string
  steps: HistoryEntry[]
  /** Who took it first, when, and why then; absent while it waits. */
  claimed?: { by: string; atMs: number; reason: string; lateMs: number; after?: string }
  /** It should wait, and nothing of it is there. */
  gone?: true
}

/** Resolves to what is known of a conversation's recent batches. @throws {NothingDone} where nothing is */
export function trace(config: Config, conversationId: string, { json = false }: { json?: boolean }): Promise<string> {
  return withBatcher(config, 'trace', async batcher => {
    const history = await batcher.history({ conversationId, limit: STEPS_READ })
    const state = await batcher.conversation(conversationId)
    const [newest] = await batcher.history({ conversationId, limit: 1 })
    // What was claimed between the looks is not gone.
    const settled = newest?.id === history[0]?.id
    const arrived = withArrivals(history, state.messages)
    const lives = livesOf(arrived, settled ? state : undefined).slice(-BATCHES_SHOWN)
    if (lives.length === 0 && state.waiting === 0 && !state.heldBy) {
      const remedy = await remedyFor(batcher, conversationId)
      throw new NothingDone(`the history holds nothing of ${conversationId}: ${remedy}`)
    }
    if (json) return lives.map(life => JSON.stringify(life)).join('\n')
    const paint = paintFor(process.stdout)
    const dueForMs = state.waiting > 0 && !state.heldBy ? await overdueMs(config, conversationId) : undefined
    return [...lives.flatMap(life => [...linesOf(life, paint), '']), stateLine(state, dueForMs)].join('\n')
  })
}

/** For how long what waits has been due, by Redis's clock; negative where it is not yet. `undefined`: it waits no more. */
async function overdueMs({ redis, prefix }: Config, conversationId: string): Promise<number | undefined> {
  const client = createClient(redis, processName('trace'))
  // What a command meets, its caller hears.
  client.on('error', () => {})
  try {
    await connect(client)
    const dueAtMs = await client.zscore(new Keys(prefix).due, conversationId)
    const [seconds, microseconds] = await client.time()
    return dueAtMs === null ? undefined : Number(seconds) * 1000 + Number(microseconds) / 1000 - Number(dueAtMs)
  } finally {
    await disconnect(client)
  }
}

/**
 * @param history of one conversation, newest first
 * @param state what waits there, where nothing has happened since the history was read
 */
export function livesOf(history: HistoryEntry[], state?: ConversationState): Life[] {
  const lives = new Map<string, Life>()
  /** The last batch whose end made room for the next one, and when. */
  let freed: { batchId: string; atMs: number } | undefined
  for (const entry of history.toReversed()) {
    const { batchId, conversationId, atMs, step, detail } = entry
    const life = lives.get(batchId) ?? { batchId, conversationId, steps: [] }
    lives.set(batchId, life)
    life.steps.push(entry)
    if (step === 'claimed' && !life.claimed) {
      const lateMs = Number(detail['lateMs'] ?? 0)
      // It could go from the moment at which the one before it ended: it was due before that, and had to wait.
      const waited = freed !== undefined && Math.abs(atMs - lateMs - freed.atMs) <= 1
      const after = waited && freed ? { after: freed.batchId } : {}
      life.claimed = { by: detail['owner'] ?? '', atMs, reason: detail['reason'] ?? '', lateMs, ...after }
    }
    if (['answered', 'handed-over', 'dead'].includes(step)) freed = { batchId, atMs }
  }
  for (const life of lives.values()) {
    const last = life.steps.at(-1)
    if (state && last && shouldWait(last) && isGone(last, history, state)) life.gone = true
  }
  return [...lives.values()]
}

const MARGIN = '  '
const LONGEST_STEP = 11
const LONGEST_DELAY = 13
/** Time, delay, step, and the spaces between and behind them. */
const COLUMNS_BEFORE = MARGIN.length + 12 + LONGEST_DELAY + 2 + LONGEST_STEP + 2
const COLUMNS = 80
const ID_MARGIN = ' '.repeat(16)

/** A heading, then a line a step; none wider than 80 columns but for ids and errors that are. */
export function linesOf(life: Life, paint: Paint): string[] {
  const [first] = life.steps
  const heading = `batch ${clean(life.batchId)}  ${first ? `${day(first.atMs)}, ${zone(first.atMs)}` : ''}`
  let before = first?.atMs ?? 0
  const steps = life.steps.flatMap(entry => {
    const lines = stepLines(entry, entry.atMs - before, paint)
    before = entry.atMs
    return lines
  })
  return [paint('bold', heading), ...answerLines(life, paint), ...steps]
}

const LOSS = 'its messages are gone: something has deleted them'

/** The question that brings people here, answered first. */
function answerLines({ claimed, steps, gone }: Life, paint: Paint): string[] {
  const loss = gone ? [MARGIN + paint('red', LOSS), `${MARGIN}lull doctor says who could be it`] : []
  if (!claimed) {
    const dropped = steps.some(({ step }) => step === 'dropped')
    const taken = gone ? 'not taken by anybody' : 'not taken by anybody so far'
    return [MARGIN + (dropped ? 'discarded before anybody took it' : taken), ...loss]
  }
  const { by, atMs, reason, lateMs, after } = claimed
  const why = isReleaseReason(reason) ? RELEASE_REASONS[reason] : `releasedBy ${reason}`
  return [
    `${MARGIN}taken by ${paint('green', clean(by))}`,
    `${MARGIN}at ${timeOfDay(atMs)}, as ${clean(why)} (${clean(reason)}); ${duration(lateMs)} late`,
    ...(after ? [`${MARGIN}once batch ${clean(after)} was out of its way`] : []),
    ...loss,
  ]
}

const ALARMING = new Set(['vanished', 'nacked', 'dead', 'dropped'])

function stepLines(entry: HistoryEntry, sinceMs: number, paint: Paint): string[] {
  const step = clean(entry.step).padEnd(LONGEST_STEP)
  const delay = (sinceMs > 0 ? ` +${duration(sinceMs)}` : '').padStart(LONGEST_DELAY)
  const shown = ALARMING.has(entry.step) ? paint('red', step) : step
  const [first = '', ...more] = wrapped(saying(entry), COLUMNS - COLUMNS_BEFORE)
  return [
    `${MARGIN}${paint('dim', timeOfDay(entry.atMs))}${delay}  ${shown}  ${first}`.trimEnd(),
    ...more.map(line => ' '.repeat(COLUMNS_BEFORE) + line),
    // WhatsApp's are some 60 characters long.
    ...idsOf(entry).map(id => paint('dim', `${ID_MARGIN}${id}`)),
  ]
}

/** A processor takes what is due within milliseconds: after so long nobody seems to be there. */
const OVERDUE_MS = 2000

/** @param dueForMs for how long what waits has been due, negative where it is not yet; absent where that is not known */
export function stateLine({ waiting, open, heldBy }: ConversationState, dueForMs?: number): string {
  const held = heldBy
    ? `batch ${clean(heldBy.batchId)} is ${heldBy.state === 'claimed' ? 'claimed' : 'being answered'}`
    : ''
  const waits = waiting > 0 ? `${messages(waiting)} wait${waiting === 1 ? 's' : ''}` : ''
  const has = waiting === 1 ? 'has' : 'have'
  if (waits && dueForMs !== undefined && dueForMs >= OVERDUE_MS)
    return `now: ${waits}, and ${has} been due for ${duration(dueForMs)}: does a processor run? lull doctor`
  const dueInMs = dueForMs === undefined ? open?.dueInMs : Math.max(-dueForMs, 0)
  const due = dueInMs === undefined ? '' : `, due in ${duration(dueInMs)}${heldBy ? ' at the earliest' : ''}`
  return `now: ${[waits && waits + due, held].filter(Boolean).join('; ') || 'nothing waits'}`
}

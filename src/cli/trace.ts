/**
 * `lull trace`: which processor claimed a batch, when, and why then. It reads the history, so it works long afterwards
 * too.
 */
import type { Batcher } from '../batcher.js'
import type { Config } from '../config.js'
import type { Life } from '../history/life.js'
import { readConversation, recentLives } from '../history/reading.js'
import { NothingDone, remedyFor } from './nothing-done.js'
import { inert, jsonLine } from './show/escape.js'
import { linesOf, stateLine, summaryLine } from './show/life.js'
import { paintFor } from './show/paint.js'
import { pauseLines } from './show/pause.js'
import { withBatcher } from './with-batcher.js'

/** Batches of the conversation that are shown, the latest. */
const BATCHES_SHOWN = 10
const CONVERSATIONS_SHOWN = 20
/** Batches among which the latest conversations are found. */
const BATCHES_SEARCHED = 200

interface Options {
  json?: boolean
}

/**
 * Resolves to what is known of a conversation's recent batches and pauses; without an id, to a line for each recent conversation.
 * @throws {NothingDone} if nothing is known of the conversation
 */
export const trace = (config: Config, conversationId: string | undefined, options: Options = {}): Promise<string> =>
  withBatcher(config, 'trace', batcher =>
    conversationId === undefined ? recent(batcher, options) : traceOne(batcher, conversationId, options),
  )

async function traceOne(batcher: Batcher, conversationId: string, { json = false }: Options): Promise<string> {
  const read = await readConversation(batcher.store, conversationId, BATCHES_SHOWN)
  const { state, nowMs, pauses } = read
  const lives = read.lives.reverse()
  if (lives.length === 0 && pauses.length === 0 && state.waiting === 0 && !state.heldBy) {
    const remedy = await remedyFor(batcher, conversationId)
    throw new NothingDone(inert(`the history holds nothing of ${conversationId}: ${remedy}`))
  }
  if (json) return lives.map(life => jsonLine(life)).join('\n')
  const paint = paintFor(process.stdout)
  const now = stateLine(state, state.overdueForMs ?? dueForMs(lives, nowMs))
  const shown = [
    ...lives.map(life => ({ atMs: life.firstAtMs, lines: linesOf(life, paint) })),
    ...pauses.map(pause => ({ atMs: pause.fromMs, lines: pauseLines(pause, paint) })),
  ]
  return [...shown.sort((a, b) => a.atMs - b.atMs).flatMap(({ lines }) => [...lines, '']), now].join('\n')
}

/** How long the first batch that waits has been due, if nothing holds it; negative if it is not due yet. */
function dueForMs(lives: Life[], nowMs: number): number | undefined {
  const first = lives.find(({ state }) => state === 'open' || state === 'held' || state === 'waiting')
  return first?.dueAtMs === undefined || first.state === 'held' ? undefined : nowMs - first.dueAtMs
}

async function recent(batcher: Batcher, { json = false }: Options): Promise<string> {
  const { lives, nowMs } = await recentLives(batcher.store, BATCHES_SEARCHED)
  const latest = new Map<string, Life>()
  for (const life of lives) if (!latest.has(life.conversationId)) latest.set(life.conversationId, life)
  const shown = [...latest.values()].slice(0, CONVERSATIONS_SHOWN)
  if (json) return shown.map(life => jsonLine(life)).join('\n')
  if (shown.length === 0) return 'the history is empty: no message has come yet'
  const paint = paintFor(process.stdout)
  return [
    ...shown.map(life => summaryLine(life, nowMs, paint)),
    'lull trace <conversation> shows the life of its batches',
  ].join('\n')
}

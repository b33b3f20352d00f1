/** A batch's life as lines of text, and what waits in its conversation now. */
import type { MessageType } from '../../batch.js'
import type { Life } from '../../history/life.js'
import { OVERDUE_MS } from '../../history/release.js'
import { type HistoryEntry, idsIn } from '../../history/steps.js'
import type { ConversationState } from '../../store/store.js'
import { clean } from './escape.js'
import type { Paint } from './paint.js'
import { because, day, duration, messages, saying, timeOfDay, wrapped, zone } from './words.js'

export const MARGIN = '  '
const LONGEST_STEP = 11
const LONGEST_DELAY = 13
/** Time, delay, step, and the spaces between and behind them. */
const COLUMNS_BEFORE = MARGIN.length + 12 + LONGEST_DELAY + 2 + LONGEST_STEP + 2
const COLUMNS = 80
const ID_MARGIN = ' '.repeat(16)

/** A heading, what became of the batch, then a line a step; only ids and errors may be wider than 80 columns. */
export function linesOf(life: Life, paint: Paint): string[] {
  const fromMs = life.steps[0]?.atMs ?? life.firstAtMs
  const heading = `batch ${clean(life.batchId)}  ${day(fromMs)}, ${zone(fromMs)}`
  return [
    paint('bold', heading),
    ...answerLines(life, paint).map(line => MARGIN + line),
    ...stepsLines(life.steps, fromMs, paint),
  ]
}

/** A line a step, with its distance from the one before. */
export function stepsLines(steps: readonly HistoryEntry[], fromMs: number, paint: Paint): string[] {
  let before = fromMs
  return steps.flatMap(entry => {
    const lines = stepLines(entry, entry.atMs - before, paint)
    before = entry.atMs
    return lines
  })
}

/** Who claimed the batch, when and why then: the question that people run this command for. */
function answerLines(life: Life, paint: Paint): string[] {
  const { claimed, state, waitedFor, error, steps } = life
  if (state === 'lost')
    return [
      'no processor claimed it',
      paint('red', 'its messages are gone: something other than Lull deleted them'),
      'lull doctor lists the clients that may have done it',
    ]
  if (!claimed)
    return [
      ...replacedLines(life),
      ...(state === 'superseded' ? [] : [UNCLAIMED[state] ?? 'no processor has claimed it yet']),
      ...supersededLines(life, paint),
      ...waitLines(state, waitedFor),
    ]
  const { by, atMs, reason, lateMs, rule } = claimed
  const why = life.pauseEndedAtMs === undefined ? because(reason, rule) : 'the pause had ended'
  return [
    ...replacedLines(life),
    ...(by === '' ? [] : [`claimed by ${paint('green', clean(by))}`]),
    `at ${timeOfDay(atMs)} because ${clean(why)} (${clean(reason)}), ${duration(lateMs)} late`,
    ...(waitedFor ? [`it waited for batch ${clean(waitedFor)}`] : []),
    ...supersededLines(life, paint),
    // Otherwise the steps below say it.
    ...(state === 'dead' && steps.length === 0 ? [paint('red', `dead: ${clean(error ?? '')}`)] : []),
  ]
}

const UNCLAIMED: Readonly<Record<string, string>> = {
  dropped: 'discarded before a processor claimed it',
  merged: 'its messages joined another batch: two conversations of one person were merged',
  revoked: 'all its messages were revoked before a processor claimed it',
}

/** Which batch it replaced: that one has named those before it. */
const replacedLines = ({ supersedes = [] }: Life) => supersedes.slice(-1).map(id => `it replaced batch ${clean(id)}`)

function supersededLines({ state, supersededBy }: Life, paint: Paint): string[] {
  if (state !== 'superseded') return []
  const where =
    supersededBy === undefined ? 'its messages were discarded' : `batch ${clean(supersededBy)} has its messages`
  return [paint('yellow', `it was superseded: ${where}`)]
}

const waitLines = (state: string, waitedFor: string | undefined) =>
  state === 'held' && waitedFor ? [`it waits for batch ${clean(waitedFor)}`] : []

const ALARMING: ReadonlySet<string> = new Set(['vanished', 'nacked', 'dead', 'dropped'])

function stepLines(entry: HistoryEntry, sinceMs: number, paint: Paint): string[] {
  const step = clean(entry.step).padEnd(LONGEST_STEP)
  const delay = (sinceMs > 0 ? ` +${duration(sinceMs)}` : '').padStart(LONGEST_DELAY)
  const shown = ALARMING.has(entry.step) ? paint('red', step) : step
  const [first = '', ...more] = wrapped(saying(entry), COLUMNS - COLUMNS_BEFORE)
  return [
    `${MARGIN}${paint('dim', timeOfDay(entry.atMs))}${delay}  ${shown}  ${first}`.trimEnd(),
    ...more.map(line => ' '.repeat(COLUMNS_BEFORE) + line),
    // An id of WhatsApp's has some 60 characters, so it gets a line of its own.
    ...idsIn(entry.detail).map(id => paint('dim', `${ID_MARGIN}${clean(id)}`)),
  ]
}

/** @param dueForMs how long what waits has been due, negative if it is not due yet; absent if that is not known */
export function stateLine(state: ConversationState, dueForMs?: number): string {
  const { waiting, open, heldBy, paused } = state
  const isPaused = paused ? `paused for ${duration(paused.inMs)} more` : ''
  const held = heldBy
    ? `batch ${clean(heldBy.batchId)} is ${heldBy.state === 'claimed' ? 'claimed' : 'being answered'}`
    : ''
  const waits = waiting > 0 ? `${messages(waiting)} wait${waiting === 1 ? 's' : ''}` : ''
  const has = waiting === 1 ? 'has' : 'have'
  if (waits && dueForMs !== undefined && dueForMs >= OVERDUE_MS)
    return `now: ${waits}, and ${has} been due for ${duration(dueForMs)}: does a processor run? lull doctor`
  const dueInMs = dueForMs === undefined ? open?.dueInMs : Math.max(-dueForMs, 0)
  const due = dueInMs === undefined ? '' : `, due in ${duration(dueInMs)}${heldBy ? ' at the earliest' : ''}`
  const what = [isPaused, waits && waits + due, ...waitsFor(state), held]
  return `now: ${what.filter(Boolean).join('; ') || 'nothing waits'}`
}

/** `the text of a voice note` */
const TEXTS_OF: Readonly<Partial<Record<MessageType, string>>> = {
  voice: 'a voice note',
  audio: 'an audio file',
  image: 'an image',
  video: 'a video',
  document: 'a document',
}

/** What the open batch waits for: `waits for the text of a voice note, at most 14.0 s more`. */
function waitsFor({ holds = [], messages: waiting, isTyping }: ConversationState): string[] {
  const type = (key: string) => waiting.find(({ message }) => message.messageId === key)?.message.type
  return [
    ...(isTyping ? ['is typing'] : []),
    ...holds.map(({ key, inMs, ofMessage }) => {
      const text = ofMessage ? `the text of ${TEXTS_OF[type(key) ?? 'unknown'] ?? 'a message'}` : clean(key)
      return `waits for ${text}, at most ${duration(inMs)} more`
    }),
  ]
}

const USUAL_CONVERSATION = 24

/** `2026-11-28 06:12:03.021  79990000011@c.us  answered (completed), 3 messages` for a conversation's last batch. */
export function summaryLine(life: Life, nowMs: number, paint: Paint): string {
  const atMs = life.steps.at(-1)?.atMs ?? life.endedAtMs ?? life.firstAtMs
  const name = clean(life.conversationId).padEnd(USUAL_CONVERSATION)
  const now = paint(life.wrong || life.state === 'dead' ? 'red' : 'green', standing(life, nowMs))
  return `${paint('dim', `${day(atMs)} ${timeOfDay(atMs)}`)}  ${name}  ${now}, ${messages(life.count)}`
}

function standing({ state, outcome, wrong, dueAtMs }: Life, nowMs: number): string {
  if (wrong?.kind === 'overdue') return `overdue for ${duration(nowMs - wrong.sinceMs)}`
  if (state === 'open' && dueAtMs !== undefined) return `due in ${duration(Math.max(dueAtMs - nowMs, 0))}`
  if (state === 'answered' && outcome) return `answered (${clean(outcome)})`
  return clean(state)
}

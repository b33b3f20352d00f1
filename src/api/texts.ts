/**
 * Messages with LULL_SHOW_TEXTS=off: their ids, types and times, without what people wrote, their names, files and
 * places. The errors of handlers are left out, too, since they may quote a text; `lull dead` and `lull trace` show
 * them.
 */
import type { Batch } from '../batch.js'
import { isOwnWords } from '../handover/kept-error.js'
import type { Life } from '../history/life.js'
import type { ConversationState, DeadBatch, HistoryEntry } from '../store/store.js'

const HIDDEN = '(hidden)'

const shownError = (error: string) => (isOwnWords(error) ? error : HIDDEN)

interface Shown {
  messageId: string
  type: string
  sentAtMs?: number | undefined
}

const bare = <M extends Shown>({ messageId, type, sentAtMs }: M) => ({
  messageId,
  type,
  ...(sentAtMs === undefined ? {} : { sentAtMs }),
})

export const stateWithoutTexts = (state: ConversationState) => ({
  ...state,
  messages: state.messages.map(entry => ({ ...entry, message: bare(entry.message) })),
})

export function batchWithoutTexts({ text: _text, messages, ...batch }: Batch) {
  return {
    ...batch,
    messages: messages.map(message => ({ ...bare(message), receivedAtMs: message.receivedAtMs })),
  }
}

export const deadWithoutTexts = (dead: DeadBatch) => ({
  ...dead,
  error: shownError(dead.error),
  batch: batchWithoutTexts(dead.batch),
})

/** Without the error, which a handler wrote. */
export const stepWithoutTexts = (entry: HistoryEntry): HistoryEntry =>
  entry.detail['error'] === undefined
    ? entry
    : { ...entry, detail: { ...entry.detail, error: shownError(entry.detail['error']) } }

const lifeWithoutTexts = (life: Life): Life => ({
  ...life,
  ...(life.error === undefined ? {} : { error: shownError(life.error) }),
  steps: life.steps.map(stepWithoutTexts),
})

export const livesWithoutTexts = <Read extends { lives: Life[] }>(read: Read) => ({
  ...read,
  lives: read.lives.map(lifeWithoutTexts),
})

/**
 * Messages with LULL_SHOW_TEXTS=off: their ids, types and times, without what people wrote, their names, files and places.
 */
import type { Batch } from '../batch.js'
import type { ConversationState, DeadBatch } from '../store/store.js'

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

export const deadWithoutTexts = (dead: DeadBatch) => ({ ...dead, batch: batchWithoutTexts(dead.batch) })

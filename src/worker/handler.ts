/** What a worker does with a batch: it calls the user's module, or logs a line. */
import { setTimeout as delay } from 'node:timers/promises'
import type { CommittingHandle, Handle } from '../handover/function.js'
import { loadDefault } from '../load-default.js'
import type { Rules } from '../rules.js'

const MOST_CHARS_SHOWN = 80

/** The handler if none is configured: logs the batch. Texts are logged only with LOG_LEVEL=debug. */
export const logBatch: Handle = (batch, { log, attempt }) => {
  const { batchId, conversationId, messages, releasedBy, text } = batch
  const ids = shortened(messages.map(({ messageId }) => messageId).join(' '))
  log.info(
    { batchId, conversationId, count: messages.length, releasedBy, attempt },
    `${conversationId}: ${messages.length} ${messages.length === 1 ? 'message' : 'messages'} by ${releasedBy}: ${ids}`,
  )
  log.debug({ batchId, conversationId }, `${conversationId}: ${shortened(text)}`)
}

/** The account of the conversations that the page's playground makes. */
export const PLAYGROUND = 'playground'
/**
 * The playground's bot takes this much longer than the quiet gap, so that the next batch can be seen waiting for it.
 */
const BEYOND_GAP_MS = 3000
const LONGEST_THINKING_MS = 30_000

/** How long the playground's bot takes for an answer. */
export const thinkingMs = ({ quietGapMs, answerTimeoutMs }: Pick<Rules, 'quietGapMs' | 'answerTimeoutMs'>): number =>
  Math.min(quietGapMs + BEYOND_GAP_MS, LONGEST_THINKING_MS, answerTimeoutMs / 2)

/**
 * The reference worker: logs a batch, which is its reply, as soon as it may. In the playground it works on it before, as
 * a bot that thinks would.
 */
export const referenceWorker =
  (rules: Rules): CommittingHandle =>
  async (batch, context) => {
    if (batch.account === PLAYGROUND) await delay(thinkingMs(rules), undefined, { signal: context.signal })
    await context.commit()
    await logBatch(batch, context)
  }

/**
 * The handler in a module.
 * @param file its path, from the working directory
 * @throws one line, for a module that can't be loaded or exports no function
 */
export const loadHandler = (file: string): Promise<CommittingHandle> =>
  loadDefault(file, {
    name: 'handler',
    example: 'export default async (batch, { signal, attempt, log, commit }) => { … }',
  })

function shortened(text: string): string {
  const line = text.replaceAll('\n', ' · ')
  return line.length > MOST_CHARS_SHOWN ? `${line.slice(0, MOST_CHARS_SHOWN - 1)}…` : line
}

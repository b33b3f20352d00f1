/** What a worker does with a batch: it calls the user's module, or logs a line. */
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Handle } from '../handover/function.js'
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

/** The reference worker: logs a batch. In the playground it also waits, as a bot that thinks would. */
export const referenceWorker =
  (rules: Rules): Handle =>
  async (batch, context) => {
    await logBatch(batch, context)
    if (batch.account === PLAYGROUND) await delay(thinkingMs(rules), undefined, { signal: context.signal })
  }

/**
 * The default export of a module.
 * @param file its path, from the working directory
 * @throws one line, for a module that can't be loaded or exports no function
 */
export async function loadHandler(file: string): Promise<Handle> {
  const path = resolve(file)
  const loaded: unknown = await import(pathToFileURL(path).href).catch(error => {
    throw new Error(`handler ${path} cannot be loaded: ${firstLine(error)}`, { cause: error })
  })
  const handle = defaultExport(loaded)
  if (!isHandle(handle))
    throw new TypeError(
      `handler ${path} exports no function by default: write \`export default async (batch, { signal, attempt, log }) => { … }\``,
    )
  return handle
}

/** In a CommonJS module that was compiled from ESM the default export is one level deeper. */
function defaultExport(module: unknown): unknown {
  const exported = propertyOf(module, 'default')
  return typeof exported === 'function' ? exported : propertyOf(exported, 'default')
}

const propertyOf = (of: unknown, name: string): unknown =>
  typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined

const isHandle = (value: unknown): value is Handle => typeof value === 'function'

const firstLine = (error: unknown) => (error instanceof Error ? error.message : String(error)).split('\n')[0]

function shortened(text: string): string {
  const line = text.replaceAll('\n', ' · ')
  return line.length > MOST_CHARS_SHOWN ? `${line.slice(0, MOST_CHARS_SHOWN - 1)}…` : line
}

/**
 * The log of the handlers: a file with one line when a run begins and one when it ends. A line that was written before
 * its process was killed is kept, since the kernel has it (only a power cut would need an fsync).
 */
import { openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { randomFrom } from './random.js'
import { LONGEST_ANSWER_MS, LONGEST_SEND_MS } from './settings.js'

const handlerEvent = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('begin'),
    run: z.string(),
    atMs: z.number(),
    worker: z.string(),
    batchId: z.string(),
    conversationId: z.string(),
    releasedBy: z.string(),
    dueAtMs: z.number(),
    releasedAtMs: z.number(),
    messageIds: z.array(z.string()),
  }),
  z.object({ event: z.literal('ask'), run: z.string(), atMs: z.number() }),
  z.object({ event: z.literal('commit'), run: z.string(), atMs: z.number(), again: z.boolean() }),
  z.object({
    event: z.literal('end'),
    run: z.string(),
    atMs: z.number(),
    result: z.enum(['done', 'failed', 'cut', 'superseded']),
  }),
])
export type HandlerEvent = z.infer<typeof handlerEvent>
export type RunResult = Extract<HandlerEvent, { event: 'end' }>['result']

const FAILS = 0.02
const SLOW = 0.04
const USUAL_MS = 120

/** The fields of a batch that are logged. */
export const batchShape = z.object({
  batchId: z.string(),
  conversationId: z.string(),
  releasedBy: z.string(),
  dueAtMs: z.number(),
  releasedAtMs: z.number(),
  messages: z.array(z.object({ messageId: z.string() })),
})

export interface LoggedContext {
  signal: AbortSignal
  /** With `supersede`: called before the answer is sent. Calls `onAsk` each time before it asks. */
  commit?: (onAsk: () => void) => Promise<{ again: boolean }>
}

/** A commit that asks once, as far as its caller knows. */
export const asking =
  (commit: () => Promise<{ again: boolean }>): LoggedContext['commit'] =>
  onAsk => {
    onAsk()
    return commit()
  }

/**
 * A handler in place of a bot: it works for a while, sometimes long, commits if it can, sends, sometimes fails before
 * or after its commit, and obeys its signal.
 * @param worker its name in the schedule
 */
export function loggingHandler(file: string, worker: string) {
  const fd = openSync(file, 'a')
  const random = randomFrom(process.pid)
  const log = (line: HandlerEvent) => writeSync(fd, `${JSON.stringify(line)}\n`)
  let runs = 0
  return async (batch: z.infer<typeof batchShape>, { signal, commit }: LoggedContext): Promise<void> => {
    const run = `${worker}.${process.pid}.${++runs}`
    const { batchId, conversationId, releasedBy, dueAtMs, releasedAtMs } = batch
    const messageIds = batch.messages.map(({ messageId }) => messageId)
    const about = { worker, batchId, conversationId, releasedBy, dueAtMs, releasedAtMs, messageIds }
    log({ event: 'begin', run, atMs: Date.now(), ...about })
    const workMs = random.chance(SLOW) ? random.between(USUAL_MS, LONGEST_ANSWER_MS) : random.between(0, USUAL_MS)
    try {
      await delay(workMs, undefined, { signal })
      if (random.chance(FAILS)) throw new OnPurpose()
      if (commit) {
        const { again } = await commit(() => log({ event: 'ask', run, atMs: Date.now() }))
        log({ event: 'commit', run, atMs: Date.now(), again })
        await delay(random.between(0, LONGEST_SEND_MS), undefined, { signal })
        if (random.chance(FAILS)) throw new OnPurpose()
      }
      log({ event: 'end', run, atMs: Date.now(), result: 'done' })
    } catch (error) {
      log({ event: 'end', run, atMs: Date.now(), result: resultOf(error, signal) })
      throw error
    }
  }
}

class OnPurpose extends Error {
  override message = 'one of the failures on purpose'
}

function resultOf(error: unknown, { aborted, reason }: AbortSignal): RunResult {
  if ([error, reason].some(each => each instanceof Error && each.name === 'Superseded')) return 'superseded'
  return aborted ? 'cut' : 'failed'
}

/** All lines so far, in the order in which they were written. */
export async function readHandlerLog(file: string): Promise<HandlerEvent[]> {
  const text = await readFile(file, 'utf8')
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => handlerEvent.parse(JSON.parse(line)))
}

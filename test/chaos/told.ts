/**
 * What handlers tell: a line when one begins and a line when it ends, appended to a file. A line that was written before
 * its process was killed stays: it is the kernel's then (only a power cut would need an fsync).
 */
import { openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { randomFrom } from './random.js'
import { LONGEST_ANSWER_MS } from './settings.js'

const told = z.discriminatedUnion('event', [
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
  z.object({ event: z.literal('end'), run: z.string(), atMs: z.number(), result: z.enum(['done', 'failed', 'cut']) }),
])
export type Told = z.infer<typeof told>

const FAILS = 0.02
const SLOW = 0.04
const USUAL_MS = 120

/** Of a batch, what is looked at here. */
export const batchShape = z.object({
  batchId: z.string(),
  conversationId: z.string(),
  releasedBy: z.string(),
  dueAtMs: z.number(),
  releasedAtMs: z.number(),
  messages: z.array(z.object({ messageId: z.string() })),
})

/**
 * What stands for a bot: works for a while, sometimes long, sometimes in vain, and heeds its signal.
 * @param worker as the schedule names it
 */
export function handlerThatTells(file: string, worker: string) {
  const fd = openSync(file, 'a')
  const random = randomFrom(process.pid)
  const tell = (line: Told) => writeSync(fd, `${JSON.stringify(line)}\n`)
  let runs = 0
  return async (batch: z.infer<typeof batchShape>, signal: AbortSignal): Promise<void> => {
    const run = `${worker}.${process.pid}.${++runs}`
    const { batchId, conversationId, releasedBy, dueAtMs, releasedAtMs } = batch
    const messageIds = batch.messages.map(({ messageId }) => messageId)
    const about = { worker, batchId, conversationId, releasedBy, dueAtMs, releasedAtMs, messageIds }
    tell({ event: 'begin', run, atMs: Date.now(), ...about })
    const end = (result: 'done' | 'failed' | 'cut') => tell({ event: 'end', run, atMs: Date.now(), result })
    const workMs = random.chance(SLOW) ? random.between(USUAL_MS, LONGEST_ANSWER_MS) : random.between(0, USUAL_MS)
    try {
      await delay(workMs, undefined, { signal })
    } catch (error) {
      end('cut')
      throw error
    }
    if (random.chance(FAILS)) {
      end('failed')
      throw new Error('failed, as some do')
    }
    end('done')
  }
}

/** All that was told so far, in the order in which it was written. Nothing yet: nothing. */
export async function readTold(file: string): Promise<Told[]> {
  const text = await readFile(file, 'utf8')
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => told.parse(JSON.parse(line)))
}

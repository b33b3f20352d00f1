/**
 * `lull forget`: erases what Lull keeps of a conversation, and its finished jobs in the queue, as far as the history still
 * names their batches: that is where the texts of what was handed over rest. What is under way goes on.
 */
import type { Queue } from 'bullmq'
import type { Config } from '../config.js'
import { counted } from '../doctor/finding.js'
import { openQueue } from '../handover/bullmq-connection.js'
import { processName } from '../process-name.js'
import type { HistoryEntry } from '../store/store.js'
import { nothingFor } from './nothing-done.js'
import { messages } from './show/words.js'
import { withBatcher } from './with-batcher.js'

/** More steps than the history keeps: about 10,000. */
const STEPS_READ = 20_000
/** With so many the history may have been trimmed already; `forget` itself has taken some out. */
const STEPS_OF_A_FULL_ONE = 9000

/**
 * Resolves to what was erased, and what was not.
 * @throws {NothingDone} where nothing is kept
 */
export function forget(config: Config, conversationId: string): Promise<string> {
  return withBatcher(config, 'forget', batcher =>
    withQueue(config, async queue => {
      const whole = await batcher.history({ limit: STEPS_READ })
      const history = whole.filter(entry => entry.conversationId === conversationId)
      const { messages: count, deadBatches, historyEntries, underWay } = await batcher.forget(conversationId)
      const batchIds = [...new Set([...history.map(({ batchId }) => batchId), ...(underWay ? [underWay] : [])])]
      const jobs = await removeJobs(queue, batchIds)
      if (count + deadBatches + historyEntries + jobs.removed === 0 && underWay === undefined)
        throw await nothingFor(batcher, conversationId, 'is kept')
      const erased = [
        messages(count),
        counted(deadBatches, 'dead batch', 'dead batches'),
        `${counted(historyEntries, 'step', 'steps')} of its history`,
        ...(queue ? [counted(jobs.removed, 'job', 'jobs')] : []),
      ]
      const left = [
        ...jobs.underWay.map(batchId => `batch ${batchId}, which is under way (forget again when it has ended)`),
        ...(queue && outlivedByJobs(whole, config.handover.queue?.jobRetentionMs ?? 0)
          ? ['jobs that the history names no more (they go by LULL_JOB_RETENTION_MS)']
          : []),
        ...(queue ? [] : [`what was handed over${underWay === undefined ? '' : ` (batch ${underWay} is under way)`}`]),
      ]
      const notErased = left.length > 0 ? `. Not erased: ${left.join('; ')}` : ''
      return `forgot ${conversationId}: ${erased.join(', ')}${notErased}`
    }),
  )
}

/** Whether finished jobs may be there whose steps have been trimmed. @param history of all, newest first */
function outlivedByJobs(history: HistoryEntry[], jobRetentionMs: number): boolean {
  const [newest] = history
  const oldest = history.at(-1)
  if (!newest || !oldest || history.length < STEPS_OF_A_FULL_ONE) return false
  return newest.atMs - oldest.atMs < jobRetentionMs
}

/** Connects to the queue, if there is one, before anything is erased. */
async function withQueue<T>({ handover, redis }: Config, work: (queue: Queue | undefined) => Promise<T>): Promise<T> {
  if (!handover.queue) return work(undefined)
  // An error of a command reaches its caller.
  const onError = () => {}
  const location = { ...handover.queue, redis: handover.queue.redis ?? redis }
  const { queue, close } = await openQueue(location, { connectionName: processName('forget'), onError })
  try {
    return await work(queue)
  } finally {
    await close()
  }
}

/** The finished ones. */
async function removeJobs(
  queue: Queue | undefined,
  batchIds: string[],
): Promise<{ removed: number; underWay: string[] }> {
  const underWay: string[] = []
  let removed = 0
  for (const batchId of batchIds) {
    if (!queue) break
    const state = await queue.getJobState(batchId)
    if (state === 'completed' || state === 'failed') removed += await queue.remove(batchId)
    else if (state !== 'unknown') underWay.push(batchId)
  }
  return { removed, underWay }
}

/**
 * `lull forget`: erases everything that Lull keeps about a conversation and the person's other ids, and the finished
 * jobs in the queue, which hold the texts of the batches that were handed over, with their events. Jobs are found by
 * the batches that the history names. A batch that is being answered goes on.
 */
import type { Config } from '../config.js'
import { counted } from '../doctor/finding.js'
import { type OpenQueues, openQueues } from '../handover/queue-shards.js'
import { processName } from '../process-name.js'
import type { HistoryEntry } from '../store/store.js'
import { forgetEvents } from './forget-events.js'
import { nothingFor } from './nothing-done.js'
import { possibleQueue } from './roles/without-queue.js'
import { inert } from './show/escape.js'
import { messages } from './show/words.js'
import { withBatcher } from './with-batcher.js'

/** More steps than the history keeps: about 10,000. */
const STEPS_READ = 20_000
/** A history of so many steps may have been trimmed: earlier `forget`s have removed steps too. */
const STEPS_OF_A_FULL_ONE = 9000

/**
 * Resolves to one line: what was erased, and what was not.
 * @throws {NothingDone} if nothing is kept about the conversation
 */
export function forget(config: Config, conversationId: string): Promise<string> {
  return withBatcher(config, 'forget', batcher =>
    withQueue(config, async queues => {
      const whole = await batcher.history({ limit: STEPS_READ })
      const ids = await batcher.store.samePerson(conversationId)
      const history = whole.filter(entry => ids.includes(entry.conversationId))
      const { messages: count, deadBatches, historyEntries, underWay } = await batcher.forget(conversationId)
      const named = history.map(({ batchId }) => batchId).filter(batchId => batchId !== '')
      const batchIds = [...new Set([...named, ...(underWay ? [underWay] : [])])]
      const jobs = await removeJobs(queues, batchIds)
      const ended = new Set(batchIds.filter(batchId => !jobs.underWay.includes(batchId)))
      for (const { client, queue } of queues?.all ?? []) await forgetEvents(client, queue, ended)
      if (count + deadBatches + historyEntries + jobs.removed === 0 && underWay === undefined && ids.length === 1)
        throw await nothingFor(batcher, conversationId, 'is kept')
      const erased = [
        messages(count),
        counted(deadBatches, 'dead batch', 'dead batches'),
        `${counted(historyEntries, 'step', 'steps')} of its history`,
        ...(queues ? [counted(jobs.removed, 'job', 'jobs')] : []),
      ]
      const left = [
        ...jobs.underWay.map(batchId => `batch ${batchId}, which is under way (forget again when it has ended)`),
        ...(queues && outlivedByJobs(whole, config.handover.queue?.jobRetentionMs ?? 0)
          ? ['jobs that the history no longer names (they expire by LULL_JOB_RETENTION_MS)']
          : []),
        ...(queues ? [] : [`what was handed over${underWay === undefined ? '' : ` (batch ${underWay} is under way)`}`]),
      ]
      const notErased = left.length > 0 ? `. Not erased: ${left.join('; ')}` : ''
      const others = ids.filter(id => id !== conversationId)
      const also = others.length > 0 ? ` (and ${others.join(', ')}, the same person)` : ''
      return inert(`forgot ${conversationId}${also}: ${erased.join(', ')}${notErased}`)
    }),
  )
}

/** Whether there may be finished jobs whose steps were trimmed. @param history of all conversations, newest first */
function outlivedByJobs(history: HistoryEntry[], jobRetentionMs: number): boolean {
  const [newest] = history
  const oldest = history.at(-1)
  if (!newest || !oldest || history.length < STEPS_OF_A_FULL_ONE) return false
  return newest.atMs - oldest.atMs < jobRetentionMs
}

/** Connects to the queue, if there is one, before anything is erased. */
async function withQueue<T>(config: Config, work: (queues: OpenQueues | undefined) => Promise<T>): Promise<T> {
  const possible = await possibleQueue(config)
  if (!possible) return work(undefined)
  // An error of a command reaches its caller.
  const onError = () => {}
  const queue = { ...possible, redis: possible.redis ?? config.redis }
  const queues = await openQueues(queue, { connectionName: processName('forget'), onError })
  try {
    return await work(queues)
  } finally {
    await queues.close()
  }
}

/** Removes the finished jobs; lists those that are still under way. */
async function removeJobs(
  queues: OpenQueues | undefined,
  batchIds: string[],
): Promise<{ removed: number; underWay: string[] }> {
  const underWay: string[] = []
  let removed = 0
  for (const batchId of batchIds) {
    if (!queues) break
    const { queue } = queues.of(batchId)
    const state = await queue.getJobState(batchId)
    if (state === 'completed' || state === 'failed') removed += await queue.remove(batchId)
    else if (state !== 'unknown') underWay.push(batchId)
  }
  return { removed, underWay }
}

/** The handover to BullMQ as the settings name it, `LULL_HANDOVER=bullmq`. */
import { z } from 'zod'
import { addressBy, oneOf, setting, textOr, whole } from '../config/setting.js'
import { redisAddress } from '../store/redis/address.js'
import { handoverKind } from './kind.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MOST_SHARDS = 1024

export const bullmqKind = handoverKind({
  name: 'bullmq',
  whatHappens: 'becomes a job of the queue LULL_QUEUE',
  remedy:
    'the worker’s log says why, and so does the queue’s board (/queues, failed). With LULL_ANSWERING=queue a job can be tried again there; with supersede its conversation has gone on without it',
  settings: z.object({
    // A colon separates the parts of BullMQ's keys.
    queue: setting(
      'LULL_QUEUE',
      'The name of the BullMQ queue.',
      textOr('messages', /^[^\s:]+$/, 'must be a queue name without colons and spaces'),
    ),
    prefix: setting(
      'LULL_QUEUE_PREFIX',
      'BullMQ’s prefix of the queue’s keys. On a Cluster it needs braces, which keep the queue on one node: `bull` becomes `{bull}` there by itself.',
      textOr('bull', /^\S+$/, 'must be a name without spaces'),
    ),
    redis: setting(
      'LULL_QUEUE_REDIS_URL',
      'The Redis of the queue, if it is another one than `REDIS_URL`’s. With `LULL_ANSWERING=supersede` workers connect to both: commits are granted by the Redis of `REDIS_URL`.',
      addressBy(redisAddress),
    ),
    shards: setting(
      'LULL_QUEUE_SHARDS',
      'How many queues of this name the batches are spread over, on a Cluster: each lies on one of its primaries, so as many as there are primaries are enough. With more than 1, partition p is handed over to the queue under the prefix `{bull/<p mod LULL_QUEUE_SHARDS>}`, and a worker takes batches from all of them. All processes need the same; change it while the queue is empty.',
      whole(1, MOST_SHARDS, 1),
    ),
    answerAttempts: setting(
      'LULL_ANSWER_ATTEMPTS',
      'How often BullMQ tries a job, with exponential backoff.',
      whole(1, 1000, 3),
    ),
    jobRetentionMs: setting(
      'LULL_JOB_RETENTION_MS',
      'How long finished jobs are kept, by age only. Their ids are what makes a repeated handover harmless.',
      whole(HOUR_MS, 365 * DAY_MS, DAY_MS),
    ),
    jobTexts: setting(
      'LULL_JOB_TEXTS',
      'What becomes of what people wrote in a completed job: `erase` leaves the number of messages, `keep` all of it. A failed job keeps it, so that it can be tried again.',
      oneOf(['erase', 'keep'], 'erase'),
    ),
  }),
  shared: ['queue', 'prefix', 'shards', 'answerAttempts', 'jobTexts'],
  queue: ({ queue: name, prefix, shards, redis, jobRetentionMs }) => ({ name, prefix, shards, redis, jobRetentionMs }),
  async make(options, redis) {
    const { bullmq } = await import('./bullmq.js')
    return bullmq({ ...options, redis: options.redis ?? redis })
  },
})

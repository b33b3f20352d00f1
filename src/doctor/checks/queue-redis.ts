import { shownAddress } from '../../store/redis/address.js'
import { addressOf } from '../../store/redis/connection.js'
import type { Check } from '../check.js'
import { wrong } from '../finding.js'
import { policyFinding } from './eviction.js'

/** The Redis of the queue, if it is another one or another database. */
export const queueRedis: Check = {
  name: 'queue-redis',
  look: ({ config, queueServer }) => {
    const { redis, name } = config.handover.queue ?? {}
    if (!redis) return []
    const where = queueServer ? addressOf(queueServer.client) : shownAddress(redis)
    if (queueServer)
      return policyFinding(
        'queue-redis',
        `the queue’s Redis at ${where}: eviction`,
        queueServer.facts.get('maxmemory_policy'),
      )
    return wrong(
      'queue-redis',
      `the Redis of queue ${name} at ${where} cannot be reached: batches wait`,
      'start it there, or correct LULL_QUEUE_REDIS_URL',
    )
  },
}

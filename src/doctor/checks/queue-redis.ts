import { queueShards } from '../../handover/queue-shards.js'
import { processName } from '../../process-name.js'
import { shownAddress } from '../../store/redis/address.js'
import type { Check } from '../check.js'
import { wrong } from '../finding.js'
import { policiesOf } from '../queue-look.js'
import { policyFinding } from './eviction.js'

/** Whether a Cluster can keep the queue; and the queue's Redis, if it is another one or another database. */
export const queueRedis: Check = {
  name: 'queue-redis',
  async look({ config }) {
    const { queue } = config.handover
    if (!queue) return []
    const redis = queue.redis ?? config.redis
    const name = processName('doctor')
    try {
      const shards = await queueShards({ ...queue, redis }, name)
      // The check `eviction` looks at Lull's own Redis.
      if (!queue.redis) return []
      return [...(await policiesOf(shards, name))].map(([where, policy]) =>
        policyFinding('queue-redis', `the queue’s Redis at ${where}: eviction`, policy),
      )
    } catch (error) {
      if (error instanceof RangeError)
        return wrong('queue-redis', error.message, 'set LULL_QUEUE_PREFIX to a name with braces')
      return wrong(
        'queue-redis',
        `the Redis of queue ${queue.name} at ${shownAddress(redis)} cannot be reached: batches wait`,
        queue.redis
          ? 'start it there, or correct LULL_QUEUE_REDIS_URL'
          : 'redis-cli --cluster check names what is missing',
      )
    }
  },
}

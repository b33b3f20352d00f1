/** The handover that the settings name. */
import type { Config } from '../../config.js'
import { bullmq } from '../../handover/bullmq.js'
import type { Handover } from '../../handover/handover.js'
import { http } from '../../handover/http.js'

export function handoverFrom({ handover, queue, redis }: Config): Handover {
  if (handover.kind === 'bullmq') {
    const { name, prefix, answerAttempts, jobRetentionMs } = queue
    return bullmq({ queue: name, prefix, redis: queue.redis ?? redis, answerAttempts, jobRetentionMs })
  }
  const { url, secret, timeoutMs } = handover
  return http({ url, timeoutMs, ...(secret === undefined ? {} : { secret }) })
}

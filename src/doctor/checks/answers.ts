import type { Check } from '../check.js'
import { ago, counted, degraded, named, ok } from '../finding.js'
import { lastDay } from '../last-day.js'

/** Outcomes that mean that the person got no answer. */
const FAILED: ReadonlySet<string> = new Set(['failed', 'timeout'])

/** Batches that were handed over and whose answer failed. They are not dead batches, so no other check shows them. */
export const answers: Check = {
  name: 'answers',
  look: async surroundings => {
    const { steps, within, nowMs } = await lastDay(surroundings)
    const ended = steps.filter(({ step }) => step === 'answered')
    const failed = ended.filter(({ detail }) => FAILED.has(detail['outcome'] ?? ''))
    const [last] = failed
    if (!last) return ok('answers', `no answer failed ${within}`)
    const timedOut = failed.filter(({ detail }) => detail['outcome'] === 'timeout').length
    const parts = [
      ...(failed.length > timedOut ? [`${counted(failed.length - timedOut, 'answer')} failed for good`] : []),
      ...(timedOut > 0 ? [`${counted(timedOut, 'answer')} took longer than LULL_ANSWER_TIMEOUT_MS`] : []),
    ]
    return degraded(
      'answers',
      `${parts.join(' and ')} ${within}, of ${ended.length} (${named(failed)}), the last one ${ago(nowMs - last.atMs)}`,
      `these are not dead batches, so they are not handed over again: ${surroundings.config.handover.remedy}`,
    )
  },
}

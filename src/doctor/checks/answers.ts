import type { Check } from '../check.js'
import { ago, counted, DAY_MS, degraded, named, ok, span } from '../finding.js'
import { HISTORY_READ } from '../surroundings.js'

/** Outcomes that mean that the person got no answer. */
const FAILED: ReadonlySet<string> = new Set(['failed', 'timeout'])

/** Batches that were handed over and whose answer failed. They are not dead batches, so no other check shows them. */
export const answers: Check = {
  name: 'answers',
  look: async surroundings => {
    const history = await surroundings.history()
    const now = await surroundings.nowMs()
    const oldest = history.at(-1)
    const isWhole = history.length < HISTORY_READ || !oldest || now - oldest.atMs >= DAY_MS
    const within = isWhole ? 'in the last day' : `in the last ${span(now - oldest.atMs)} (the history holds no more)`
    const ended = history.filter(({ step, atMs }) => step === 'answered' && now - atMs < DAY_MS)
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
      `${parts.join(' and ')} ${within}, of ${ended.length} (${named(failed)}), the last one ${ago(now - last.atMs)}`,
      `these are not dead batches, so they are not handed over again: ${surroundings.config.handover.remedy}`,
    )
  },
}

import { OVERDUE_MS } from '../../history/release.js'
import type { Check } from '../check.js'
import { counted, degraded, ok, wrong } from '../finding.js'

const VERY_LATE_MS = 30_000
const REMEDY =
  'make sure that a processor runs, and read its log: if it cannot hand over (queue away, receiver refuses), it claims nothing more'

/** Batches that are due and that no processor claims. */
export const overdue: Check = {
  name: 'overdue',
  look: async ({ store }) => {
    const { open, held, oldestDueAgeMs } = await store.totals()
    const says = `${counted(open, 'conversation collects', 'conversations collect')}, ${counted(held, 'has', 'have')} a batch under way`
    if (oldestDueAgeMs < OVERDUE_MS) return ok('overdue', `${says}; none is overdue`)
    const late = `${says}; the oldest batch has been due for ${(oldestDueAgeMs / 1000).toFixed(1)} s`
    return (oldestDueAgeMs < VERY_LATE_MS ? degraded : wrong)('overdue', late, REMEDY)
  },
}

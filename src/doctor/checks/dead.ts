import type { Check } from '../check.js'
import { counted, ok, wrong } from '../finding.js'

/** Batches whose handover failed for good. */
export const dead: Check = {
  name: 'dead',
  look: async ({ store }) => {
    const { dead: count } = await store.totals()
    if (count === 0) return ok('dead', 'no dead batches')
    const [last] = await store.dead(1)
    const error = last ? `, one for: ${last.error}` : ''
    return wrong(
      'dead',
      `${counted(count, 'dead batch', 'dead batches')}${error}`,
      'lull dead lists them; lull dead redrive --all hands them over again',
    )
  },
}

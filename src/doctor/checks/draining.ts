import { isDraining } from '../../store/partitioned/drain.js'
import type { Check } from '../check.js'
import { degraded } from '../finding.js'

/** Whether messages are refused because of `lull drain`. No line if they are not. */
export const draining: Check = {
  name: 'draining',
  look: async ({ store }) =>
    (await isDraining(store))
      ? degraded(
          'draining',
          'no messages are accepted (503)',
          'lull drain shows what is left; lull drain --end accepts them again',
        )
      : [],
}

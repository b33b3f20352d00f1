import type { Check } from '../check.js'
import { counted, DAY_MS, degraded, ok, span } from '../finding.js'

const MOST_READ = 10_000
const VERY_LONG_MS = 7 * DAY_MS
const REMEDY = 'lull pause lists them; lull resume <conversation> brings the bot back where nobody answers any more'

/** Conversations in which a person answers. No line if there are none. */
export const paused: Check = {
  name: 'paused',
  look: async ({ store }) => {
    const all = await store.paused(MOST_READ)
    // The last to go on comes last.
    const last = all.at(-1)
    if (!last) return []
    const more = all.length === MOST_READ ? ' or more' : ''
    const says = `${all.length}${more} ${all.length === 1 ? 'conversation is' : 'conversations are'} paused`
    const long = all.filter(({ inMs }) => inMs > VERY_LONG_MS).length
    if (long === 0) return ok('paused', says)
    const lasting = `${counted(long, 'pause lasts', 'pauses last')} for more than a week, the longest for ${span(last.inMs)}`
    return degraded('paused', `${says}; ${lasting} (${last.conversationId})`, REMEDY)
  },
}

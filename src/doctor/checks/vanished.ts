import { lostBatches } from '../../history/reading.js'
import type { HistoryEntry } from '../../history/steps.js'
import type { Check } from '../check.js'
import { ago, counted, DAY_MS, degraded, named, ok, wrong } from '../finding.js'
import type { Surroundings } from '../surroundings.js'

/** A loss older than this is known, or never will be; a cause that is still at work makes new ones. */
const GONE_RECENTLY_MS = DAY_MS
/** Headers that vanished cost no messages. */
const VANISHED_RECENTLY_MS = 3_600_000
const CLIENTS_NAMED = 5

const REMEDY =
  'stop what deletes or scans Lull’s keys (an older processor, FLUSHDB, a cleaning job): redis-cli monitor shows it; give Lull a database, or an ACL user, of its own'
const UNTIL =
  '. Lost batches stay here until the history ends, or until lull forget <conversation> erases the conversation'

/** Batches, or their headers, that something other than Lull deleted, and the clients that may have done it. */
export const vanished: Check = {
  name: 'vanished',
  look: async surroundings => {
    const history = await surroundings.history()
    const headers = history.filter(({ step }) => step === 'vanished')
    const lost = await lostBatches(surroundings.store, history)
    if (headers.length === 0 && lost.length === 0) return ok('vanished', 'no batch vanished before its time')
    const now = await surroundings.nowMs()
    const age = (entries: HistoryEntry[]) => now - Math.max(...entries.map(({ atMs }) => atMs))
    const says = [
      ...(lost.length > 0
        ? [
            `the messages of ${counted(lost.length, 'waiting batch', 'waiting batches')} are gone (${named(lost)}): lost, the last one came ${ago(age(lost))}`,
          ]
        : []),
      ...(headers.length > 0
        ? [
            `${counted(headers.length, 'header was', 'headers were')} deleted before time (${named(headers)}), the last one ${ago(age(headers))}: the messages were released all the same`,
          ]
        : []),
    ].join('; ')
    const isRecent = age(lost) < GONE_RECENTLY_MS || age(headers) < VANISHED_RECENTLY_MS
    const remedy = lost.length > 0 ? REMEDY + UNTIL : REMEDY
    return (isRecent ? wrong : degraded)('vanished', says + suspects(surroundings), remedy)
  },
}

const LULLS = /^lull\./
const BULLMQS = /^[^:]+:[A-Za-z0-9+/=]+(:|$)/

function suspects({ server: { clients } }: Surroundings): string {
  if (!clients) return ''
  const strangers = clients.filter(({ name }) => !LULLS.test(name) && !BULLMQS.test(name))
  if (strangers.length === 0) return '. No client but Lull’s is connected now'
  const shown = strangers
    .slice(0, CLIENTS_NAMED)
    .map(
      ({ addr, name, command, user, db }) =>
        `${addr} ${name || 'without a name'} (database ${db}, user ${user}, last ${command})`,
    )
  return `. Clients that could be it: ${shown.join(', ')}${strangers.length > CLIENTS_NAMED ? ', …' : ''}`
}

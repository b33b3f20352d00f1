/** Checks of the batches: lost by a foreign hand, overdue, dead; and of webhooks that were refused. */

import { isGone, shouldWait } from '../history/gone.js'
import type { HistoryEntry } from '../store/store.js'
import { ago, counted, DAY_MS, degraded, type Finding, ok, span, wrong } from './finding.js'
import { livePresences, type Surroundings } from './surroundings.js'

/** A loss older than this has been seen, or will be: what is still going on makes new ones. */
const GONE_RECENTLY_MS = DAY_MS
/** Nothing was lost by these. */
const VANISHED_RECENTLY_MS = 3_600_000
const HISTORY_READ = 10_000
/** Batches that should wait, looked for in their conversations. */
const LOOKED_FOR = 200
const NAMED = 5

/** Batches, or their headers, that a hand that is not Lull's has taken, and whose hand that could be. */
export async function vanished(surroundings: Surroundings): Promise<Finding> {
  const check = 'vanished'
  const history = await surroundings.store.history({ limit: HISTORY_READ })
  const headers = history.filter(({ step }) => step === 'vanished')
  const gone = await goneOf(surroundings, history)
  if (headers.length === 0 && gone.length === 0) return ok(check, 'no batch vanished before its time')
  const now = await serverNow(surroundings)
  const last = (entries: HistoryEntry[]) => now - Math.max(...entries.map(({ atMs }) => atMs))
  const parts = [
    ...(gone.length > 0
      ? [
          `the messages of ${counted(gone.length, 'waiting batch', 'waiting batches')} are gone (${named(gone)}): lost, the last one came ${ago(last(gone))}`,
        ]
      : []),
    ...(headers.length > 0
      ? [
          `${counted(headers.length, 'header was', 'headers were')} deleted before time (${named(headers)}), the last one ${ago(last(headers))}: the messages were released all the same`,
        ]
      : []),
  ]
  const says = `${parts.join('; ')}${suspects(surroundings)}`
  const acknowledge =
    gone.length > 0
      ? '. What is lost stays here until the history ends, or until lull forget <conversation> erases all that is kept of it'
      : ''
  const isRecent = last(gone) < GONE_RECENTLY_MS || last(headers) < VANISHED_RECENTLY_MS
  return (isRecent ? wrong : degraded)(check, says, STOP_IT + acknowledge)
}

const STOP_IT =
  'stop what deletes or scans Lull’s keys (an older processor, FLUSHDB, a cleaning job): redis-cli monitor shows it; give Lull a database, or an ACL user, of its own'

const named = (entries: HistoryEntry[]) =>
  entries
    .slice(0, NAMED)
    .map(({ conversationId, batchId }) => `${batchId} of ${conversationId}`)
    .join(', ') + (entries.length > NAMED ? ', …' : '')

/** Batches whose last step says that they wait, and that do not. */
async function goneOf({ store }: Surroundings, history: HistoryEntry[]): Promise<HistoryEntry[]> {
  const last = new Map<string, HistoryEntry>()
  for (const entry of history) if (!last.has(entry.batchId)) last.set(entry.batchId, entry)
  const should = [...last.values()].filter(shouldWait).slice(0, LOOKED_FOR)
  const gone: HistoryEntry[] = []
  for (const entry of should) {
    const { conversationId } = entry
    if (!isGone(entry, history, await store.conversation(conversationId))) continue
    // It may have gone between the two looks.
    const [newest] = await store.history({ conversationId, limit: 1 })
    if (newest?.id === newestOf(history, conversationId)) gone.push(entry)
  }
  return gone
}

const newestOf = (history: HistoryEntry[], conversationId: string) =>
  history.find(entry => entry.conversationId === conversationId)?.id

const OURS = /^lull\./
const BULLMQS = /^[^:]+:[A-Za-z0-9+/=]+(:|$)/

function suspects({ server: { clients } }: Surroundings): string {
  if (!clients) return ''
  const strangers = clients.filter(({ name }) => !OURS.test(name) && !BULLMQS.test(name))
  if (strangers.length === 0) return '. No client but Lull’s is connected now'
  const shown = strangers
    .slice(0, NAMED)
    .map(
      ({ addr, name, command, user, db }) =>
        `${addr} ${name || 'without a name'} (database ${db}, user ${user}, last ${command})`,
    )
  return `. Clients that could be it: ${shown.join(', ')}${strangers.length > NAMED ? ', …' : ''}`
}

async function serverNow({ server }: Surroundings): Promise<number> {
  const [seconds] = await server.client.time()
  return Number(seconds) * 1000
}

/** A claim that is so late has been put off by something. */
const LATE_MS = 2000
const VERY_LATE_MS = 30_000

export async function overdue({ store }: Surroundings): Promise<Finding> {
  const check = 'overdue'
  const { open, held, oldestDueAgeMs } = await store.totals()
  const says = `${counted(open, 'conversation collects', 'conversations collect')}, ${counted(held, 'has', 'have')} a batch under way`
  if (oldestDueAgeMs < LATE_MS) return ok(check, `${says}; none is overdue`)
  const late = `${says}; the oldest batch has been due for ${(oldestDueAgeMs / 1000).toFixed(1)} s`
  const remedy =
    'see that a processor runs and its log: one that can not hand over (queue away, receiver refusing) claims no more'
  return oldestDueAgeMs < VERY_LATE_MS ? degraded(check, late, remedy) : wrong(check, late, remedy)
}

/** How answers end that nobody got. */
const FAILED: ReadonlySet<string> = new Set(['failed', 'timeout'])

/** Batches that were handed over, and whose people got no answer all the same: no dead batch tells of them. */
export async function answers(surroundings: Surroundings): Promise<Finding> {
  const check = 'answers'
  const { store, config } = surroundings
  const history = await store.history({ limit: HISTORY_READ })
  const now = await serverNow(surroundings)
  const oldest = history.at(-1)
  const isWhole = history.length < HISTORY_READ || !oldest || now - oldest.atMs >= DAY_MS
  const within = isWhole ? 'in the last day' : `in the last ${span(now - oldest.atMs)} (the history holds no more)`
  const ended = history.filter(({ step, atMs }) => step === 'answered' && now - atMs < DAY_MS)
  const failed = ended.filter(({ detail }) => FAILED.has(detail['outcome'] ?? ''))
  const [last] = failed
  if (!last) return ok(check, `no answer failed ${within}`)
  const timedOut = failed.filter(({ detail }) => detail['outcome'] === 'timeout').length
  const parts = [
    ...(failed.length > timedOut ? [`${counted(failed.length - timedOut, 'answer')} failed for good`] : []),
    ...(timedOut > 0 ? [`${counted(timedOut, 'answer')} took longer than LULL_ANSWER_TIMEOUT_MS`] : []),
  ]
  return degraded(
    check,
    `${parts.join(' and ')} ${within}, of ${ended.length} (${named(failed)}), the last one ${ago(now - last.atMs)}`,
    `these are no dead batches, and nobody hands them over again: ${config.handover.remedy}`,
  )
}

export async function dead({ store }: Surroundings): Promise<Finding> {
  const { dead: count } = await store.totals()
  if (count === 0) return ok('dead', 'no dead batches')
  const [last] = await store.dead(1)
  const error = last ? `, one for: ${last.error}` : ''
  return wrong(
    'dead',
    `${counted(count, 'dead batch', 'dead batches')}${error}`,
    'lull dead lists them; lull dead redrive --all hands them over again',
  )
}

export function refusedWebhooks(surroundings: Surroundings): Finding {
  const check = 'webhooks'
  const counts = new Map<string, number>()
  for (const { refused } of livePresences(surroundings).values())
    for (const { provider, reason, count } of refused) {
      const key = `${provider} ${reason}`
      counts.set(key, (counts.get(key) ?? 0) + count)
    }
  if (counts.size === 0) return ok(check, 'no webhook was refused')
  const all = [...counts].map(([key, count]) => `${key} ${count}`).join(', ')
  return degraded(
    check,
    `webhooks refused since the API’s start: ${all}`,
    'missing or mismatch: compare the provider’s secret with the setting (the log names it), and see that no proxy changes the body; unsigned: LULL_ALLOW_UNSIGNED; verify_token: WHATSAPP_VERIFY_TOKEN',
  )
}

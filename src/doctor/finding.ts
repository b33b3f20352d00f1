/** What a check of `lull doctor` found: one line, and the remedy if something is wrong. */
import type { HistoryEntry } from '../history/steps.js'

/** `degraded`: it works, but less well or with less to see. */
export type Verdict = 'ok' | 'degraded' | 'wrong'

export interface Finding {
  /** The check's name, for machines. It never changes. */
  check: string
  verdict: Verdict
  says: string
  /** More lines, for what does not fit into one. */
  details?: string[]
  remedy?: string
}

export const ok = (check: string, says: string): Finding => ({ check, verdict: 'ok', says })

export const degraded = (check: string, says: string, remedy: string): Finding => ({
  check,
  verdict: 'degraded',
  says,
  remedy,
})

export const wrong = (check: string, says: string, remedy: string): Finding => ({
  check,
  verdict: 'wrong',
  says,
  remedy,
})

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

/** `less than a minute ago`, `5 min ago`, `3 h ago`, `2 days ago` */
export function ago(ms: number): string {
  if (ms < MINUTE_MS) return 'less than a minute ago'
  return `${span(ms)} ago`
}

/** `5 min`, `3 h`, `2 days` */
export function span(ms: number): string {
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`
  return ms < 2 * DAY_MS ? `${Math.floor(ms / HOUR_MS)} h` : `${Math.floor(ms / DAY_MS)} days`
}

/** `1 batch`, `2 batches` */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`

/** Names of processes, sorted and without the `lull.` that all of them share. */
export const listed = (names: string[]): string =>
  names
    .map(name => name.replace(/^lull\./, ''))
    .sort()
    .join(', ')

const BATCHES_NAMED = 5

/** `b1 of a@c.us, b2 of c@c.us, …` */
export const named = (entries: HistoryEntry[]): string =>
  entries
    .slice(0, BATCHES_NAMED)
    .map(({ conversationId, batchId }) => `${batchId} of ${conversationId}`)
    .join(', ') + (entries.length > BATCHES_NAMED ? ', …' : '')

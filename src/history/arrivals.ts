/**
 * When each message of a batch came. An append to an open batch records no step, so that it costs little; instead the
 * step `claimed` names the batch's messages, each with its time. This file turns them into steps: `opened` names all
 * messages that came with it and were not revoked, and an `appended` is added wherever more came.
 */
import type { ConversationState } from '../store/store.js'
import { SAME_MOMENT_MS } from './release.js'
import { arrivalsIn, type HistoryEntry, idsIn, numberIn } from './steps.js'

/** The messages of one batch, in the order of arrival. */
interface Arrivals {
  ids: string[]
  atMs: number[]
}

/**
 * @param history of one conversation, newest first
 * @param waiting messages that no processor has claimed yet, if they are known
 */
export function withArrivals(history: HistoryEntry[], waiting: ConversationState['messages'] = []): HistoryEntry[] {
  const oldestFirst = history.toReversed()
  const arrivals = arrivalsOf(waiting)
  const returned = returnedTo(oldestFirst)
  const claimed = new Set<string>()
  for (const { step, batchId, detail } of oldestFirst) {
    if (step !== 'claimed' || claimed.has(batchId)) continue
    claimed.add(batchId)
    // Without ids the steps are complete already.
    const named = arrivalsIn(detail)
    if (named) arrivals.set(batchId, named)
    else arrivals.delete(batchId)
  }
  const steps: HistoryEntry[] = []
  /** Derived steps that are later than the entries read so far. */
  const coming: HistoryEntry[] = []
  for (const entry of oldestFirst) {
    const { step, batchId, detail, atMs } = entry
    while (coming[0] && coming[0].atMs <= atMs) steps.push(...coming.splice(0, 1))
    const known = arrivals.get(batchId)
    if (step === 'opened' && known) {
      const all = inOrder(known, detail)
      arrivals.delete(batchId)
      const isReplacement = detail['supersedes'] !== undefined
      const opened = isReplacement ? openedAgain(entry, all, returned.get(batchId)) : openedFirst(entry, all)
      steps.push(opened.entry)
      coming.push(...appended(entry, all, opened.count))
    } else if (step === 'claimed') {
      // The batch's first steps may have been trimmed.
      if (known) coming.unshift(...appended(entry, known, 0))
      arrivals.delete(batchId)
      steps.push(...coming.splice(0, coming.findLastIndex(one => one.batchId === batchId) + 1), bare(entry))
    } else steps.push(entry)
  }
  return [...steps, ...coming].reverse()
}

function arrivalsOf(waiting: ConversationState['messages']): Map<string, Arrivals> {
  const arrivals = new Map<string, Arrivals>()
  for (const { batchId, receivedAtMs, message } of waiting) {
    const known = arrivals.get(batchId) ?? { ids: [], atMs: [] }
    arrivals.set(batchId, known)
    known.ids.push(message.messageId)
    known.atMs.push(receivedAtMs)
  }
  return arrivals
}

/** How many messages each batch got from batches that it replaced. */
function returnedTo(history: HistoryEntry[]): Map<string, number> {
  const returned = new Map<string, number>()
  for (const { step, detail } of history) {
    const { by } = detail
    if (step === 'superseded' && by !== undefined) returned.set(by, (returned.get(by) ?? 0) + numberIn(detail, 'count'))
  }
  return returned
}

/** The step that opened a batch, with the messages that came with it; and how many those are. */
interface Opened {
  entry: HistoryEntry
  count: number
}

/**
 * The messages in the order in which the batch got them. A pause that collects puts what waited before it in front; the
 * step `opened` names the one that came first.
 */
function inOrder(all: Arrivals, { supersedes, ...detail }: HistoryEntry['detail']): Arrivals {
  const [firstId] = idsIn(detail)
  const first = firstId === undefined || supersedes !== undefined ? 0 : all.ids.indexOf(firstId)
  if (first <= 0) return all
  const next = all.atMs.findIndex((at, i) => i > first && at !== all.atMs[first])
  const end = next < 0 ? all.ids.length : next
  const move = <Value>(values: Value[]) => [
    ...values.slice(first, end),
    ...values.slice(0, first),
    ...values.slice(end),
  ]
  return { ids: move(all.ids), atMs: move(all.atMs) }
}

function openedFirst(entry: HistoryEntry, all: Arrivals): Opened {
  const { atMs, detail } = entry
  const count = openedWith(detail, all)
  if (count === 0) return { entry, count }
  const ids = JSON.stringify(all.ids.slice(0, count))
  // Redis stamps an entry a moment after the script has read the clock: the message's own time is exact.
  return { entry: { ...entry, atMs: all.atMs[0] ?? atMs, detail: { ...detail, ids } }, count }
}

/**
 * A batch that replaced others begins with their messages, which came before it opened: the step says when each came,
 * as `claimed` does, and how many came `back`.
 */
function openedAgain(entry: HistoryEntry, { ids, atMs }: Arrivals, back: number | undefined): Opened {
  const came = atMs.filter(at => at <= entry.atMs)
  const count = Math.min(numberIn(entry.detail, 'count', 1), came.length)
  const [firstAtMs = entry.atMs] = atMs
  const lastAtMs = came[count - 1] ?? entry.atMs
  // After an edit no new message came with it.
  const openedAtMs = entry.atMs - lastAtMs <= SAME_MOMENT_MS ? lastAtMs : entry.atMs
  const detail = {
    ...entry.detail,
    ...(back === undefined ? {} : { back: String(Math.min(back, count)) }),
    ids: JSON.stringify(ids.slice(0, count)),
    at: JSON.stringify(atMs.slice(0, count).map(at => at - firstAtMs)),
    firstAtMs: String(firstAtMs),
  }
  return { entry: { ...entry, atMs: openedAtMs, detail }, count }
}

/**
 * How many of the messages came with the step that opened the batch: those of the first moment, at most as many as the
 * step says. Unknown, and so 0, if the very first message was revoked.
 */
function openedWith(detail: HistoryEntry['detail'], all: Arrivals): number {
  const [firstId] = idsIn(detail)
  if (firstId !== undefined && firstId !== all.ids[0]) return 0
  const together = all.atMs.findIndex(at => at !== all.atMs[0])
  return Math.min(numberIn(detail, 'count', 1), together < 0 ? all.ids.length : together)
}

/** A step for each moment at which messages came, from the message of this index on. */
function appended({ conversationId, batchId }: HistoryEntry, { ids, atMs }: Arrivals, from: number): HistoryEntry[] {
  const steps: HistoryEntry[] = []
  for (let i = from; i < ids.length; ) {
    const at = atMs[i] ?? 0
    let next = i + 1
    while (next < ids.length && atMs[next] === at) next += 1
    const detail = { count: String(next), ids: JSON.stringify(ids.slice(i, next)) }
    steps.push({ id: `${at}-0-${batchId}-${next}`, atMs: at, step: 'appended', conversationId, batchId, detail })
    i = next
  }
  return steps
}

/** The step without the messages, which the other steps name now. */
function bare(entry: HistoryEntry): HistoryEntry {
  if (entry.step !== 'claimed') return entry
  const { ids: _, at: __, firstAtMs: ___, ...detail } = entry.detail
  return { ...entry, detail }
}

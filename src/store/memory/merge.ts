/** Two conversations of one person become one: `lua/merge.lua`. */
import type { ReleaseReason } from '../../batch.js'
import { messageFrom } from '../redis/entries.js'
import type { MergeResult } from '../store.js'
import { dueOf, knownOf, setDue, waitingSince } from './due.js'
import type { Known } from './known.js'
import { type Conversation, type Header, type State, type WaitingRun, waiting } from './state.js'
import type { Entry } from './structures.js'
import { joinSuperseded } from './superseding.js'

/** What of a conversation is merged: its runs without the open one, and the open batch. */
interface Parts {
  runs: WaitingRun[]
  open: Open | undefined
}

interface Open {
  run: WaitingRun
  header: Header
}

interface Merging {
  from: Parts
  into: Parts
}

interface Joined {
  sealed: WaitingRun[]
  open: Open | undefined
}

export function merge(state: State, fromId: string, intoId: string): MergeResult {
  const now = state.now()
  const from = state.conversation(fromId)
  const into = state.conversation(intoId)
  try {
    return mergeInto(state, from, into, now)
  } finally {
    state.tidy(from)
    state.tidy(into)
  }
}

const MOST_MESSAGES = 5000

function mergeInto(state: State, from: Conversation, into: Conversation, now: number): MergeResult {
  const moved = waiting(from)
  if (moved + waiting(into) > MOST_MESSAGES) return 'later'
  if (from.heldBy !== undefined && into.heldBy !== undefined) return 'later'
  const parts = { from: partsOf(state, from, now), into: partsOf(state, into, now) }
  const known = { from: knownOf(state, from.id, now), into: knownOf(state, into.id, now) }
  const isPaused = known.from.paused !== undefined || known.into.paused !== undefined
  if (isPaused && parts.from.runs.length + parts.into.runs.length > 0) return 'later'
  state.seen.move(from.id, into.id)
  state.sent.move(from.id, into.id)
  state.own.move(from.id, into.id)
  uniteKnown(state, from.id, into.id, known)
  if (moved === 0 && from.heldBy === undefined) {
    if (Object.keys(known.from).length > 0 && parts.into.open) setDue(state, into, parts.into.open.header, now)
    return undefined
  }
  const dues = [state.due.get(from.id), state.due.get(into.id)]
  const { sealed, open } = join(state, parts.into.open, parts.from.open, now, isPaused)
  if (open) holdBack(state, into.id, open, parts, now)
  const runs = [...byArrival(parts.into.runs, parts.from.runs, run => run.entries[0]?.receivedAtMs ?? 0), ...sealed]
  const fromBatch = from.runs.at(-1)?.batchId ?? from.heldBy ?? ''
  const intoBatch = open?.run.batchId ?? runs[0]?.batchId ?? from.heldBy ?? ''
  state.due.delete(from.id)
  moveHold(state, from, into)
  from.runs = []
  delete from.header
  into.runs = open ? [...runs, open.run] : runs
  keepOpen(state, into, open)
  const atMs = schedule(state, into, dues, now)
  record(state, { from: from.id, into: into.id, fromBatch, intoBatch, moved, sealed, parts, now })
  if (moved > 0) {
    const dueInMs = Math.max((into.heldBy !== undefined && open ? open.header.dueAtMs : atMs) - now, 0)
    state.publishGrowth(into, intoBatch, open?.run.entries.length ?? waiting(into), dueInMs)
  }
  return moved
}

/**
 * A pause, holds and signs of typing of `from` are also of `into`; of two pauses, or two holds by one key, the one that
 * ends later.
 */
function uniteKnown(state: State, fromId: string, intoId: string, { from, into }: Record<'from' | 'into', Known>) {
  const typed = (from.typed?.atMs ?? 0) > (into.typed?.atMs ?? 0) ? from.typed : into.typed
  const paused = (from.paused?.untilMs ?? 0) > (into.paused?.untilMs ?? 0) ? from.paused : into.paused
  const holds = new Map(into.holds)
  for (const [key, hold] of from.holds ?? []) if (hold.atMs > (holds.get(key)?.atMs ?? 0)) holds.set(key, hold)
  state.known.delete(fromId)
  state.known.set(intoId, {
    ...(paused ? { paused } : {}),
    ...(typed ? { typed } : {}),
    ...(holds.size > 0 ? { holds } : {}),
  })
}

/**
 * What held back one of the two open batches holds back the batch that has its message now, unless that is sealed. Then
 * sets when the open batch is due: what holds it back now may have been unknown to it before.
 */
function holdBack(state: State, intoId: string, { run, header }: Open, parts: Merging, now: number): void {
  const known = knownOf(state, intoId, now)
  if (known.holds && parts.from.open && parts.into.open) {
    const joined = [parts.from.open.run.batchId, parts.into.open.run.batchId]
    const keys = new Set(run.entries.map(entry => JSON.stringify(messageFrom(entry.json).messageId)))
    for (const [key, hold] of known.holds)
      if (hold.batchId !== undefined && joined.includes(hold.batchId)) {
        if (keys.has(key)) hold.batchId = run.batchId
        else known.holds.delete(key)
      }
    state.known.set(intoId, known)
  }
  const rules = state.rulesOf(header.rules)
  const wasHeld = header.notBeforeMs !== undefined
  if (known.paused) header.waitsFromMs = known.paused.untilMs
  const { dueAtMs, dueBy, notBeforeMs } = dueOf(rules, known, waitingSince(header))
  if (notBeforeMs === undefined && !wasHeld) return
  delete header.notBeforeMs
  if (notBeforeMs !== undefined) header.notBeforeMs = notBeforeMs
  if (wasHeld || dueAtMs > header.dueAtMs) Object.assign(header, { dueAtMs: Math.max(dueAtMs, now), dueBy })
  header.expiresAtMs = Math.max(header.expiresAtMs, header.dueAtMs + rules.batchTtlMs)
}

function partsOf(state: State, conversation: Conversation, now: number): Parts {
  const header = state.header(conversation, now)
  const last = conversation.runs.at(-1)
  if (!header || last?.batchId !== header.batchId) return { runs: conversation.runs, open: undefined }
  return { runs: conversation.runs.slice(0, -1), open: { run: last, header } }
}

/** Two lists as one, by the time of arrival; those of `a` first if they came in the same millisecond. */
function byArrival<Item>(a: Item[], b: Item[], timeOf: (item: Item) => number): Item[] {
  const all: Item[] = []
  let next = 0
  for (const item of b) {
    for (let first = a[next]; first !== undefined && timeOf(first) <= timeOf(item); first = a[next]) {
      all.push(first)
      next += 1
    }
    all.push(item)
  }
  return [...all, ...a.slice(next)]
}

/**
 * Joins two open batches under the id and the rules of `a`. One that reaches a cap is sealed, and the rest is open under
 * the id of `b`; during a pause there are no caps.
 */
function join(state: State, a: Open | undefined, b: Open | undefined, now: number, isPaused: boolean): Joined {
  if (!a || !b) return { sealed: [], open: a ?? b }
  const { rules } = a.header
  const { maxMessages, maxBytes, maxWaitMs } = state.rulesOf(rules)
  const entries = byArrival(a.run.entries, b.run.entries, entry => entry.receivedAtMs)
  const sealed: WaitingRun[] = []
  const supersedes = joinSuperseded(a.header.supersedes, b.header.supersedes)
  const superseded = supersedes.length === 0 ? {} : { supersedes }
  let run: WaitingRun = { batchId: a.run.batchId, entries: [] }
  for (const [i, entry] of entries.entries()) {
    run.entries.push(entry)
    const mayEnd = sealed.length === 0 || i === entries.length - 1
    const reason: ReleaseReason | undefined =
      run.entries.length >= maxMessages ? 'maxMessages' : bytesOf(run.entries) >= maxBytes ? 'maxBytes' : undefined
    if (isPaused || !mayEnd || reason === undefined) continue
    // The first batch names all that both supersede.
    sealed.push({ ...run, seal: { reason, atMs: now, ...(sealed.length === 0 ? superseded : {}) } })
    run = { batchId: b.run.batchId, entries: [] }
  }
  const [first] = run.entries
  if (!first) return { sealed, open: undefined }
  const earlier = b.header.dueAtMs < a.header.dueAtMs ? b.header : a.header
  const notBeforeMs = a.header.notBeforeMs ?? b.header.notBeforeMs
  const waits = [a.header.waitsFromMs ?? [], b.header.waitsFromMs ?? []].flat()
  const firstAtMs = sealed.length === 0 ? Math.min(a.header.firstAtMs, b.header.firstAtMs) : first.receivedAtMs
  const latestMs = firstAtMs + maxWaitMs
  const restDueAtMs = Math.min(Math.max(a.header.dueAtMs, b.header.dueAtMs), latestMs)
  const due: Pick<Header, 'dueAtMs' | 'dueBy'> =
    sealed.length === 0
      ? { dueAtMs: earlier.dueAtMs, dueBy: earlier.dueBy }
      : { dueAtMs: restDueAtMs, dueBy: restDueAtMs === latestMs ? 'maxWait' : 'gap' }
  return {
    sealed,
    open: {
      run,
      header: {
        batchId: run.batchId,
        bytes: bytesOf(run.entries),
        firstAtMs,
        lastAtMs: Math.max(a.header.lastAtMs, b.header.lastAtMs),
        ...due,
        ...(sealed.length === 0 ? superseded : {}),
        ...(rules ? { rules } : {}),
        ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
        ...(waits.length === 0 ? {} : { waitsFromMs: Math.max(...waits) }),
        expiresAtMs: Math.max(a.header.expiresAtMs, b.header.expiresAtMs),
      },
    },
  }
}

const bytesOf = (entries: Entry[]) => entries.reduce((sum, { bytes }) => sum + bytes, 0)

function moveHold(state: State, from: Conversation, into: Conversation): void {
  const { heldBy } = from
  if (heldBy === undefined) return
  delete from.heldBy
  into.heldBy = heldBy
  const batch = state.claimedBatches.get(heldBy) ?? state.handedOver.get(heldBy)
  if (batch) batch.conversationId = into.id
}

function keepOpen(state: State, into: Conversation, open: Open | undefined): void {
  delete into.header
  if (!open) return
  into.header = open.header
  const heldUntilMs = state.heldUntilMs(into)
  if (heldUntilMs !== undefined)
    into.header.expiresAtMs = Math.max(into.header.expiresAtMs, heldUntilMs + state.rules.batchTtlMs)
}

/** Returns when what waits is due. */
function schedule(state: State, into: Conversation, dues: (number | undefined)[], now: number): number {
  const [head] = into.runs
  if (into.heldBy !== undefined) state.due.delete(into.id)
  if (into.heldBy !== undefined || !head) return now
  const overdueAtMs = Math.min(now, ...dues.flatMap(due => due ?? []))
  const dueAtMs = state.headDueAtMs(into, now)
  const startAtMs = into.header && dueAtMs !== undefined ? state.startAtMs(into.header) : overdueAtMs
  const furthestMs = into.header && state.rulesOf(into.header.rules).maxWaitMs
  state.schedule(into.id, head.batchId, startAtMs, now, furthestMs)
  return dueAtMs ?? overdueAtMs
}

interface Merged {
  from: string
  into: string
  fromBatch: string
  intoBatch: string
  moved: number
  sealed: WaitingRun[]
  parts: { from: Parts; into: Parts }
  now: number
}

function record(state: State, { from, into, fromBatch, intoBatch, moved, sealed, parts, now }: Merged): void {
  const joined = parts.from.open && parts.into.open?.run.batchId
  state.record('merged', fromBatch, from, now, { into, ...(joined === undefined ? {} : { batch: joined }) })
  state.record('merged', intoBatch, into, now, { from, count: moved })
  for (const { batchId, seal, entries } of sealed)
    state.record('sealed', batchId, into, now, { reason: seal?.reason ?? '', count: entries.length })
}

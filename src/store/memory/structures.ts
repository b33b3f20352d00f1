/**
 * The data structures of the memory store, each for one of Redis's:
 *
 *   Deadlines    a sorted set of times
 *   SeenIds      the sorted sets of message ids, which expire
 *   History      the history stream
 *   Subscribers  a Pub/Sub channel
 */
import { OrderedMap } from '@js-sdsl/ordered-map'
import { messageFrom } from '../redis/entries.js'
import type { HistoryEntry, HistoryStep } from '../store.js'

export interface Deadline {
  member: string
  atMs: number
  isHeldBack: boolean
}

/**
 * Members ordered by a time, the earliest first, as in a Redis sorted set. Equal times are in the order of the members'
 * bytes, as there. The ordered map is a library's; a `Map` finds a member's time.
 */
export class Deadlines {
  private readonly members = new Map<string, Deadline>()
  private readonly ordered = new OrderedMap<Deadline, undefined>([], order)

  get(member: string): number | undefined {
    return this.members.get(member)?.atMs
  }

  /** @param isHeldBack comes before the others of the same time */
  set(member: string, atMs: number, isHeldBack = false): void {
    this.delete(member)
    const deadline = { member, atMs, isHeldBack }
    this.members.set(member, deadline)
    this.ordered.setElement(deadline, undefined)
  }

  delete(member: string): void {
    const deadline = this.members.get(member)
    if (!deadline) return
    this.members.delete(member)
    this.ordered.eraseElementByKey(deadline)
  }

  get size(): number {
    return this.members.size
  }

  get first(): Deadline | undefined {
    return this.ordered.front()?.[0]
  }

  /** The first `count` members with a time up to `untilMs`. */
  firsts(count: number, untilMs = Number.POSITIVE_INFINITY): Deadline[] {
    const found: Deadline[] = []
    for (const [deadline] of this.ordered) {
      if (found.length >= count || deadline.atMs > untilMs) break
      found.push(deadline)
    }
    return found
  }

  /** All members, the earliest first. */
  all(): Deadline[] {
    return this.firsts(Number.POSITIVE_INFINITY)
  }
}

const order = (a: Deadline, b: Deadline): number =>
  a.atMs - b.atMs ||
  Number(b.isHeldBack) - Number(a.isHeldBack) ||
  (a.member === b.member ? 0 : Buffer.compare(Buffer.from(a.member), Buffer.from(b.member)))

/** A new message removes so many expired ids of a conversation at most. */
const FORGOTTEN_A_MESSAGE = 4

/**
 * The message ids that each conversation has seen, and when. Both maps are in order of time, so the oldest ids are in
 * front. Each new message removes a few expired ids: of its own conversation, and of the one that has been silent
 * longest. So memory follows traffic, without a timer.
 */
export class SeenIds {
  private readonly conversations = new Map<string, Map<string, number>>()

  constructor(private readonly dedupeMs: number) {}

  has(conversationId: string, messageId: string, nowMs: number): boolean {
    const seenAtMs = this.conversations.get(conversationId)?.get(messageId)
    return seenAtMs !== undefined && seenAtMs > nowMs - this.dedupeMs
  }

  add(conversationId: string, messageId: string, nowMs: number): void {
    const ids = this.conversations.get(conversationId) ?? new Map<string, number>()
    ids.delete(messageId)
    ids.set(messageId, nowMs)
    this.conversations.delete(conversationId)
    this.conversations.set(conversationId, ids)
    this.forgetOld(conversationId, ids, nowMs - this.dedupeMs)
    for (const [silent, itsIds] of this.conversations) {
      this.forgetOld(silent, itsIds, nowMs - this.dedupeMs)
      break
    }
  }

  /** Whether an id of the conversation is remembered. */
  hasAny(conversationId: string, nowMs: number): boolean {
    return [...(this.conversations.get(conversationId)?.values() ?? [])].some(atMs => atMs > nowMs - this.dedupeMs)
  }

  /** Moves all ids of a conversation to another one, where the later time of an id counts. */
  move(from: string, into: string): void {
    const moved = this.conversations.get(from)
    if (!moved) return
    const all = new Map(this.conversations.get(into))
    for (const [id, atMs] of moved) all.set(id, Math.max(atMs, all.get(id) ?? 0))
    this.conversations.delete(from)
    this.conversations.set(into, new Map([...all].sort(([, a], [, b]) => a - b)))
  }

  /** Forgets all ids of a conversation. */
  forget(conversationId: string): void {
    this.conversations.delete(conversationId)
  }

  private forgetOld(conversationId: string, ids: Map<string, number>, untilMs: number): void {
    let left = FORGOTTEN_A_MESSAGE
    for (const [messageId, seenAtMs] of ids) {
      if (left === 0 || seenAtMs > untilMs) return
      ids.delete(messageId)
      left -= 1
    }
    if (ids.size === 0) this.conversations.delete(conversationId)
  }

  /** The number of ids that are kept. */
  get size(): number {
    return [...this.conversations.values()].reduce((sum, ids) => sum + ids.size, 0)
  }
}

/** A message as it is kept: as JSON, so that a caller that changes its object afterwards changes nothing here. */
export interface Entry {
  receivedAtMs: number
  json: string
  bytes: number
}

/** The first `count` entries, or as many as have `mostBytes`, and one at least: see `lua/shared/entries-within.lua`. */
export function within<Of extends Entry>(entries: Of[], count: number, mostBytes: number): Of[] {
  let bytes = 0
  const end = entries.findIndex((_, i) => {
    const isEnd = i >= count || bytes >= mostBytes
    bytes += entries[i]?.bytes ?? 0
    return isEnd
  })
  return end < 0 ? entries : entries.slice(0, end)
}

const HISTORY_LENGTH = 10_000
/** It is trimmed in steps of this many entries, as each trim moves all others. */
const TRIM_STEP = 1000

/**
 * The history of all batches: one entry for each step, without texts. The oldest are forgotten. Ids are as in a Redis
 * stream.
 */
export class History {
  readonly followers = new Subscribers<HistoryEntry>()
  private readonly entries: HistoryEntry[] = []
  private lastAtMs = 0
  private sequence = 0

  record(
    atMs: number,
    step: HistoryStep,
    batchId: string,
    conversationId: string,
    detail: Record<string, string | number>,
  ): void {
    this.sequence = atMs === this.lastAtMs ? this.sequence + 1 : 0
    this.lastAtMs = atMs
    const texts = Object.fromEntries(Object.entries(detail).map(([name, value]) => [name, String(value)]))
    const entry = { id: `${atMs}-${this.sequence}`, atMs, step, conversationId, batchId, detail: texts }
    this.entries.push(entry)
    this.followers.publish(entry)
    if (this.entries.length >= HISTORY_LENGTH + TRIM_STEP) this.entries.splice(0, TRIM_STEP)
  }

  /** Erases a conversation's entries; returns how many there were. */
  forget(conversationId: string): number {
    const kept = this.entries.filter(entry => entry.conversationId !== conversationId)
    return this.entries.splice(0, this.entries.length, ...kept).length - kept.length
  }

  /** The newest `limit` entries, newest first, of these conversations or of all. */
  newest(limit: number, conversationIds?: string[]): HistoryEntry[] {
    const found: HistoryEntry[] = []
    for (let i = this.entries.length - 1; i >= 0 && found.length < limit; i--) {
      const entry = this.entries[i]
      if (entry && (conversationIds === undefined || conversationIds.includes(entry.conversationId)))
        found.push({ ...entry, detail: { ...entry.detail } })
    }
    return found
  }
}

/** A step names this many messages of a batch at most, each by this many characters of its id. */
export const IDS_RECORDED = 100
export const ID_RECORDED = 80

/** The messages' ids, as a step records them. */
export const idsRecorded = (entries: Entry[]): string =>
  JSON.stringify(entries.slice(0, IDS_RECORDED).map(({ json }) => messageFrom(json).messageId.slice(0, ID_RECORDED)))

/** When the messages came, in milliseconds from the first one, as a step records it. */
export const timesRecorded = (entries: Entry[]): string =>
  JSON.stringify(
    entries.slice(0, IDS_RECORDED).map(({ receivedAtMs }) => receivedAtMs - (entries[0]?.receivedAtMs ?? 0)),
  )

/** Subscribers of one kind of event. Each gets every event, in order, and none while a transition is still running. */
export class Subscribers<Event> {
  private readonly all = new Set<{ receive: (event: Event) => void }>()

  get count(): number {
    return this.all.size
  }

  /** @param first an event for this subscriber alone, before all others */
  add(receive: (event: Event) => void, first?: Event): () => void {
    const subscriber = { receive }
    this.all.add(subscriber)
    if (first !== undefined) this.send(subscriber, first)
    return () => this.all.delete(subscriber)
  }

  publish(event: Event): void {
    for (const subscriber of this.all) this.send(subscriber, event)
  }

  clear(): void {
    this.all.clear()
  }

  private send(subscriber: { receive: (event: Event) => void }, event: Event): void {
    queueMicrotask(() => {
      if (this.all.has(subscriber)) subscriber.receive(event)
    })
  }
}

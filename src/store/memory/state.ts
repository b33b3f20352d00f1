/**
 * What the memory store keeps, by the names of the Redis keys (`keys.ts`), and the moves that several transitions share
 * (`lua/shared/`). It has no timer: like Redis's scripts, it changes only when it is called.
 */
import type { ReleaseReason } from '../../batch.js'
import { withArrivals } from '../../history/arrivals.js'
import { checkIntervalMs, type Rules } from '../../rules.js'
import { messageFrom } from '../redis/entries.js'
import type { Growth, HistoryEntry, HistoryStep, StoreEvent } from '../store.js'
import { Deadlines } from './deadlines.js'
import { SeenIds } from './seen-ids.js'

/** The messages of one batch, and why it was sealed, if it was. */
export interface WaitingRun {
  batchId: string
  entries: Entry[]
  seal?: { reason: ReleaseReason; atMs: number }
}

/** The open batch: the last run of its conversation. */
export interface Header {
  batchId: string
  bytes: number
  firstAtMs: number
  lastAtMs: number
  dueAtMs: number
  dueBy: 'gap' | 'maxWait'
  expiresAtMs: number
}

export interface Conversation {
  id: string
  /** In the order they will go; none is empty. */
  runs: WaitingRun[]
  header?: Header
  /** The batch that holds it. */
  heldBy?: string
}

export interface Claimed {
  conversationId: string
  attempt: number
  lease: number
  owner: string
  entries: Entry[]
  firstAtMs: number
  lastAtMs: number
  dueAtMs: number
  releasedAtMs: number
  releasedBy: ReleaseReason
  error?: string
}

export interface HandedOver {
  conversationId: string
  handedOverAtMs: number
  take?: string
  takenAtMs?: number
}

/** Batches to check share moments, so that one claim finds many of them: this many an interval. */
const CHECK_MOMENTS = 4
/** What is overdue by so much may be known to nobody. */
const LONG_OVERDUE_MS = 1000

export class State {
  readonly conversations = new Map<string, Conversation>()
  readonly due = new Deadlines()
  readonly claimed = new Deadlines()
  readonly claimedBatches = new Map<string, Claimed>()
  readonly answering = new Deadlines()
  readonly handedOver = new Map<string, HandedOver>()
  readonly dead = new Map<string, Claimed & { error: string; diedAtMs: number }>()
  readonly listeners = new Listeners<StoreEvent>()
  readonly growth = new Listeners<Growth>()
  readonly seen: SeenIds
  readonly log = new History()
  private readonly checkMs: number

  constructor(
    readonly rules: Rules,
    /** Milliseconds since the epoch; never goes back. */
    readonly now: () => number,
    /** As the history names it. */
    readonly name: string,
    readonly newBatchId: () => string,
  ) {
    this.seen = new SeenIds(rules.dedupeMs)
    this.checkMs = checkIntervalMs(rules)
  }

  conversation(id: string): Conversation {
    const known = this.conversations.get(id)
    if (known) return known
    const conversation: Conversation = { id, runs: [] }
    this.conversations.set(id, conversation)
    return conversation
  }

  /** Forgets a conversation that nothing is left of. */
  tidy(conversation: Conversation): void {
    if (conversation.runs.length === 0 && conversation.heldBy === undefined) this.conversations.delete(conversation.id)
  }

  /** The open batch's header, if there is one and its time is not up. */
  header(conversation: Conversation, now: number): Header | undefined {
    if (conversation.header && conversation.header.expiresAtMs < now) delete conversation.header
    return conversation.header
  }

  /** The end of what holds a conversation (a lease, or the next check), unless that is prolonged. */
  heldUntilMs({ heldBy }: Conversation): number | undefined {
    return heldBy === undefined ? undefined : (this.claimed.get(heldBy) ?? this.answering.get(heldBy))
  }

  /** A header outlives what its conversation waits for. */
  keepHeader(conversationId: string, now: number, untilMs: number): void {
    const conversation = this.conversations.get(conversationId)
    const header = conversation && this.header(conversation, now)
    if (header) header.expiresAtMs = Math.max(header.expiresAtMs, untilMs + this.rules.batchTtlMs)
  }

  /** The open batch's due time, where it is next in its conversation. */
  headDueAtMs(conversation: Conversation, now: number): number | undefined {
    const header = this.header(conversation, now)
    return header && conversation.runs[0]?.batchId === header.batchId ? header.dueAtMs : undefined
  }

  /**
   * The conversation, whose next batch is `batchId`, may go at `atMs`. One whose time is up keeps the moment from which it
   * could have gone. Processors are told where they do not know of anything that is due earlier.
   */
  schedule(conversationId: string, batchId: string, atMs: number, now: number): void {
    const firstMs = this.due.first?.atMs
    const known = this.due.get(conversationId)
    this.due.set(conversationId, atMs - 1 > now || known === undefined ? atMs : Math.min(known, atMs))
    if (firstMs === undefined || atMs < firstMs || firstMs <= now - LONG_OVERDUE_MS)
      this.tellDue(conversationId, batchId, atMs - now)
  }

  tellDue(conversationId: string, batchId: string, inMs: number): void {
    this.listeners.tell({ kind: 'next-due', conversationId, batchId, dueInMs: Math.max(inMs, 0), db: 0 })
  }

  /** Ends a conversation's hold. Resolves to the milliseconds until what waits in it may go, where something does. */
  free(conversation: Conversation, now: number): number | undefined {
    delete conversation.heldBy
    const head = conversation.runs[0]
    if (!head) {
      this.tidy(conversation)
      return undefined
    }
    const atMs = Math.max(this.headDueAtMs(conversation, now) ?? now, now)
    this.schedule(conversation.id, head.batchId, atMs, now)
    this.announce(conversation, head.batchId, waiting(conversation), atMs - now)
    return atMs - now
  }

  /** A claimed batch becomes a dead one, and its conversation is free. */
  die(batchId: string, batch: Claimed, error: string, now: number): void {
    this.dead.set(batchId, { ...batch, error, diedAtMs: now })
    this.claimedBatches.delete(batchId)
    this.claimed.delete(batchId)
    this.free(this.conversation(batch.conversationId), now)
    this.record('dead', batchId, batch.conversationId, now, { attempt: batch.attempt, error })
  }

  /** When to look again whether a batch is still being answered. */
  nextCheck(now: number): number {
    const grid = Math.max(Math.floor(this.checkMs / CHECK_MOMENTS), 1)
    return Math.floor((now + this.checkMs) / grid) * grid
  }

  announce({ id }: Conversation, batchId: string, count: number, dueInMs: number): void {
    this.growth.tell({ conversationId: id, batchId, count, dueInMs, db: 0 })
  }

  record(
    step: HistoryStep,
    batchId: string,
    conversationId: string,
    now: number,
    detail: Record<string, string | number>,
  ): void {
    this.log.record(now, step, batchId, conversationId, detail)
  }

  history(limit: number, conversationId?: string) {
    const history = this.log.newest(limit, conversationId)
    return conversationId === undefined ? history : withArrivals(history).slice(0, limit)
  }
}

/** How many messages wait in a conversation. */
export const waiting = (conversation: Conversation) =>
  conversation.runs.reduce((sum, { entries }) => sum + entries.length, 0)

/** A message as it waits: its JSON, so that what comes out is what went in, whatever the caller does to its object. */
export interface Entry {
  receivedAtMs: number
  json: string
  bytes: number
}

const HISTORY_LENGTH = 10_000
/** How far it may outgrow that before it is trimmed, so that not every entry moves all others. */
const TRIM_STEP = 1000

export class History {
  readonly followers = new Listeners<HistoryEntry>()
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
    this.followers.tell(entry)
    if (this.entries.length >= HISTORY_LENGTH + TRIM_STEP) this.entries.splice(0, TRIM_STEP)
  }

  /** Erases a conversation's entries; returns how many there were. */
  forget(conversationId: string): number {
    const kept = this.entries.filter(entry => entry.conversationId !== conversationId)
    return this.entries.splice(0, this.entries.length, ...kept).length - kept.length
  }

  /** The newest `limit` entries, newest first, of one conversation or of all. */
  newest(limit: number, conversationId?: string): HistoryEntry[] {
    const found: HistoryEntry[] = []
    for (let i = this.entries.length - 1; i >= 0 && found.length < limit; i--) {
      const entry = this.entries[i]
      if (entry && (conversationId === undefined || entry.conversationId === conversationId))
        found.push({ ...entry, detail: { ...entry.detail } })
    }
    return found
  }
}

/** The history names this many messages of a batch, by so many characters of their ids. */
const IDS_RECORDED = 100
export const ID_RECORDED = 80

/** Ids of messages, as the history names them. */
export const idsRecorded = (entries: Entry[]): string =>
  JSON.stringify(entries.slice(0, IDS_RECORDED).map(({ json }) => idIn(json).slice(0, ID_RECORDED)))

/** When they came, in milliseconds from the first. */
export const timesRecorded = (entries: Entry[]): string =>
  JSON.stringify(
    entries.slice(0, IDS_RECORDED).map(({ receivedAtMs }) => receivedAtMs - (entries[0]?.receivedAtMs ?? 0)),
  )

function idIn(json: string): string {
  const { messageId } = messageFrom(json)
  return messageId
}

/**
 * Those who listen for what happens. Each hears every event in order, and none while a transition is still at work: as
 * over a network, an event comes after the call that caused it has returned control.
 */
export class Listeners<Event> {
  private readonly all = new Set<{ hear: (event: Event) => void }>()

  get count(): number {
    return this.all.size
  }

  /** @param first what it is told before all else */
  add(hear: (event: Event) => void, first?: Event): () => void {
    const listener = { hear }
    this.all.add(listener)
    if (first !== undefined) this.tellOne(listener, first)
    return () => this.all.delete(listener)
  }

  tell(event: Event): void {
    for (const listener of this.all) this.tellOne(listener, event)
  }

  clear(): void {
    this.all.clear()
  }

  private tellOne(listener: { hear: (event: Event) => void }, event: Event): void {
    queueMicrotask(() => {
      if (this.all.has(listener)) listener.hear(event)
    })
  }
}

/**
 * `now` as a clock that never goes back: when the machine's is set back, this one goes on from where it was, or every
 * batch would wait for as long as that was.
 */
export function steady(now: () => number): () => number {
  let lastMs = Number.NEGATIVE_INFINITY
  let aheadMs = 0
  return () => {
    const readMs = Math.floor(now())
    aheadMs = Math.max(aheadMs, lastMs - readMs)
    lastMs = readMs + aheadMs
    return lastMs
  }
}

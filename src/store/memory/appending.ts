/** Appends messages: `lua/append.lua`. */
import type { ReleaseReason, StoredMessage } from '../../batch.js'
import { type OwnRules, ruleThatReleased } from '../../conversation-rules.js'
import type { Rules } from '../../rules.js'
import { entryJson } from '../redis/entries.js'
import type { AppendRequest, AppendResult } from '../store.js'
import { dueOf, knownOf, moveHolds, reasonOf } from './due.js'
import type { Known } from './known.js'
import { type Conversation, type Header, type State, supersededBy, type WaitingRun, waiting } from './state.js'
import { type Entry, idsRecorded } from './structures.js'
import {
  bytesOf,
  endSuperseded,
  recordSuperseded,
  type Supersedable,
  supersedableAlone,
  supersededWith,
} from './superseding.js'

/** The open batch during an append, and what the append has added to it so far. */
interface Collecting {
  run: WaitingRun
  bytes: number
  firstAtMs: number
  isNew: boolean
  /** Messages that this append has added. */
  added: number
  waitsFromMs?: number
  supersedes?: string[]
}

export function append(state: State, request: AppendRequest): AppendResult {
  // Throws for a message that JSON cannot hold, before anything is changed.
  const texts = request.messages.map(entryJson)
  const now = state.now()
  const conversation = state.conversation(request.conversationId)
  if (request.rules) state.rulesInUse.add(request.rules)
  const appending = new Appending(state, conversation, request, now)
  appending.supersede(request.messages, texts)
  for (const [i, message] of request.messages.entries()) appending.take(message, texts[i] ?? '')
  if (request.flush) appending.flush()
  appending.hold()
  state.tidy(conversation)
  return appending.finish()
}

/** A batch that collects during a pause has no caps but these. */
const MOST_COLLECTED = 10_000
const MOST_BYTES_COLLECTED = 16 * 1024 * 1024

/** See `lua/append.lua`. */
const OVERDUE_MS = 1000

class Appending {
  private readonly direct: boolean
  private readonly mayHold: boolean
  private known: Known
  /** New messages that hold back their batch. */
  private readonly holding: string[] = []
  /** New messages that a pause has discarded. */
  private readonly discarded: Entry[] = []
  private readonly own: OwnRules | undefined
  private readonly rules: Rules
  private readonly counts = { accepted: 0, duplicates: 0, tooOld: 0 }
  private collecting: Collecting | undefined
  /** The open batch is overdue, and takes no more messages. */
  private overdue: Header | undefined
  private superseded: Supersedable | undefined
  private lastBatchId: string | undefined
  /** The id of the first batch that this append opens. The ids of the others add their number to it. */
  private readonly seedId: string
  private opened = 0

  constructor(
    private readonly state: State,
    private readonly conversation: Conversation,
    { direct = false, flush = false, rules }: AppendRequest,
    private readonly now: number,
  ) {
    const { typed, ...known } = knownOf(state, conversation.id, now)
    // A message ends the typing.
    this.known = typed ? { ...known, typed: { atMs: typed.atMs } } : known
    this.direct = direct && !this.known.paused
    this.mayHold = !flush && !direct && !this.known.paused
    this.own = rules
    this.rules = state.rulesOf(rules)
    this.seedId = state.newBatchId()
    const header = state.header(conversation, now)
    const run = conversation.runs.at(-1)
    if (header && conversation.heldBy === undefined && header.dueAtMs < now - OVERDUE_MS) this.overdue = header
    if (header && run)
      this.collecting = {
        run,
        bytes: header.bytes,
        firstAtMs: header.firstAtMs,
        isNew: false,
        added: 0,
        ...supersededBy(header),
        ...(header.waitsFromMs === undefined ? {} : { waitsFromMs: header.waitsFromMs }),
      }
  }

  /** Supersedes the batch that holds the conversation, if the new messages may do that. */
  supersede(messages: StoredMessage[], texts: string[]): void {
    const { state, conversation, now } = this
    const { maxMessages, maxBytes, answering } = this.rules
    const old =
      this.known.paused || this.direct || conversation.header || answering !== 'supersede'
        ? undefined
        : supersedableAlone(state, conversation)
    if (!old) return
    const ids = new Set<string>()
    let count = old.batch.entries.length
    let bytes = bytesOf(old.batch.entries)
    for (const [i, message] of messages.entries()) {
      if (this.isNotNew(message) || ids.has(message.messageId)) continue
      ids.add(message.messageId)
      count += 1
      bytes += Buffer.byteLength(texts[i] ?? '')
    }
    if (ids.size === 0 || count > maxMessages || bytes > maxBytes) return
    const open = this.openBatch()
    open.run.entries.push(...old.batch.entries)
    Object.assign(open, { bytes: bytesOf(old.batch.entries), firstAtMs: old.batch.firstAtMs })
    open.supersedes = supersededWith(old)
    this.superseded = old
    moveHolds(state, conversation.id, old.batchId, open.run.batchId)
    endSuperseded(state, conversation, old, now, open.run.batchId)
  }

  private isNotNew(message: StoredMessage): 'duplicates' | 'tooOld' | undefined {
    const { state, conversation, now } = this
    const { maxAgeMs } = state.rules
    if (state.seen.has(conversation.id, message.messageId, now)) return 'duplicates'
    const isOld = maxAgeMs > 0 && message.sentAtMs !== undefined && Math.round(message.sentAtMs) < now - maxAgeMs
    return isOld ? 'tooOld' : undefined
  }

  take(message: StoredMessage, json: string): void {
    const { state, conversation, now } = this
    const { maxMessages, maxBytes } = this.rules
    const notNew = this.isNotNew(message)
    if (notNew) {
      this.counts[notNew] += 1
      return
    }
    state.seen.add(conversation.id, message.messageId, now)
    this.counts.accepted += 1
    if (this.isDiscarding) {
      this.discarded.push({ receivedAtMs: now, json, bytes: 0 })
      return
    }
    if (this.collecting && this.direct) this.seal(this.collecting, 'direct', now, this.own)
    else if (this.collecting && this.overdue) {
      const { dueBy, dueAtMs, rules } = this.overdue
      this.seal(this.collecting, reasonOf(dueBy), dueAtMs, rules)
    }
    const open = this.collecting ?? this.openBatch()
    const bytes = Buffer.byteLength(json)
    open.run.entries.push({ receivedAtMs: now, json, bytes })
    open.bytes += bytes
    open.added += 1
    this.lastBatchId = open.run.batchId
    const { holdTypes, holdMs } = this.rules
    if (this.mayHold && holdMs > 0 && !message.text && holdTypes.includes(message.type))
      this.holding.push(message.messageId)
    if (this.direct) this.seal(open, 'direct', now, this.own)
    else if (this.known.paused) return
    else if (open.run.entries.length >= maxMessages) this.seal(open, 'maxMessages', now, this.own)
    else if (open.bytes >= maxBytes) this.seal(open, 'maxBytes', now, this.own)
  }

  /** The last new message seals its batch. */
  flush(): void {
    if (this.known.paused) return
    if (this.collecting && this.collecting.added > 0) this.seal(this.collecting, 'flush', this.now, this.own)
  }

  /** The open batch waits for the texts of its messages. */
  hold(): void {
    const { state, conversation, now, collecting } = this
    if (!collecting || this.holding.length === 0) return
    const holds = new Map(this.known.holds)
    const hold = { atMs: now + this.rules.holdMs, batchId: collecting.run.batchId }
    for (const messageId of this.holding) holds.set(JSON.stringify(messageId), { ...hold })
    this.known = { ...this.known, holds }
    state.known.set(conversation.id, this.known)
  }

  /** A pause discards what comes, or has collected as much as it may. */
  private get isDiscarding(): boolean {
    const { paused } = this.known
    if (!paused) return false
    const { run, bytes = 0 } = this.collecting ?? {}
    return paused.keep === 'drop' || (run?.entries.length ?? 0) >= MOST_COLLECTED || bytes >= MOST_BYTES_COLLECTED
  }

  finish(): AppendResult {
    const { state, conversation, now, collecting: open } = this
    if (this.discarded.length > 0) {
      const count = this.discarded.length
      const ids = idsRecorded(this.discarded)
      state.record('paused', this.seedId, conversation.id, now, { count, ids })
      return { ...this.counts, paused: count, listeners: state.processors.count }
    }
    if (this.counts.accepted === 0) {
      const header = conversation.header
      if (!header) return this.counts
      return { ...this.counts, batchId: header.batchId, dueInMs: Math.max(header.dueAtMs - now, 0) }
    }
    const dueAtMs = open ? this.renewHeader(open) : now
    if (open) for (const id of this.holding) this.recordHeld(open, id)
    const atMs = this.startAtMs(dueAtMs)
    const held = conversation.heldBy !== undefined
    const dueInMs = Math.max(dueAtMs - now, 0)
    const batchId = this.lastBatchId ?? ''
    const count = open ? open.run.entries.length : waiting(conversation)
    if (!held) state.schedule(conversation.id, batchId, atMs, now, this.rules.maxWaitMs)
    state.publishGrowth(conversation, batchId, count, held ? dueInMs : Math.max(atMs - now, 0))
    if (this.superseded) recordSuperseded(state, conversation, this.superseded, now, open?.run.batchId ?? this.seedId)
    const paused = this.known.paused ? { paused: this.counts.accepted } : {}
    return { ...this.counts, ...paused, batchId, dueInMs, listeners: state.processors.count }
  }

  /** When the conversation may go: with the early start of the batch that is open now, if that is the first. */
  private startAtMs(dueAtMs: number): number {
    const { state, conversation, now } = this
    const { earlyStartMs } = this.rules
    if (state.headDueAtMs(conversation, now) === undefined) return now
    const startMs = earlyStartMs > 0 ? Math.min(dueAtMs, now + earlyStartMs) : dueAtMs
    return Math.max(startMs, conversation.header?.notBeforeMs ?? 0)
  }

  private openBatch(): Collecting {
    this.opened += 1
    const batchId = this.opened === 1 ? this.seedId : `${this.seedId}-${this.opened}`
    const run: WaitingRun = { batchId, entries: [] }
    this.conversation.runs.push(run)
    this.collecting = { run, bytes: 0, firstAtMs: this.now, isNew: true, added: 0 }
    return this.collecting
  }

  /** @param own the rules of the batch */
  private seal(open: Collecting, reason: ReleaseReason, atMs: number, own: OwnRules | undefined): void {
    this.overdue = undefined
    open.run.seal = { reason, atMs, ...supersededBy(open) }
    this.recordAdded(open)
    this.holding.length = 0
    this.record('sealed', open, {
      reason,
      count: open.run.entries.length,
      ...ruleThatReleased(own, reason, this.state.rules),
    })
    this.collecting = undefined
    delete this.conversation.header
  }

  /** Writes the header of the batch that is open after this append. Returns its due time. */
  private renewHeader(open: Collecting): number {
    const { now } = this
    this.recordAdded(open)
    const waitsFromMs = this.known.paused?.untilMs ?? open.waitsFromMs
    const times = { batchId: open.run.batchId, firstAtMs: waitsFromMs ?? open.firstAtMs, lastAtMs: now }
    const due = dueOf(this.rules, this.known, times)
    const untilMs = Math.max(now, this.state.heldUntilMs(this.conversation) ?? now, due.notBeforeMs ?? 0)
    this.conversation.header = {
      batchId: open.run.batchId,
      bytes: open.bytes,
      firstAtMs: open.firstAtMs,
      lastAtMs: now,
      ...due,
      expiresAtMs: untilMs + this.rules.batchTtlMs,
      ...(waitsFromMs === undefined ? {} : { waitsFromMs }),
      ...supersededBy(open),
      ...(this.own ? { rules: this.own } : {}),
    }
    return due.dueAtMs
  }

  private recordHeld({ run }: Collecting, messageId: string): void {
    const detail = { key: JSON.stringify(messageId), forMs: this.rules.holdMs }
    this.state.record('held', run.batchId, this.conversation.id, this.now, detail)
  }

  private recordAdded(open: Collecting): void {
    if (open.added === 0) return
    const count = open.run.entries.length
    if (!open.isNew) return
    const detail: Record<string, string | number> = { count, ids: idsRecorded(open.run.entries.slice(0, 1)) }
    if (open.supersedes) detail['supersedes'] = open.supersedes.join(' ')
    this.record('opened', open, detail)
  }

  private record(step: 'opened' | 'sealed', open: Collecting, detail: Record<string, string | number>) {
    this.state.record(step, open.run.batchId, this.conversation.id, this.now, detail)
  }
}

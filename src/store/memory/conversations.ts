/**
 * Extends, flushes, drops, forgets and redrives a conversation, discards its dead batches (`lua/extend.lua`, `flush.lua`, `drop.lua`,
 * `forget*.lua`, `redrive.lua`, `discard-dead.lua`), and reads it (`conversation.lua`, `conversations.lua`, `totals.lua`).
 */
import type { OwnRules } from '../../conversation-rules.js'
import type { HistoryStep } from '../../history/steps.js'
import { shownHold } from '../hold-name.js'
import type { ExtendOptions } from '../messages.js'
import { messageFrom } from '../redis/entries.js'
import {
  BYTES_SHOWN,
  type ConversationState,
  type ConversationSummary,
  type DeadBatch,
  type ForgetResult,
  MESSAGES_SHOWN,
  type Totals,
} from '../store.js'
import { handedOut } from './batches.js'
import { type Due, dueOf, knownOf, waitingSince } from './due.js'
import {
  type Conversation,
  type Header,
  type State,
  sealOpen,
  supersededBy,
  type WaitingRun,
  waiting,
} from './state.js'
import { type Deadlines, IDS_RECORDED, idsRecorded, within } from './structures.js'
import { endSuperseded, isTooLarge, moveDue, publishSuperseded, recordSuperseded, supersedable } from './superseding.js'

export function extend(state: State, conversationId: string, worthMs: number, { rules }: ExtendOptions = {}) {
  const now = state.now()
  if (rules) state.rulesInUse.add(rules)
  const { typingGapMs } = state.rulesOf(rules)
  const sign: Sign = { worthMs: Math.round(worthMs), typingGapMs, now }
  if (typingGapMs > 0) {
    const typed = { atMs: now, ...(sign.worthMs > 0 ? { worthMs: sign.worthMs } : {}) }
    state.known.set(conversationId, { ...knownOf(state, conversationId, now), typed })
  }
  const { conversation, header } = openBatch(state, conversationId, now)
  const held = conversation && extendHolder(state, conversation, sign)
  if (!conversation || !header || now >= header.dueAtMs) return held
  const { batchId, dueAtMs } = header
  const { earlyStartMs } = state.rulesOf(header.rules)
  const { dueAtMs: extendedMs, dueBy } = movedBy(state, sign, conversationId, waitingSince(header))
  if (extendedMs === dueAtMs) return { batchId, dueInMs: dueAtMs - now }
  state.record('extended', batchId, conversationId, now, { byMs: extendedMs - dueAtMs })
  header.dueAtMs = extendedMs
  header.dueBy = dueBy
  state.keepHeader(conversationId, now, extendedMs)
  const isHead = conversation.runs[0]?.batchId === batchId
  if (conversation.heldBy === undefined && isHead) {
    const startMs = earlyStartMs > 0 ? Math.max(state.due.get(conversationId) ?? 0, now + earlyStartMs) : extendedMs
    state.schedule(conversationId, batchId, Math.min(extendedMs, startMs), now)
  }
  state.publishGrowth(conversation, batchId, conversation.runs.at(-1)?.entries.length ?? 0, extendedMs - now)
  return { batchId, dueInMs: extendedMs - now }
}

interface Sign {
  worthMs: number
  typingGapMs: number
  now: number
}

/** When a batch is due after a sign of typing, and why. */
function movedBy(
  state: State,
  { worthMs, typingGapMs, now }: Sign,
  conversationId: string,
  batch: { batchId: string; firstAtMs: number; lastAtMs: number; dueAtMs: number; rules?: OwnRules },
): Pick<Due, 'dueAtMs' | 'dueBy'> {
  const rules = state.rulesOf(batch.rules)
  if (typingGapMs > 0) {
    const due = dueOf({ ...rules, typingGapMs }, knownOf(state, conversationId, now), batch)
    return { ...due, dueAtMs: Math.max(due.dueAtMs, now) }
  }
  const signMs = worthMs > 0 ? now + worthMs : 0
  const latestMs = batch.firstAtMs + rules.maxWaitMs
  const dueAtMs = Math.max(batch.dueAtMs, Math.min(signMs, latestMs))
  return { dueAtMs, dueBy: dueAtMs === latestMs ? 'maxWait' : 'gap' }
}

/** The same for the batch that holds the conversation, if it can be superseded. */
function extendHolder(state: State, conversation: Conversation, sign: Sign) {
  const { now } = sign
  const old = supersedable(state, conversation)
  if (!old || now >= old.batch.dueAtMs) return undefined
  const { batchId, batch } = old
  const { dueAtMs: extendedMs } = movedBy(state, sign, conversation.id, { ...batch, batchId })
  if (extendedMs !== batch.dueAtMs) {
    state.record('extended', batchId, conversation.id, now, { byMs: extendedMs - batch.dueAtMs })
    moveDue(state, conversation, old, extendedMs, now)
  }
  return { batchId, dueInMs: extendedMs - now }
}

export function flush(state: State, conversationId: string) {
  const now = state.now()
  const { conversation, header } = openBatch(state, conversationId, now)
  const run = conversation?.runs.at(-1)
  const held = conversation && flushHolder(state, conversation, now)
  if (!conversation || !header || !run) return held
  const { batchId } = header
  const count = run.entries.length
  sealOpen(state, conversation, run, 'flush', now)
  return { batchId, count }
}

/** Makes the batch that holds the conversation due, if it can be superseded and was handed out early. */
function flushHolder(state: State, conversation: Conversation, now: number) {
  const old = supersedable(state, conversation)
  if (!old || now >= old.batch.dueAtMs) return undefined
  const count = old.batch.entries.length
  state.record('sealed', old.batchId, conversation.id, now, { reason: 'flush', count })
  delete old.batch.isSupersedable
  moveDue(state, conversation, old, now, now)
  return { batchId: old.batchId, count }
}

/** A drop names the first messages, up to this many bytes of them. */
const NAMED_BYTES = 1024 * 1024

export const drop = (state: State, conversationId: string): number => discard(state, conversationId, 'dropped')

/** Discards all messages that are not claimed, or whose batch can be superseded. `lua/shared/discard.lua`. */
export function discard(state: State, conversationId: string, step: HistoryStep): number {
  const now = state.now()
  const { conversation, header } = openBatch(state, conversationId, now)
  const old = conversation && supersedable(state, conversation)
  const count = (conversation ? waiting(conversation) : 0) + (old?.batch.entries.length ?? 0)
  if (!conversation || count === 0) return 0
  const batchId = header?.batchId ?? conversation.runs[0]?.batchId ?? old?.batchId ?? ''
  if (old) endSuperseded(state, conversation, old, now)
  const all = conversation.runs.flatMap(({ entries }) => entries)
  const superseded = old && !isTooLarge(old) ? old.batch.entries : []
  const ids = idsRecorded([...superseded, ...within(all, IDS_RECORDED, NAMED_BYTES)])
  state.record(step, batchId, conversationId, now, { count, by: state.name, ids })
  conversation.runs = []
  delete conversation.header
  state.due.delete(conversationId)
  if (old) recordSuperseded(state, conversation, old, now)
  state.tidy(conversation)
  return count
}

export function forget(state: State, conversationId: string): ForgetResult {
  const ids = state.aliases.samePerson(conversationId, state.now())
  const erased: ForgetResult = { messages: 0, deadBatches: 0, historyEntries: 0 }
  for (const id of ids) {
    const { messages, deadBatches, historyEntries, underWay } = forgetOne(state, id)
    erased.messages += messages
    erased.deadBatches += deadBatches
    erased.historyEntries += historyEntries
    if (underWay !== undefined) erased.underWay = underWay
  }
  if (ids.length > 1) state.aliases.forget(ids)
  return erased
}

function forgetOne(state: State, conversationId: string): ForgetResult {
  const now = state.now()
  const conversation = state.conversations.get(conversationId)
  const underWay = conversation?.heldBy
  const claimed = underWay === undefined ? undefined : state.claimedBatches.get(underWay)
  const kept = claimed ?? (underWay === undefined ? undefined : state.handedOver.get(underWay)?.batch)
  const messages = (conversation ? waiting(conversation) : 0) + (kept?.entries.length ?? 0)
  const dead = [...state.dead].filter(([, batch]) => batch.conversationId === conversationId)
  state.conversations.delete(conversationId)
  state.due.delete(conversationId)
  state.seen.forget(conversationId)
  state.sent.forget(conversationId)
  state.own.forget(conversationId)
  state.known.delete(conversationId)
  if (underWay !== undefined) {
    const isCommitted = (claimed ?? state.handedOver.get(underWay))?.isCommitted
    state.claimedBatches.delete(underWay)
    state.claimed.delete(underWay)
    state.handedOver.delete(underWay)
    state.answering.delete(underWay)
    if (state.rulesInUse.supersede && !isCommitted) {
      state.end(underWay, { state: 'superseded', atMs: now })
      publishSuperseded(state, conversationId, underWay)
    }
  }
  for (const [batchId] of dead) state.dead.delete(batchId)
  const historyEntries = state.log.forget(conversationId)
  return { messages, deadBatches: dead.length, historyEntries, ...(underWay === undefined ? {} : { underWay }) }
}

export function redrive(state: State, batchIds: [string, ...string[]]) {
  const now = state.now()
  const dead = batchIds.flatMap(batchId => {
    const batch = state.dead.get(batchId)
    return batch ? [{ ...batch, batchId }] : []
  })
  const [first] = dead
  const isOfOne = dead.every(({ conversationId }) => conversationId === first?.conversationId)
  if (!first || dead.length < batchIds.length || new Set(batchIds).size < batchIds.length || !isOfOne) return undefined
  const { conversationId } = first
  const conversation = state.conversation(conversationId)
  for (const { batchId, entries } of dead)
    state.record('redriven', batchId, conversationId, now, { count: entries.length, by: state.name })
  conversation.runs.unshift(
    ...dead.map(({ batchId, entries, releasedBy, dueAtMs, isCommitted, ...others }) => ({
      batchId,
      entries,
      seal: {
        reason: releasedBy,
        atMs: Math.min(dueAtMs, now),
        ...(isCommitted ? { isCommitted } : {}),
        ...supersededBy(others),
      },
    })),
  )
  for (const { batchId } of dead) state.dead.delete(batchId)
  if (conversation.heldBy === undefined) state.schedule(conversationId, first.batchId, now, now)
  state.publishGrowth(conversation, first.batchId, first.entries.length, 0)
  return { conversationId }
}

export function discardDead(state: State, batchIds: string[]): number {
  const now = state.now()
  let count = 0
  for (const batchId of batchIds) {
    const batch = state.dead.get(batchId)
    if (!batch) continue
    const { conversationId, entries } = batch
    state.record('discarded', batchId, conversationId, now, { count: entries.length, by: state.name })
    state.dead.delete(batchId)
    count += 1
  }
  return count
}

function openBatch(state: State, conversationId: string, now: number) {
  const conversation = state.conversations.get(conversationId)
  const header: Header | undefined = conversation && state.header(conversation, now)
  return { conversation, header }
}

export function conversationState(state: State, conversationId: string): ConversationState {
  const now = state.now()
  const conversation = state.conversations.get(conversationId)
  if (!conversation)
    return { conversationId, nowMs: now, waiting: 0, messages: [], ...shownOf(state, conversationId, now) }
  const header = state.header(conversation, now)
  const { heldBy } = conversation
  const dueSince = state.due.get(conversationId)
  return {
    conversationId,
    nowMs: now,
    waiting: waiting(conversation),
    messages: lastShown(conversation.runs),
    ...(header
      ? {
          open: {
            batchId: header.batchId,
            count: conversation.runs.at(-1)?.entries.length ?? 0,
            bytes: header.bytes,
            firstAtMs: header.firstAtMs,
            lastAtMs: header.lastAtMs,
            dueAtMs: header.dueAtMs,
            dueInMs: Math.max(header.dueAtMs - now, 0),
          },
        }
      : {}),
    ...(heldBy === undefined
      ? {}
      : { heldBy: { batchId: heldBy, state: state.claimedBatches.has(heldBy) ? 'claimed' : 'answering' } }),
    ...shownOf(state, conversationId, now, header),
    ...(dueSince === undefined || dueSince > now ? {} : { overdueForMs: now - dueSince }),
  }
}

/** @param open the open batch */
function shownOf(state: State, conversationId: string, now: number, open?: Pick<Header, 'batchId' | 'lastAtMs'>) {
  const { paused, typed, holds } = knownOf(state, conversationId, now)
  const its = [...(holds ?? [])].filter(([, hold]) => hold.batchId === undefined || hold.batchId === open?.batchId)
  const held = its.map(([key, { atMs }]) => shownHold(key, atMs - now))
  const isTyping = typed && typed.atMs >= (open?.lastAtMs ?? 0) && typed.atMs + (typed.worthMs ?? 0) > now
  held.sort((a, b) => (a.key < b.key ? -1 : 1))
  return {
    ...(paused ? { paused: { untilMs: paused.untilMs, inMs: paused.untilMs - now, keep: paused.keep } } : {}),
    ...(held.length > 0 ? { holds: held } : {}),
    ...(typed ? { typedAgoMs: now - typed.atMs } : {}),
    ...(isTyping ? { isTyping } : {}),
  }
}

function lastShown(runs: WaitingRun[]): ConversationState['messages'] {
  const all = runs.flatMap(({ batchId, entries }) => entries.map(entry => ({ batchId, ...entry }))).reverse()
  return within(all, MESSAGES_SHOWN, BYTES_SHOWN)
    .map(({ batchId, receivedAtMs, json }) => ({ batchId, receivedAtMs, message: messageFrom(json) }))
    .reverse()
}

export function conversationSummaries(state: State, limit: number): ConversationSummary[] {
  const now = state.now()
  const open = state.due.firsts(limit).map(({ member, atMs }) => ({
    conversationId: member,
    state: 'open' as const,
    dueInMs: Math.max(atMs - now, 0),
    count: openCount(state, member, now),
  }))
  const held = [...state.claimed.firsts(limit), ...state.answering.firsts(limit)].flatMap(({ member: batchId }) => {
    const batch = state.claimedBatches.get(batchId) ?? state.handedOver.get(batchId)
    return batch ? [{ conversationId: batch.conversationId, state: 'held' as const, batchId }] : []
  })
  return [...open, ...held].slice(0, limit)
}

function openCount(state: State, conversationId: string, now: number): number {
  const conversation = state.conversations.get(conversationId)
  return conversation && state.header(conversation, now) ? (conversation.runs.at(-1)?.entries.length ?? 0) : 0
}

export function totals(state: State): Totals {
  const now = state.now()
  const [first] = state.due.firsts(1)
  return {
    open: state.due.size,
    held: state.claimed.size + state.answering.size,
    dead: state.dead.size,
    oldestDueAgeMs: first ? Math.max(now - first.atMs, 0) : 0,
  }
}

/** The last to die first. */
export function deadBatches(state: State, limit: number): DeadBatch[] {
  return [...state.dead]
    .sort(([, a], [, b]) => b.diedAtMs - a.diedAtMs)
    .slice(0, limit)
    .map(([batchId, dead]) => ({
      batchId,
      conversationId: dead.conversationId,
      attempts: dead.attempt,
      error: dead.error,
      diedAtMs: dead.diedAtMs,
      batch: handedOut(batchId, dead, dead.releasedAtMs),
    }))
}

/** All batches and messages by their ids, for tests of the invariants. */
export interface Snapshot {
  conversations: {
    conversationId: string
    /** The batch of each waiting message, in order. */
    waiting: string[]
    header?: { batchId: string; count: number; bytes: number; expiresAtMs: number }
    dueAtMs?: number
    heldBy?: string
  }[]
  /** `untilMs`: the end of the lease, or the next check. */
  claimed: { batchId: string; conversationId: string; count: number; untilMs?: number }[]
  /** `count`: of the messages that are kept, as a newer message may supersede it. */
  answering: { batchId: string; conversationId: string; untilMs?: number; count?: number }[]
  dead: { batchId: string; conversationId: string; count: number }[]
}

export function snapshot(state: State): Snapshot {
  const now = state.now()
  return {
    conversations: [...state.conversations.values()].map(conversation => {
      const { id, runs, heldBy } = conversation
      const header = state.header(conversation, now)
      const dueAtMs = state.due.get(id)
      return {
        conversationId: id,
        waiting: runs.flatMap(({ batchId, entries }) => entries.map(() => batchId)),
        ...(header
          ? {
              header: {
                batchId: header.batchId,
                count: runs.at(-1)?.entries.length ?? 0,
                bytes: header.bytes,
                expiresAtMs: header.expiresAtMs,
              },
            }
          : {}),
        ...(dueAtMs === undefined ? {} : { dueAtMs }),
        ...(heldBy === undefined ? {} : { heldBy }),
      }
    }),
    claimed: counted(state.claimedBatches).map(batch => ({ ...batch, ...until(state.claimed, batch.batchId) })),
    answering: [...state.handedOver].map(([batchId, { conversationId, batch }]) => ({
      batchId,
      conversationId,
      ...(batch ? { count: batch.entries.length } : {}),
      ...until(state.answering, batchId),
    })),
    dead: counted(state.dead),
  }
}

const counted = (batches: Map<string, { conversationId: string; entries: unknown[] }>) =>
  [...batches].map(([batchId, { conversationId, entries }]) => ({ batchId, conversationId, count: entries.length }))

function until(deadlines: Deadlines, batchId: string) {
  const untilMs = deadlines.get(batchId)
  return untilMs === undefined ? {} : { untilMs }
}

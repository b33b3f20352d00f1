/**
 * Claims batches, and ends their leases and holds: `lua/claim.lua`, `renew.lua`, `ack.lua`, `nack.lua`, `give-
 * back.lua`, `check-now.lua`, `worker-started.lua`, `answered.lua`.
 */
import { composeBatch, type MessageRun, type ReleaseReason, traceparentsOf } from '../../batch.js'
import { ruleThatReleased } from '../../conversation-rules.js'
import { messageFrom } from '../redis/entries.js'
import type {
  AnswerCheck,
  AnsweredResult,
  AnswerOutcome,
  ClaimedBatch,
  ClaimRequest,
  ClaimResult,
  Lease,
  LostLease,
  NackRequest,
  NackResult,
} from '../store.js'
import { reasonOf } from './due.js'
import { type Claimed, type Conversation, type Header, type State, supersededBy } from './state.js'
import { idsRecorded, timesRecorded } from './structures.js'
import { sizeOf } from './superseding.js'

const ENDED_LEASES_A_CLAIM = 10
const CHECKS_A_CLAIM = 200

export function claim(state: State, { owner, maxBatches, maxBytes }: ClaimRequest): ClaimResult {
  const now = state.now()
  const ended = state.claimed.firsts(ENDED_LEASES_A_CLAIM, now)
  const due = state.due.firsts(maxBatches, now)
  const { batch: reclaimed, dead } = reclaim(state, ended, owner, now)
  const batches = reclaimed ? [reclaimed.result] : []
  let bytes = reclaimed?.bytes ?? 0
  for (const { member, atMs } of due) {
    if (batches.length >= maxBatches || bytes >= maxBytes) break
    const taken = takeHead(state, state.conversation(member), atMs, owner, now)
    if (!taken) continue
    batches.push(taken.result)
    bytes += taken.bytes
  }
  return { batches, checks: checks(state, now), dead, troubles: [], ...next(state, now) }
}

/** Handles ended leases: all batches whose attempts are used up die; of the others one is claimed again. */
function reclaim(state: State, ended: { member: string }[], owner: string, now: number) {
  const dead: ClaimResult['dead'] = []
  let reclaimed: { result: ClaimedBatch; bytes: number } | undefined
  for (const { member: batchId } of ended) {
    const batch = state.claimedBatches.get(batchId)
    if (!batch) continue
    const { conversationId } = batch
    if (batch.attempt >= state.rules.maxAttempts) {
      const error = batch.error ?? `its lease ran out ${batch.attempt} times`
      state.die(batchId, batch, error, now)
      dead.push({ batchId, conversationId, error })
    } else if (!reclaimed) {
      batch.attempt += 1
      batch.lease += 1
      batch.owner = owner
      reclaimed = lease(state, batchId, batch, { lateMs: 0 }, now)
      state.record('reclaimed', batchId, conversationId, now, { owner, attempt: batch.attempt })
    }
  }
  return { batch: reclaimed, dead }
}

function takeHead(state: State, conversation: Conversation, dueAtMs: number, owner: string, now: number) {
  const conversationId = conversation.id
  const header = state.header(conversation, now)
  const run = conversation.runs.shift()
  state.due.delete(conversationId)
  if (!run) return undefined
  const { batchId, entries } = run
  const isOpen = header?.batchId === batchId
  if (isOpen) delete conversation.header
  const firstAtMs = entries[0]?.receivedAtMs ?? now
  const lastAtMs = entries.at(-1)?.receivedAtMs ?? now
  const life = isOpen
    ? openLife(state, header, now)
    : {
        firstAtMs,
        lastAtMs,
        dueAtMs: run.seal?.atMs ?? dueAtMs,
        releasedBy: run.seal?.reason ?? ('recovery' satisfies ReleaseReason),
        ...(run.seal?.isCommitted ? { isCommitted: true } : {}),
        ...supersededBy(run.seal),
      }
  const lost = isOpen || run.seal ? undefined : lastAtMs + state.rules.batchTtlMs > now ? 'vanished' : 'expired'
  const batch: Claimed = { conversationId, attempt: 1, lease: 1, owner, entries, ...life, releasedAtMs: now }
  state.claimedBatches.set(batchId, batch)
  conversation.heldBy = batchId
  const lateMs = Math.max(now - dueAtMs, 0)
  const taken = lease(state, batchId, batch, { lateMs, ...(lost ? { headerLost: lost } : {}) }, now)
  const count = entries.length
  if (lost === 'vanished') state.record('vanished', batchId, conversationId, now, { count })
  const named = { ids: idsRecorded(entries), at: timesRecorded(entries), firstAtMs }
  const isTypingGap = isOpen && header.dueBy === 'typingGap' && batch.releasedBy === 'gap'
  const because = isTypingGap ? 'typingGap' : batch.releasedBy
  const rule = ruleThatReleased(batch.rules, because, state.rules, batch.dueAtMs - batch.lastAtMs)
  const reason = batch.releasedBy
  const detail = { owner, reason, count, lateMs, ...named, ...rule }
  const early = reason === 'early' && { dueInMs: batch.dueAtMs - now }
  state.record('claimed', batchId, conversationId, now, { ...detail, ...early })
  return taken
}

function openLife(state: State, header: Header, now: number) {
  const { firstAtMs, lastAtMs, dueAtMs, dueBy, rules } = header
  const { earlyStartMs, answering } = state.rulesOf(rules)
  // A last message ahead of now: the clock was set back, and the batch is due.
  const isEarly = earlyStartMs > 0 && dueAtMs > now && lastAtMs <= now
  const releasedBy: ReleaseReason = isEarly ? 'early' : reasonOf(dueBy)
  return {
    firstAtMs,
    lastAtMs,
    dueAtMs,
    releasedBy,
    ...supersededBy(header),
    ...(rules ? { rules } : {}),
    ...(answering === 'supersede' && releasedBy !== 'maxWait' ? { isSupersedable: true } : {}),
  }
}

/** Starts a lease. Returns the batch for its owner. */
function lease(
  state: State,
  batchId: string,
  batch: Claimed,
  found: Pick<ClaimedBatch, 'lateMs' | 'headerLost'>,
  now: number,
): { result: ClaimedBatch; bytes: number } {
  const endsAtMs = now + state.rules.leaseMs
  state.claimed.set(batchId, endsAtMs)
  state.keepHeader(batch.conversationId, now, endsAtMs)
  const { attempt, lease } = batch
  const run = runOf(batchId, batch, now)
  const traceparents = traceparentsOf(run)
  return {
    result: {
      batchId,
      lease,
      attempt,
      ...found,
      batch: composeBatch(run),
      ...(traceparents ? { traceparents } : {}),
    },
    bytes: sizeOf(batch.entries),
  }
}

/** A claimed or dead batch in the form in which it is handed over. */
export const handedOut = (batchId: string, batch: Claimed, claimedAtMs: number) =>
  composeBatch(runOf(batchId, batch, claimedAtMs))

function runOf(batchId: string, batch: Claimed, claimedAtMs: number): MessageRun {
  const entries = batch.entries.map(({ receivedAtMs, json }) => ({ receivedAtMs, message: messageFrom(json) }))
  return { ...batch, batchId, entries, claimedAtMs, answering: batch.rules?.answering }
}

/** Answer checks that are due; schedules the next ones. The header of a held conversation lives at least as long. */
function checks(state: State, now: number): AnswerCheck[] {
  return state.answering.firsts(CHECKS_A_CLAIM, now).flatMap(({ member: batchId }) => {
    const handed = state.handedOver.get(batchId)
    if (!handed) return []
    const { conversationId, handedOverAtMs, workerAttempt, workerStartedAtMs } = handed
    const timeoutAtMs = workerStartedAtMs === undefined ? undefined : workerStartedAtMs + state.rules.answerTimeoutMs
    let again = state.nextCheck(now)
    if (timeoutAtMs !== undefined && timeoutAtMs > now) again = Math.min(again, timeoutAtMs)
    state.answering.set(batchId, again)
    state.keepHeader(conversationId, now, again)
    return [
      {
        batchId,
        conversationId,
        handedOverForMs: Math.max(now - handedOverAtMs, 0),
        ...(workerAttempt === undefined || workerStartedAtMs === undefined
          ? {}
          : { workerAttempt, workingForMs: Math.max(now - workerStartedAtMs, 0) }),
      },
    ]
  })
}

/** The time until a claim has something to do again. */
function next(state: State, now: number): { nextInMs?: number } {
  const firsts = [state.due, state.claimed, state.answering].flatMap(({ first }) => (first ? [first.atMs] : []))
  return firsts.length === 0 ? {} : { nextInMs: Math.max(Math.min(...firsts) - now, 0) }
}

/** `giveBack` looks at this many leases, those that end last. */
const LATEST_LEASES = 1000

export function ack(state: State, batchIds: string[]): void {
  const now = state.now()
  for (const batchId of batchIds) {
    const batch = state.claimedBatches.get(batchId)
    if (!batch) {
      const dead = state.dead.get(batchId)
      if (!dead) continue
      state.dead.delete(batchId)
      state.record('handed-over', batchId, dead.conversationId, now, { owner: state.name, late: 'true' })
      continue
    }
    const { conversationId } = batch
    state.claimedBatches.delete(batchId)
    state.claimed.delete(batchId)
    state.record('handed-over', batchId, conversationId, now, { owner: batch.owner || state.name })
    if (state.rules.order === 'serial') {
      const checkAtMs = state.nextCheck(now)
      state.handedOver.set(batchId, {
        conversationId,
        lastAtMs: batch.lastAtMs,
        handedOverAtMs: now,
        ...(batch.isSupersedable ? { batch } : {}),
        ...(batch.isCommitted ? { isCommitted: true } : {}),
      })
      state.answering.set(batchId, checkAtMs)
      state.keepHeader(conversationId, now, checkAtMs)
    } else {
      state.free(state.conversation(conversationId), now)
    }
  }
}

export function answered(
  state: State,
  batchId: string,
  outcome: AnswerOutcome,
  conversationNamed?: string,
  lease?: number,
): AnsweredResult {
  const now = state.now()
  const claimed = state.claimedBatches.get(batchId)
  if (lease !== undefined && claimed && claimed.lease !== lease && claimed.owner !== '') return { freed: false }
  // The receiver does not know a batch that is not acknowledged, because it never got it, perhaps.
  if (outcome === 'removed' && claimed && !state.handedOver.has(batchId)) return { freed: false }
  const holding = state.handedOver.get(batchId) ?? claimed
  if (!holding) {
    const dead = state.dead.get(batchId)
    if (dead) {
      state.dead.delete(batchId)
      state.record('answered', batchId, dead.conversationId, now, { outcome, late: 'true' })
    } else if (conversationNamed && !(state.rulesInUse.supersede && state.endOf(batchId, now))) {
      state.record('answered', batchId, conversationNamed, now, { outcome })
    }
    return { freed: false }
  }
  const { conversationId, lastAtMs } = holding
  state.handedOver.delete(batchId)
  state.answering.delete(batchId)
  state.claimedBatches.delete(batchId)
  state.claimed.delete(batchId)
  if (claimed) state.record('handed-over', batchId, conversationId, now, { owner: claimed.owner })
  state.record('answered', batchId, conversationId, now, { outcome })
  if (state.rulesInUse.supersede) state.end(batchId, { state: 'answered', atMs: now })
  const dueInMs = state.free(state.conversation(conversationId), now)
  return { freed: true, ...(dueInMs === undefined ? {} : { dueInMs }), replyMs: Math.max(now - lastAtMs, 0) }
}

export function nack(state: State, { batchId, lease, delayMs, counts, error }: NackRequest): NackResult {
  const now = state.now()
  const batch = state.claimedBatches.get(batchId)
  if (!batch || batch.lease !== lease) return 'stale'
  const { conversationId, attempt } = batch
  if (counts && attempt >= state.rules.maxAttempts) {
    state.die(batchId, batch, error, now)
    return 'dead'
  }
  const againAtMs = now + Math.round(delayMs)
  Object.assign(batch, { attempt: attempt - (counts ? 0 : 1), lease: lease + 1, owner: '', error })
  state.claimed.set(batchId, againAtMs)
  state.keepHeader(conversationId, now, againAtMs)
  state.record('nacked', batchId, conversationId, now, { attempt, delayMs: Math.round(delayMs), error })
  return 'retry'
}

export function renew(state: State, leases: Lease[]): LostLease[] {
  const now = state.now()
  const endsAtMs = now + state.rules.leaseMs
  const lost: LostLease[] = []
  for (const { batchId, lease } of leases) {
    const batch = state.claimedBatches.get(batchId)
    if (batch?.lease === lease) {
      state.claimed.set(batchId, endsAtMs)
      state.keepHeader(batch.conversationId, now, endsAtMs)
    } else {
      lost.push({ batchId, ...superseded(state, batchId, now) })
    }
  }
  return lost
}

function superseded(state: State, batchId: string, now: number): Pick<LostLease, 'superseded'> {
  const end = state.endOf(batchId, now)
  if (end?.state !== 'superseded') return {}
  return { superseded: end.by === undefined ? {} : { by: end.by } }
}

export function giveBack(state: State, owner: string, keep: string[]): string[] {
  const now = state.now()
  const kept = new Set(keep)
  const givenBack: string[] = []
  for (const { member: batchId } of state.claimed.all().reverse().slice(0, LATEST_LEASES)) {
    const batch = state.claimedBatches.get(batchId)
    if (!batch || batch.owner !== owner || kept.has(batchId)) continue
    batch.owner = ''
    batch.attempt -= 1
    batch.lease += 1
    state.claimed.set(batchId, now)
    state.record('given-back', batchId, batch.conversationId, now, { owner })
    state.publishDue(batch.conversationId, batchId, 0)
    state.publishGrowth(state.conversation(batch.conversationId), batchId, batch.entries.length, 0)
    givenBack.push(batchId)
  }
  return givenBack
}

export function checkNow(state: State, batchIds: string[]): void {
  const now = state.now()
  const held = batchIds.filter(batchId => state.answering.get(batchId) !== undefined)
  for (const batchId of held) state.answering.set(batchId, now)
  const last = held.at(-1)
  const handed = last === undefined ? undefined : state.handedOver.get(last)
  if (handed && last !== undefined) state.publishDue(handed.conversationId, last, 0)
}

export function checkAllNow(state: State): void {
  const now = state.now()
  for (const { member } of state.answering.all())
    state.answering.set(member, Math.min(state.answering.get(member) ?? now, now))
}

export function workerStarted(state: State, batchId: string, workerAttempt: string): void {
  const now = state.now()
  const handed = state.handedOver.get(batchId)
  if (!handed || handed.workerAttempt === workerAttempt) return
  state.answering.set(batchId, Math.min(now + state.rules.answerTimeoutMs, state.nextCheck(now)))
  Object.assign(handed, { workerAttempt, workerStartedAtMs: now })
}

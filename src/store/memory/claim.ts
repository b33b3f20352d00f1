/** Batches out: what `lua/claim.lua` does. */
import type { ReleaseReason } from '../../batch.js'
import { composeBatch } from '../../batch.js'
import { messageFrom } from '../redis/entries.js'
import type { AnswerCheck, ClaimedBatch, ClaimRequest, ClaimResult } from '../store.js'
import type { Entry } from './history.js'
import { idsRecorded, timesRecorded } from './history.js'
import type { Claimed, Conversation, State } from './state.js'

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

/** Ended leases: of those whose attempts are used up all, of the others one a claim. */
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
    ? { firstAtMs: header.firstAtMs, lastAtMs: header.lastAtMs, dueAtMs: header.dueAtMs, releasedBy: header.dueBy }
    : {
        firstAtMs,
        lastAtMs,
        dueAtMs: run.seal?.atMs ?? dueAtMs,
        releasedBy: run.seal?.reason ?? ('recovery' satisfies ReleaseReason),
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
  state.record('claimed', batchId, conversationId, now, { owner, reason: batch.releasedBy, count, lateMs, ...named })
  return taken
}

/** Hands a claimed batch out to its owner. */
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
  return {
    result: { batchId, lease, attempt, ...found, batch: handedOut(batchId, batch) },
    bytes: sizeOf(batch.entries),
  }
}

/** A claimed (or dead) batch, as it is handed over. */
export function handedOut(batchId: string, batch: Claimed) {
  const entries = batch.entries.map(({ receivedAtMs, json }) => ({ receivedAtMs, message: messageFrom(json) }))
  return composeBatch({ ...batch, batchId, entries })
}

/** As Redis counts them: lines of `<receivedAtMs> <json>`. */
const sizeOf = (entries: Entry[]) =>
  entries.reduce((sum, { receivedAtMs, bytes }) => sum + String(receivedAtMs).length + 1 + bytes, entries.length - 1)

/** Answers to check. A held conversation's open batch keeps its header meanwhile. */
function checks(state: State, now: number): AnswerCheck[] {
  return state.answering.firsts(CHECKS_A_CLAIM, now).flatMap(({ member: batchId }) => {
    const handed = state.handedOver.get(batchId)
    if (!handed) return []
    const { conversationId, handedOverAtMs, take, takenAtMs } = handed
    const timeoutAtMs = takenAtMs === undefined ? undefined : takenAtMs + state.rules.answerTimeoutMs
    let again = state.nextCheck(now)
    if (timeoutAtMs !== undefined && timeoutAtMs > now) again = Math.min(again, timeoutAtMs)
    state.answering.set(batchId, again)
    state.keepHeader(conversationId, now, again)
    return [
      {
        batchId,
        conversationId,
        handedOverForMs: Math.max(now - handedOverAtMs, 0),
        ...(take === undefined || takenAtMs === undefined ? {} : { take, takenForMs: Math.max(now - takenAtMs, 0) }),
      },
    ]
  })
}

/** The milliseconds until the next thing to do, where there is one. */
function next(state: State, now: number): { nextInMs?: number } {
  const firsts = [state.due, state.claimed, state.answering].flatMap(({ first }) => (first ? [first.atMs] : []))
  return firsts.length === 0 ? {} : { nextInMs: Math.max(Math.min(...firsts) - now, 0) }
}

/** What becomes of claimed batches: `lua/ack.lua`, `nack.lua`, `renew.lua`, `give-back.lua`, `check-now.lua`, `taken.lua`, `answered.lua`. */
import type { AnsweredResult, AnswerOutcome, Lease, NackRequest, NackResult } from '../store.js'
import type { State } from './state.js'

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
      state.handedOver.set(batchId, { conversationId, handedOverAtMs: now })
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
  const holding = state.handedOver.get(batchId) ?? claimed
  if (!holding) {
    const dead = state.dead.get(batchId)
    if (dead) {
      state.dead.delete(batchId)
      state.record('answered', batchId, dead.conversationId, now, { outcome, late: 'true' })
    } else if (conversationNamed) {
      state.record('answered', batchId, conversationNamed, now, { outcome })
    }
    return { freed: false }
  }
  const { conversationId } = holding
  state.handedOver.delete(batchId)
  state.answering.delete(batchId)
  state.claimedBatches.delete(batchId)
  state.claimed.delete(batchId)
  if (claimed) state.record('handed-over', batchId, conversationId, now, { owner: claimed.owner })
  state.record('answered', batchId, conversationId, now, { outcome })
  const dueInMs = state.free(state.conversation(conversationId), now)
  return { freed: true, ...(dueInMs === undefined ? {} : { dueInMs }) }
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

export function renew(state: State, leases: Lease[]): string[] {
  const now = state.now()
  const endsAtMs = now + state.rules.leaseMs
  const lost: string[] = []
  for (const { batchId, lease } of leases) {
    const batch = state.claimedBatches.get(batchId)
    if (batch?.lease === lease) {
      state.claimed.set(batchId, endsAtMs)
      state.keepHeader(batch.conversationId, now, endsAtMs)
    } else {
      lost.push(batchId)
    }
  }
  return lost
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
    state.tellDue(batch.conversationId, batchId, 0)
    state.announce(state.conversation(batch.conversationId), batchId, batch.entries.length, 0)
    givenBack.push(batchId)
  }
  return givenBack
}

export function checkNow(state: State, batchIds?: string[]): void {
  const now = state.now()
  let told: string | undefined
  for (const batchId of batchIds ?? state.answering.all().map(({ member }) => member)) {
    const atMs = state.answering.get(batchId)
    if (atMs === undefined || (!batchIds && atMs <= now)) continue
    state.answering.set(batchId, now)
    told = batchId
  }
  const handed = batchIds && told !== undefined ? state.handedOver.get(told) : undefined
  if (handed && told !== undefined) state.tellDue(handed.conversationId, told, 0)
}

export function taken(state: State, batchId: string, take: string): void {
  const now = state.now()
  const handed = state.handedOver.get(batchId)
  if (!handed || handed.take === take) return
  state.answering.set(batchId, Math.min(now + state.rules.answerTimeoutMs, state.nextCheck(now)))
  Object.assign(handed, { take, takenAtMs: now })
}

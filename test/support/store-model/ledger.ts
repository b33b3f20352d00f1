/**
 * Checks a store's results from the user's side: a conversation is a queue of accepted messages. A claim takes from its
 * front, handed-over batches never come back, dead batches may come back to the front. It knows nothing of how a store
 * works, so it also finds a fault that both stores have.
 */
import { expect } from 'chai'
import type { StoredMessage } from '../../../src/batch.js'
import type { Rules } from '../../../src/rules.js'
import type { AppendResult, ClaimedBatch, ClaimResult, CommitResult, RevokeResult } from '../../../src/store/store.js'

interface Accepted {
  messageId: string
  sentAtMs: number | undefined
}

interface Known {
  conversationId: string
  messages: Accepted[]
  state: 'claimed' | 'answering' | 'done' | 'dead' | 'waiting' | 'dropped' | 'superseded'
  dueAtMs: number
  isCommitted?: true
}

export class Ledger {
  accepted = 0
  handedOver = 0
  dropped = 0
  private readonly waiting = new Map<string, Accepted[]>()
  private readonly seenAtMs = new Map<string, number>()
  private readonly batches = new Map<string, Known>()
  /** The committed batch of each message. */
  private readonly committedIn = new Map<Accepted, string>()

  constructor(private readonly rules: Rules) {}

  appended(conversationId: string, messages: StoredMessage[], nowMs: number, result: AppendResult): void {
    const { dedupeMs, maxAgeMs } = this.rules
    const count = { accepted: 0, duplicates: 0, tooOld: 0 }
    const isDiscarded = result.paused !== undefined && result.batchId === undefined
    for (const { messageId, sentAtMs } of messages) {
      const key = `${conversationId} ${messageId}`
      const seenAtMs = this.seenAtMs.get(key)
      if (seenAtMs !== undefined && seenAtMs > nowMs - dedupeMs) count.duplicates += 1
      else if (maxAgeMs > 0 && sentAtMs !== undefined && sentAtMs < nowMs - maxAgeMs) count.tooOld += 1
      else {
        count.accepted += 1
        this.seenAtMs.set(key, nowMs)
        if (isDiscarded) this.dropped += 1
        else this.queue(conversationId).push({ messageId, sentAtMs })
      }
    }
    expect(result, 'accepted, duplicates and too old').to.include(count)
    this.accepted += count.accepted
  }

  claimed({ batches, dead }: Pick<ClaimResult, 'batches' | 'dead'>): void {
    for (const { batchId } of dead) this.died(batchId)
    for (const batch of batches) this.takenOut(batch)
  }

  /** Its messages are in front of its conversation again. */
  superseded(batchId: string): void {
    const batch = this.batches.get(batchId)
    // A pause has collected it: its messages wait in another batch.
    if (!batch || batch.state === 'waiting') {
      this.batches.delete(batchId)
      return
    }
    expect(batch.state, `${batchId} is superseded`).to.be.oneOf(['claimed', 'answering'])
    expect(batch.isCommitted, `${batchId} is superseded after its commit`).to.equal(undefined)
    if (batch.state === 'answering') this.handedOver -= batch.messages.length
    batch.state = 'superseded'
    const queue = this.queue(batch.conversationId)
    queue.unshift(...batch.messages)
  }

  committed(batchId: string, nowMs: number, result: CommitResult): void {
    // Nothing is superseded, and nothing holds a conversation.
    if (this.rules.order === 'concurrent') return void expect(result).to.deep.equal({ state: 'go' })
    const batch = this.batches.get(batchId)
    const isWorkedOn = batch !== undefined && ['claimed', 'answering', 'dead'].includes(batch.state)
    if (result.state === 'superseded') expect(batch?.state, batchId).to.be.oneOf(['superseded', 'dropped'])
    expect(result.state === 'go' || result.state === 'wait', `${batchId} is granted, or waits`).to.equal(isWorkedOn)
    if (result.state !== 'go' || !batch) return
    expect(result.again, `${batchId} was committed before`).to.equal(batch.isCommitted)
    if (batch.isCommitted) return
    expect(nowMs, `${batchId} is committed when it is due`).to.be.at.least(batch.dueAtMs)
    batch.isCommitted = true
    for (const message of batch.messages) {
      expect(this.committedIn.get(message), `${message.messageId} is committed once`).to.equal(undefined)
      this.committedIn.set(message, batchId)
    }
  }

  /** It is due now. */
  flushed(batchId: string): void {
    const batch = this.batches.get(batchId)
    if (batch) batch.dueAtMs = 0
  }

  acknowledged(batchId: string): void {
    const batch = this.batches.get(batchId)
    if (batch?.state === 'claimed') this.ended(batch, this.rules.order === 'serial' ? 'answering' : 'done')
    else if (batch?.state === 'dead') this.ended(batch, 'done')
  }

  answered(batchId: string): void {
    const batch = this.batches.get(batchId)
    if (batch?.state === 'claimed' || batch?.state === 'dead') this.ended(batch, 'done')
    else if (batch?.state === 'answering') batch.state = 'done'
  }

  died(batchId: string): void {
    const batch = this.known(batchId)
    expect(batch.state, `${batchId} dies of a claim`).to.equal('claimed')
    batch.state = 'dead'
  }

  redriven(batchIds: string[]): void {
    for (const batchId of batchIds.toReversed()) {
      const batch = this.known(batchId)
      expect(batch.state, `${batchId} comes back from the dead`).to.equal('dead')
      batch.state = 'waiting'
      this.queue(batch.conversationId).unshift(...batch.messages)
    }
  }

  discardedDead(batchId: string): void {
    const batch = this.known(batchId)
    expect(batch.state, `${batchId} is discarded`).to.equal('dead')
    batch.state = 'dropped'
    this.dropped += batch.messages.length
  }

  discarded(conversationId: string, count: number): void {
    const queue = this.queue(conversationId)
    expect(count, `dropped of ${conversationId}`).to.equal(queue.length)
    this.dropped += queue.length
    queue.length = 0
    for (const batch of this.batches.values())
      if (batch.conversationId === conversationId && batch.state === 'waiting') batch.state = 'dropped'
  }

  revoked(conversationId: string, messageId: string, nowMs: number, result: RevokeResult): void {
    const queue = this.queue(conversationId)
    const at = queue.findLastIndex(message => message.messageId === messageId)
    expect(result === 'revoked', `${messageId} is taken out if it waits`).to.equal(at >= 0)
    const [revoked] = at < 0 ? [] : queue.splice(at, 1)
    if (revoked) this.withoutRevoked(revoked)
    if (result === 'remembered') this.seenAtMs.set(`${conversationId} ${messageId}`, nowMs)
  }

  /** A redriven batch is gone with the last of its messages. */
  private withoutRevoked(revoked: Accepted): void {
    this.dropped += 1
    for (const batch of this.batches.values()) {
      if (batch.state !== 'waiting' || !batch.messages.includes(revoked)) continue
      batch.messages = batch.messages.filter(message => message !== revoked)
      if (batch.messages.length === 0) batch.state = 'dropped'
    }
  }

  /** @param kept of the erased messages, those that were handed over before */
  forgotten(conversationId: string, messages: number, kept: number): void {
    const queue = this.queue(conversationId)
    let erased = queue.splice(0).length
    for (const batch of this.batches.values()) {
      if (batch.conversationId !== conversationId) continue
      if (batch.state === 'claimed') erased += batch.messages.length
      if (batch.state === 'dead') this.dropped += batch.messages.length
      batch.state = 'dropped'
    }
    expect(messages, `erased of ${conversationId}`).to.equal(erased + kept)
    this.dropped += erased
    for (const key of this.seenAtMs.keys()) if (key.startsWith(`${conversationId} `)) this.seenAtMs.delete(key)
  }

  /** @param order all that waits afterwards, as the store has it: each queue keeps its own order */
  merged(from: string, into: string, count: number, order: StoredMessage[]): void {
    const moved = this.queue(from).splice(0)
    const queue = this.queue(into)
    expect(count, `moved from ${from}`).to.equal(moved.length)
    for (const part of [moved, queue]) expectWithin(part, order)
    const all = [...moved, ...queue]
    const inOrder = order.flatMap(message => {
      const at = all.findIndex(isThe(message))
      return at < 0 ? [] : all.splice(at, 1)
    })
    expect(inOrder, 'what waits after a merge').to.have.lengthOf(moved.length + queue.length)
    queue.splice(0, queue.length, ...inOrder)
    for (const batch of this.batches.values())
      if (batch.conversationId === from && batch.state !== 'dead') batch.conversationId = into
    for (const [key, atMs] of [...this.seenAtMs]) {
      if (!key.startsWith(`${from} `)) continue
      this.seenAtMs.delete(key)
      const other = `${into} ${key.slice(from.length + 1)}`
      this.seenAtMs.set(other, Math.max(atMs, this.seenAtMs.get(other) ?? 0))
    }
  }

  /** Batches that hold their conversations until they are answered. */
  get answering(): string[] {
    return [...this.batches].flatMap(([batchId, { state }]) => (state === 'answering' ? [batchId] : []))
  }

  /** To be called after all batches were handed over. */
  expectBalance(): void {
    for (const [conversationId, queue] of this.waiting) expect(queue, `left of ${conversationId}`).to.deep.equal([])
    for (const [batchId, { state }] of this.batches)
      expect(state, batchId).to.be.oneOf(['done', 'dropped', 'superseded'])
    expect(this.handedOver + this.dropped, 'handed over or dropped').to.equal(this.accepted)
  }

  private takenOut({ batchId, batch: { conversationId, messages, dueAtMs, supersedes = [] } }: ClaimedBatch): void {
    for (const other of supersedes)
      expect(this.known(other).state, `${other}, before ${batchId}`).to.equal('superseded')
    const known = this.batches.get(batchId)
    const isAgain = known?.state === 'claimed'
    if (known && !isAgain) expect(known.state, `${batchId} is handed out`).to.equal('waiting')
    const taken = isAgain ? known.messages : this.queue(conversationId).splice(0, messages.length)
    const asOut = taken.some(({ sentAtMs }) => sentAtMs === undefined)
      ? taken
      : taken.toSorted((a, b) => (a.sentAtMs ?? 0) - (b.sentAtMs ?? 0))
    expect(
      messages.map(({ messageId }) => messageId),
      `${batchId} is the front of ${conversationId}`,
    ).to.deep.equal(asOut.map(({ messageId }) => messageId))
    for (const [otherId, other] of this.batches)
      if (otherId !== batchId && other.conversationId === conversationId)
        expect(other.state, `${otherId}, while ${batchId} of its conversation is out`).not.to.be.oneOf([
          'claimed',
          'answering',
        ])
    const isCommitted = known?.isCommitted ? { isCommitted: known.isCommitted } : {}
    this.batches.set(batchId, { conversationId, messages: taken, state: 'claimed', dueAtMs, ...isCommitted })
  }

  private ended(batch: Known, state: 'answering' | 'done'): void {
    batch.state = state
    this.handedOver += batch.messages.length
  }

  private known(batchId: string): Known {
    const batch = this.batches.get(batchId)
    if (!batch) throw new Error(`${batchId} was never claimed`)
    return batch
  }

  private queue(conversationId: string): Accepted[] {
    const queue = this.waiting.get(conversationId) ?? []
    this.waiting.set(conversationId, queue)
    return queue
  }
}

/** One id may wait twice, if both conversations have seen it. */
const isThe =
  ({ messageId, sentAtMs }: StoredMessage) =>
  (accepted: Accepted) =>
    accepted.messageId === messageId && accepted.sentAtMs === sentAtMs

/** Expects the messages among `order`, in their own order. */
function expectWithin(messages: Accepted[], order: StoredMessage[]): void {
  let at = 0
  for (const accepted of messages) {
    at = order.findIndex((message, i) => i >= at && isThe(message)(accepted)) + 1
    expect(at, `${accepted.messageId} keeps its place`).to.be.above(0)
  }
}

/** The memory store: the contract of a store on a clock that the tests move, and tests of its own. */
import { expect } from 'chai'
import { MemoryStore } from '../../../../src/store/memory/store.js'
import { StoreUnavailable } from '../../../../src/store/store.js'
import { storeContract } from '../../../support/store-contract/contract.js'
import { append, CHAT, claim, claimOne, message, PATIENT } from '../../../support/store-contract/messages.js'

const START_MS = 1_800_000_000_000

storeContract('MemoryStore', async rules => {
  let nowMs = START_MS
  const store = new MemoryStore({ ...rules, now: () => nowMs })
  return {
    store,
    pass: async ms => {
      nowMs += ms
    },
    snapshot: async () => store.snapshot(),
    close: () => store.close(),
  }
})

describe('MemoryStore', () => {
  it('says that it is in memory, and needs no notifications', async () => {
    const store = new MemoryStore()
    expect(await store.open()).to.include({ address: 'memory', db: 0 })
    expect(await store.ensureNotifications()).to.deep.equal({ result: 'there', flags: '' })
    await store.ready()
  })

  it('rejects rules that are out of bounds', () => {
    expect(() => new MemoryStore({ quietGapMs: 1 })).to.throw(RangeError, 'quietGapMs=1')
  })

  it('remembers an answered batch for its answer timeout and two minutes, a superseded one for an hour', async () => {
    let nowMs = START_MS
    const rules = { answering: 'supersede', quietGapMs: 1000, answerTimeoutMs: 60_000 } as const
    const store = new MemoryStore({ ...rules, now: () => nowMs })
    await append(store, CHAT, 'm1')
    nowMs += 1000
    const first = await claimOne(store)
    await append(store, CHAT, 'm2')
    nowMs += 1000
    const second = await claimOne(store)
    await store.answered(second.batchId, 'completed')
    const endedAtMs = nowMs
    nowMs = endedAtMs + 179_999
    expect(await store.holdState(second.batchId)).to.equal('answered')
    nowMs = endedAtMs + 180_000
    expect(await store.holdState(second.batchId)).to.equal('unknown')
    nowMs = endedAtMs - 1000 + 3_599_999
    expect(await store.holdState(first.batchId)).to.equal('superseded')
    nowMs = endedAtMs - 1000 + 3_600_000
    expect(await store.holdState(first.batchId)).to.equal('unknown')
  })

  it('rejects calls after close, which may be called twice', async () => {
    const store = new MemoryStore(PATIENT)
    await store.close()
    await store.close()
    const error = await append(store, CHAT, 'm1').catch(thrown => thrown)
    expect(error).to.be.instanceOf(StoreUnavailable)
    expect(error.message).to.include('closed')
  })

  it('keeps releasing when the machine’s clock is set back', async () => {
    let nowMs = START_MS
    const store = new MemoryStore({ quietGapMs: 1000, batchTtlMs: 2000, now: () => nowMs })
    await append(store, CHAT, 'm1')
    nowMs -= 3_600_000
    expect((await claim(store)).nextInMs).to.equal(1000)
    nowMs += 1000
    expect((await claimOne(store)).batch.releasedBy).to.equal('gap')
  })

  it('reports a batch whose header was deleted before its TTL', async () => {
    let nowMs = START_MS
    const store = new MemoryStore({ quietGapMs: 1000, batchTtlMs: 60_000, now: () => nowMs })
    await append(store, CHAT, 'm1')
    store.loseHeader(CHAT)
    nowMs += 1000
    const { headerLost, batch } = await claimOne(store)
    expect([headerLost, batch.releasedBy]).to.deep.equal(['vanished', 'recovery'])
    const [, vanished] = await store.history({ limit: 2 })
    expect(vanished).to.include({ step: 'vanished', batchId: batch.batchId })
  })

  it('removes old ids, conversations and steps, so that its memory is bounded', async () => {
    let nowMs = START_MS
    const store = new MemoryStore({ ...PATIENT, dedupeMs: 1000, maxMessages: 1, now: () => nowMs })
    for (let i = 0; i < 15_000; i++) {
      const conversationId = i % 2 === 0 ? 'busy' : `chat-${i}`
      await append(store, conversationId, `m${i}`)
      await store.drop(conversationId)
      nowMs += 10
    }
    expect(store.snapshot().conversations).to.deep.equal([])
    expect(store.idsRemembered).to.be.at.most(150)
    expect(await store.history({ limit: 100_000 })).to.have.length.within(10_000, 11_000)
  })

  it('changes nothing if a message cannot be stored as JSON', async () => {
    const store = new MemoryStore(PATIENT)
    const loop: { loop?: unknown } = {}
    loop.loop = loop
    const messages = [message('m1'), message('m2', { raw: loop })]
    const error = await store.append({ conversationId: CHAT, messages }).catch(thrown => thrown)
    expect(error).to.be.instanceOf(TypeError)
    expect(store.snapshot().conversations).to.deep.equal([])
    expect(await append(store, CHAT, 'm1')).to.include({ accepted: 1 })
  })
})

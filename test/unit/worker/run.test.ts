import { expect } from 'chai'
import { type SinonFakeTimers, useFakeTimers } from 'sinon'
import { composeBatch } from '../../../src/batch.js'
import { ALL_GRANTED, type Granting } from '../../../src/handover/commits.js'
import type { CommittingHandle, Handle } from '../../../src/handover/function.js'
import { silent } from '../../../src/logger.js'
import { Run } from '../../../src/worker/run.js'

const BATCH = composeBatch({
  batchId: 'b1',
  conversationId: 'c1',
  entries: [{ receivedAtMs: 1, message: { messageId: 'm1', type: 'text', text: 'hi' } }],
  firstAtMs: 1,
  lastAtMs: 1,
  dueAtMs: 2,
  releasedAtMs: 3,
  claimedAtMs: 3,
  releasedBy: 'gap',
})

describe('a run of a job', () => {
  let clock: SinonFakeTimers
  beforeEach(() => {
    clock = useFakeTimers()
  })
  afterEach(() => clock.restore())

  function running(handle: Handle, { answerTimeoutMs = 300_000, lockMs = 30_000 } = {}) {
    let signal: AbortSignal | undefined
    const wrapped: Handle = (batch, context) => {
      signal = context.signal
      return handle(batch, context)
    }
    const run = new Run(BATCH, wrapped, { attempt: 1, log: silent, answerTimeoutMs, lockMs, commits: ALL_GRANTED })
    return { run, aborted: () => signal?.aborted }
  }

  const forever: Handle = () => new Promise(() => {})
  const obedient: Handle = (_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

  it('ends as its handler does, and leaves no timer', async () => {
    expect(await running(async () => 'x').run.result).to.deep.equal({ result: 'done' })
    const error = new Error('no')
    expect(await running(() => Promise.reject(error)).run.result).to.deep.equal({ result: 'failed', error })
    const thrown = running(() => {
      throw error
    })
    expect(await thrown.run.result).to.deep.equal({ result: 'failed', error })
    expect(clock.countTimers()).to.equal(0)
  })

  it('aborts its signal before the answer timeout, and abandons the handler at the timeout', async () => {
    const { run, aborted } = running(forever, { lockMs: 1_000_000 })
    await clock.tickAsync(294_999)
    expect(aborted()).to.equal(false)
    await clock.tickAsync(1)
    expect(aborted()).to.equal(true)
    let ended = false
    void run.result.then(() => {
      ended = true
    })
    await clock.tickAsync(4999)
    expect(ended).to.equal(false)
    await clock.tickAsync(1)
    expect(await run.result).to.deep.equal({ result: 'abandoned', cut: 'timeout' })
    expect(clock.countTimers()).to.equal(0)
  })

  it('is uncommitted if the answer timeout comes while its handler waits for its commit', async () => {
    const waiting: Granting = {
      ...ALL_GRANTED,
      answering: () => {
        let refuse = (_reason: unknown) => {}
        const commit = () => new Promise<never>((_, reject) => (refuse = reject))
        return { holdState: async () => 'held', commit, end: reason => refuse(reason) }
      },
    }
    const handle: CommittingHandle = (_, { commit }) => commit()
    const about = { attempt: 1, log: silent, answerTimeoutMs: 1000, lockMs: 30_000 }
    const uncommitted = new Run(BATCH, handle, { ...about, commits: waiting })
    const committed = new Run(BATCH, (batch, context) => context.commit().then(() => obedient(batch, context)), {
      ...about,
      commits: ALL_GRANTED,
    })
    await clock.tickAsync(1000)
    expect(await uncommitted.result).to.deep.include({ result: 'failed', cut: 'timeout', isUncommitted: true })
    expect(await committed.result).to.deep.include({ result: 'failed', cut: 'timeout' })
    expect(await committed.result).not.to.have.property('isUncommitted')
  })

  it('has failed, and names the cut, if its handler rejects on the signal', async () => {
    const { run } = running(obedient)
    run.cut('stop')
    expect(await run.result).to.deep.include({ result: 'failed', cut: 'stop' })
  })

  it('is done if its handler resolves after the signal', async () => {
    const { run } = running(
      (_, { signal }) => new Promise<void>(resolve => signal.addEventListener('abort', () => resolve())),
    )
    run.cut('stop')
    expect(await run.result).to.deep.equal({ result: 'done' })
  })

  it('aborts its signal when its lock has ended without a renewal', async () => {
    const { run, aborted } = running(forever)
    await clock.tickAsync(20_000)
    run.renewed()
    await clock.tickAsync(29_999)
    expect(aborted()).to.equal(false)
    await clock.tickAsync(1)
    expect(aborted()).to.equal(true)
    await clock.tickAsync(5000)
    expect(await run.result).to.deep.equal({ result: 'abandoned', cut: 'lock' })
  })

  it('keeps the first reason to be cut', async () => {
    const { run } = running(obedient)
    run.cut('lock')
    run.cut('stop')
    expect(await run.result).to.deep.include({ cut: 'lock' })
  })
})

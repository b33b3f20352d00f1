import { expect } from 'chai'
import { type SinonFakeTimers, useFakeTimers } from 'sinon'
import { composeBatch } from '../../../src/batch.js'
import type { Handle } from '../../../src/handover/function.js'
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
  releasedBy: 'gap',
})

describe('a job at work', () => {
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
    const run = new Run(BATCH, wrapped, { attempt: 1, log: silent, answerTimeoutMs, lockMs })
    return { run, aborted: () => signal?.aborted }
  }

  const forever: Handle = () => new Promise(() => {})
  const heedful: Handle = (_, { signal }) =>
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

  it('its signal is aborted before the answer timeout, and the handler left behind at it', async () => {
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

  it('a handler that heeds the signal has failed, and that it was cut is told', async () => {
    const { run } = running(heedful)
    run.cut('stop')
    expect(await run.result).to.deep.include({ result: 'failed', cut: 'stop' })
  })

  it('a handler that still gets done after the signal is done', async () => {
    const { run } = running(
      (_, { signal }) => new Promise<void>(resolve => signal.addEventListener('abort', () => resolve())),
    )
    run.cut('stop')
    expect(await run.result).to.deep.equal({ result: 'done' })
  })

  it('its signal is aborted when its lock has not been renewed for as long as a lock lasts', async () => {
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

  it('the first reason to cut it counts', async () => {
    const { run } = running(heedful)
    run.cut('lock')
    run.cut('stop')
    expect(await run.result).to.deep.include({ cut: 'lock' })
  })
})

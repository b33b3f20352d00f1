import { expect } from 'chai'
import { composeBatch } from '../../../src/batch.js'
import { type CommittingHandle, functionHandover } from '../../../src/handover/function.js'

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

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

describe('handover to a function', () => {
  async function outcomeOf(
    handle: CommittingHandle,
    { answerTimeoutMs = 10_000, signal = new AbortController().signal } = {},
  ) {
    const commit = async () => ({ again: false })
    const [outcome] = await functionHandover({ handle, answerTimeoutMs }).handOver([
      { batch: BATCH, attempt: 2, signal, commit },
    ])
    return outcome
  }

  it('a handler gets the batch and its attempt, and answers it by resolving', async () => {
    const seen: unknown[] = []
    const outcome = await outcomeOf(async (batch, { attempt }) => {
      seen.push(batch, attempt)
    })
    expect(outcome).to.deep.equal({ result: 'answered', outcome: 'completed' })
    expect(seen).to.deep.equal([BATCH, 2])
  })

  it('a rejection and a throw are failed attempts', async () => {
    const rejected = await outcomeOf(async () => Promise.reject(new Error('no')))
    const thrown = await outcomeOf(() => {
      throw new Error('no')
    })
    for (const outcome of [rejected, thrown]) expect(outcome).to.include({ result: 'failed', counts: true })
  })

  it('after the answer timeout the signal is aborted and the outcome is a timeout, even if the handler ignores it', async () => {
    const timeout = { result: 'answered', outcome: 'timeout' }
    expect(await outcomeOf((_, { signal }) => untilAborted(signal), { answerTimeoutMs: 20 })).to.deep.equal(timeout)
    expect(await outcomeOf(() => new Promise(() => {}), { answerTimeoutMs: 20 })).to.deep.equal(timeout)
  })

  it('after the answer timeout a handler that waits for its commit is a failed attempt: it has sent nothing', async () => {
    const commit = () => new Promise<never>(() => {})
    const handle: CommittingHandle = (_, context) => context.commit()
    const item = { batch: BATCH, attempt: 1, signal: new AbortController().signal, commit }
    const [outcome] = await functionHandover({ handle, answerTimeoutMs: 20 }).handOver([item])
    expect(outcome).to.include({ result: 'failed', counts: true })
  })

  it('after the answer timeout a handler that has committed has answered: it may have sent', async () => {
    const handle: CommittingHandle = async (_, { commit, signal }) => {
      await commit()
      await untilAborted(signal)
    }
    expect(await outcomeOf(handle, { answerTimeoutMs: 20 })).to.deep.equal({ result: 'answered', outcome: 'timeout' })
  })

  it('a lost lease aborts its signal, and costs no attempt', async () => {
    const controller = new AbortController()
    const outcome = outcomeOf((_, { signal }) => untilAborted(signal), { signal: controller.signal })
    controller.abort(new Error('the lease was lost'))
    expect(await outcome).to.include({ result: 'failed', counts: false })
  })
})

/** Guarantee: a handler learns from its signal's reason, by name, why it was cut short. */
import { expect } from 'chai'
import { AnswerTimeout, Batcher, MemoryStore, Processor, ProcessorStopping, type RuleOptions } from '../../src/index.js'

describe('the reason of a handler’s signal', () => {
  async function running(rules: RuleOptions) {
    const store = new MemoryStore({ quietGapMs: 10, ...rules })
    const batcher = new Batcher({ store })
    let started: () => void
    let aborted: (reason: unknown) => void
    const start = new Promise<void>(resolve => {
      started = resolve
    })
    const reason = new Promise<unknown>(resolve => {
      aborted = resolve
    })
    const handle = async (_: unknown, { signal }: { signal: AbortSignal }) => {
      signal.addEventListener('abort', () => aborted(signal.reason))
      started()
      await reason
    }
    const processor = new Processor({ store, handle })
    await processor.start()
    await batcher.append('a', { messageId: 'm1' })
    await start
    return { batcher, processor, reason }
  }

  it('is an AnswerTimeout when the answer takes too long', async () => {
    const { batcher, processor, reason } = await running({ answerTimeoutMs: 100 })
    expect(await reason)
      .to.be.instanceOf(AnswerTimeout)
      .and.include({ name: 'AnswerTimeout', answerTimeoutMs: 100 })
    await processor.stop()
    await batcher.close()
  })

  it('is a ProcessorStopping when the processor stops', async () => {
    const { batcher, processor, reason } = await running({})
    const stopped = processor.stop({ timeoutMs: 100 })
    expect(await reason)
      .to.be.instanceOf(ProcessorStopping)
      .and.include({ code: 'ERR_PROCESSOR_STOPPING' })
    await stopped
    await batcher.close()
  })
})

/** Guarantee **supersede**: an answer that is not committed is superseded by newer messages, and sent once with them. */
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import type { CommittingHandle } from '../../src/handover/function.js'
import { Processor } from '../../src/processor/processor.js'
import { Superseded } from '../../src/superseded.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = 'shop/79990000011@c.us'

describe('supersede', () => {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function running(handle: CommittingHandle, rules = {}) {
    const options = {
      redis: await testRedis(),
      prefix: uniquePrefix(),
      answering: 'supersede' as const,
      quietGapMs: 400,
      earlyStartMs: 50,
      ...rules,
    }
    const processor = new Processor({ ...options, handle })
    const batcher = new Batcher(options)
    closing.push(
      () => batcher.close(),
      () => processor.stop(),
    )
    await processor.start()
    return { batcher, say: (messageId: string) => batcher.append(CHAT, { messageId, text: messageId }) }
  }

  it('starts early, waits for the quiet gap in commit, and sends once', async () => {
    const sent: { text: string; lateMs: number }[] = []
    const { say } = await running(async (batch, { commit }) => {
      expect(batch.provisional).to.equal(true)
      expect(await commit()).to.deep.equal({ again: false })
      sent.push({ text: batch.text, lateMs: Date.now() - batch.dueAtMs })
    })
    await say('one')
    await until(() => sent.length > 0, { what: 'an answer' })
    expect(sent[0]?.text).to.equal('one')
    expect(sent[0]?.lateMs).to.be.within(-20, 300)
  })

  it('aborts the signal of a superseded handler, rejects its commit, and hands all messages over again', async () => {
    const begun: string[] = []
    const sent: string[] = []
    const aborted: unknown[] = []
    const { say, batcher } = await running(async (batch, { commit, signal }) => {
      begun.push(batch.batchId)
      signal.addEventListener('abort', () => aborted.push(signal.reason))
      await commit()
      sent.push(batch.text)
    })
    await say('one')
    await until(() => begun.length === 1, { what: 'the early start' })
    const { batchId: by } = await say('two')
    await until(() => sent.length > 0, { what: 'an answer' })
    expect(sent).to.deep.equal(['one\ntwo'])
    expect(aborted).to.have.lengthOf(1)
    expect(aborted[0]).to.be.instanceOf(Superseded)
    expect(aborted[0]).to.include({ code: 'ERR_SUPERSEDED', batchId: begun[0], by })
    const steps = (await batcher.history({ conversationId: CHAT, limit: 50 })).map(({ step }) => step)
    expect(steps).to.include.members(['superseded', 'committed', 'answered'])
    expect(steps).not.to.include.members(['nacked'])
  })

  it('sends an answer that waits for its commit longer than the answer timeout', async () => {
    const sent: string[] = []
    let runs = 0
    const { say } = await running(
      async (batch, { commit }) => {
        runs += 1
        await commit()
        sent.push(batch.text)
      },
      { quietGapMs: 800, answerTimeoutMs: 200 },
    )
    await say('one')
    await until(() => sent.length > 0, { what: 'an answer' })
    expect(sent).to.deep.equal(['one'])
    expect(runs).to.be.at.least(2)
  })

  it('lets a committed answer finish, and hands what came meanwhile over afterwards', async () => {
    const sent: string[] = []
    const committed: string[] = []
    let finish = () => {}
    const { say } = await running(async (batch, { commit }) => {
      await commit()
      committed.push(batch.text)
      await new Promise<void>(resolve => {
        finish = resolve
      })
      sent.push(batch.text)
    })
    await say('one')
    await until(() => committed.length === 1, { what: 'the first commit' })
    await say('two')
    finish()
    await until(() => committed.length === 2, { what: 'the second commit' })
    finish()
    await until(() => sent.length === 2, { what: 'both answers' })
    expect(sent).to.deep.equal(['one', 'two'])
  })
})

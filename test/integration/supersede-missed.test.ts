/** Guarantee **supersede**: a notice that Redis publishes while the subscription is lost is made up for. */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Batcher } from '../../src/batcher.js'
import { Commits } from '../../src/handover/commits.js'
import type { CommittingHandle } from '../../src/handover/function.js'
import { Processor } from '../../src/processor/processor.js'
import { Keys } from '../../src/store/redis/keys.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { Superseded } from '../../src/superseded.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { claimOne } from '../support/store-contract/messages.js'
import { until } from '../support/wait.js'

const RULES = { answering: 'supersede', quietGapMs: 30_000, earlyStartMs: 20, leaseMs: 600_000 } as const
/** A subscription that comes back before the message is published has missed nothing: then another one is tried. */
const ATTEMPTS = 20

describe('supersede, while the subscription is lost', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function appending() {
    const redis = await testRedis()
    const options = { redis, prefix: uniquePrefix(), ...RULES }
    const batcher = new Batcher(options)
    const client = new Redis(redis)
    closing.push(
      () => batcher.close(),
      () => client.quit(),
    )
    const channel = new Keys(options.prefix).batchSuperseded
    const subscribers = async () => Number((await client.pubsub('NUMSUB', channel))[1])
    const say = async (chatId: string, messageId: string) =>
      (await batcher.append(chatId, { messageId, text: messageId })).batchId
    return {
      options,
      batcher,
      say,
      /** Appends a message while nobody is subscribed, once the subscription was in place. False if it was too late. */
      async missed(chatId: string, messageId: string): Promise<{ batchId: string | undefined; isMissed: boolean }> {
        await until(async () => (await subscribers()) > 0, { what: 'the subscription' })
        await client.client('KILL', 'TYPE', 'PUBSUB')
        const batchId = await say(chatId, messageId)
        return { batchId, isMissed: (await subscribers()) === 0 }
      },
    }
  }

  /** A handler that runs until the test lets it go on. */
  async function running(handle: (batchId: string, context: Parameters<CommittingHandle>[1]) => Promise<void>) {
    const setup = await appending()
    const begun: string[] = []
    const processor = new Processor({
      ...setup.options,
      async handle(batch, context) {
        begun.push(batch.batchId)
        await handle(batch.batchId, context)
      },
    })
    closing.push(() => processor.stop({ timeoutMs: 500 }))
    await processor.start()
    return { ...setup, begun }
  }

  it('aborts a running handler as soon as the subscription is back', async () => {
    const aborted = new Map<string, unknown>()
    const { begun, say, missed } = await running(
      (batchId, { signal }) =>
        new Promise(resolve => {
          signal.addEventListener('abort', () => {
            aborted.set(batchId, signal.reason)
            resolve()
          })
        }),
    )
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const batchId = await say(`chat-${attempt}`, 'm1')
      await until(() => begun.includes(batchId ?? ''), { what: 'the early start' })
      const { isMissed } = await missed(`chat-${attempt}`, 'm2')
      await until(() => aborted.has(batchId ?? ''), { what: 'the abort' })
      expect(aborted.get(batchId ?? '')).to.be.instanceOf(Superseded)
      if (isMissed) return
    }
    expect.fail('the subscription came back too soon each time')
  })

  it('rejects a commit before that', async () => {
    let goOn = () => {}
    let result: Promise<unknown> | undefined
    const { begun, say, missed } = await running(async (_batchId, { commit }) => {
      await new Promise<void>(resolve => {
        goOn = resolve
      })
      const committing = commit()
      result ??= committing.catch(error => error)
      await committing
    })
    const batchId = await say('chat', 'm1')
    await until(() => begun.length === 1, { what: 'the early start' })
    const { batchId: by } = await missed('chat', 'm2')
    goOn()
    await until(() => result !== undefined, { what: 'the commit' })
    const refusal = await result
    expect(refusal).to.be.instanceOf(Superseded)
    expect(refusal).to.include({ batchId })
    expect([by, undefined], 'what replaced it, if the commit was first').to.include(Object(refusal).by)
  })

  it('aborts the work on a batch that was handed over before', async () => {
    const { options, say, missed } = await appending()
    const store = new RedisStore(options)
    const commits = new Commits(store)
    closing.push(
      () => store.close(),
      () => commits.stop(),
    )
    await store.open()
    await commits.start()
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      await say(`chat-${attempt}`, 'm1')
      await until(async () => (await store.totals()).oldestDueAgeMs > 0, { what: 'the early start' })
      const { batchId } = await claimOne(store)
      await store.ack([batchId])
      const superseded = new Promise<Superseded>(resolve => commits.answering(batchId, resolve))
      const { isMissed } = await missed(`chat-${attempt}`, 'm2')
      expect(await superseded).to.include({ batchId })
      const again = await store.claim({ owner: 'p', maxBatches: 9, maxBytes: 9999 })
      await store.ack(again.batches.map(one => one.batchId))
      if (isMissed) return
    }
    expect.fail('the subscription came back too soon each time')
  })
})

/** Guarantee **race**: whatever happens at the same time, no message is lost and none is handed over twice. */
import { expect } from 'chai'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { Processor } from '../../src/processor/processor.js'
import { rulesFrom } from '../../src/rules.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

describe('race', () => {
  it('four processors hand over concurrent messages of one conversation exactly once each', async () => {
    const options = { redis: await testRedis(), prefix: uniquePrefix(), quietGapMs: 10, maxWaitMs: 20 }
    const batches: Batch[] = []
    const processors = Array.from(
      { length: 4 },
      () => new Processor({ ...options, handle: batch => void batches.push(batch) }),
    )
    const batcher = new Batcher(options)
    try {
      await Promise.all(processors.map(processor => processor.start()))
      const ids: string[] = []
      const appends: Promise<unknown>[] = []
      // On a busy machine a batch may be claimed late, so that it takes many of them.
      while (ids.length < 50 || batches.length < 2) {
        const messageId = `m${ids.length}`
        ids.push(messageId)
        appends.push(batcher.append('busy@c.us', { messageId, text: messageId }))
        await new Promise(resolve => setTimeout(resolve, 3))
      }
      await Promise.all(appends)
      const received = () => batches.flatMap(batch => batch.messages.map(message => message.messageId))
      await until(() => received().length >= ids.length, { what: 'all messages' })
      expect(received().toSorted()).to.deep.equal(ids.toSorted())
      const { waiting } = await batcher.conversation('busy@c.us')
      expect(waiting).to.equal(0)
    } finally {
      await Promise.all(processors.map(processor => processor.stop()))
      await batcher.close()
    }
  })

  it('only one of ten concurrent claims gets a due batch', async () => {
    const redis = await testRedis()
    const prefix = uniquePrefix()
    const rules = rulesFrom({ quietGapMs: 10 })
    const stores = Array.from({ length: 10 }, () => new RedisStore({ redis, prefix, rules }))
    try {
      await Promise.all(stores.map(store => store.open()))
      await stores[0]!.append({ conversationId: 'one@c.us', messages: [{ messageId: '1', type: 'text', text: 'hi' }] })
      await until(async () => (await stores[0]!.conversations(1))[0]?.dueInMs === 0, { what: 'the batch to be due' })
      const results = await Promise.all(
        stores.map((store, i) => store.claim({ owner: `p${i}`, maxBatches: 10, maxBytes: 1_000_000 })),
      )
      expect(results.map(result => result.batches.length).toSorted()).to.deep.equal([0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
      const claims = (await stores[0]!.history({ limit: 100 })).filter(entry => entry.step === 'claimed')
      expect(claims).to.have.length(1)
    } finally {
      await Promise.all(stores.map(store => store.close()))
    }
  })

  it('of an append and a commit at the same moment exactly one wins, in each of 1,000 conversations', async () => {
    const redis = await testRedis()
    const prefix = uniquePrefix()
    const rules = rulesFrom({ quietGapMs: 10, answering: 'supersede' })
    const [writer, worker] = [new RedisStore({ redis, prefix, rules }), new RedisStore({ redis, prefix, rules })]
    const chats = Array.from({ length: 1000 }, (_, i) => `chat-${i}@c.us`)
    const say = (conversationId: string, messageId: string) =>
      writer.append({ conversationId, messages: [{ messageId, type: 'text', text: messageId }] })
    try {
      await Promise.all([writer.open(), worker.open()])
      await Promise.all(chats.map(chat => say(chat, 'old')))
      const batches = new Map<string, string>()
      await until(
        async () => {
          const claimed = (await worker.claim({ owner: 'p', maxBatches: 100, maxBytes: 1_000_000 })).batches
          await worker.ack(claimed.map(({ batchId }) => batchId))
          for (const { batchId, batch } of claimed) batches.set(batch.conversationId, batchId)
          return batches.size === chats.length
        },
        { what: '1,000 batches to be handed over' },
      )
      const won = { append: 0, commit: 0 }
      for (let i = 0; i < chats.length; i += 50) {
        const some = chats.slice(i, i + 50)
        const commit = () => Promise.all(some.map(chat => worker.commit(batches.get(chat) ?? '')))
        const append = () => Promise.all(some.map(chat => say(chat, 'new')))
        // Who is sent first takes turns.
        const appendFirst = i % 100 === 0
        const appended = appendFirst ? append() : undefined
        const committed = commit()
        await (appended ?? append())
        const commits = await committed
        for (const [j, chat] of some.entries()) {
          const { heldBy, messages, open } = await writer.conversation(chat)
          const waiting = messages.map(({ message }) => message.messageId)
          if (commits[j]?.state === 'go') {
            won.commit += 1
            expect([heldBy?.batchId, waiting]).to.deep.equal([batches.get(chat), ['new']])
          } else {
            won.append += 1
            expect(commits[j]).to.deep.equal({ state: 'superseded', by: open?.batchId })
            expect([heldBy, waiting]).to.deep.equal([undefined, ['old', 'new']])
          }
        }
      }
      expect(won.append + won.commit).to.equal(chats.length)
      expect([won.append > 0, won.commit > 0], `each wins some: ${JSON.stringify(won)}`).to.deep.equal([true, true])
    } finally {
      await Promise.all([writer.close(), worker.close()])
    }
  })
})

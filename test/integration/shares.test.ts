/** Several processors on the partitions of one Redis: each goes first in its share, and no batch is late or lost. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Batcher } from '../../src/batcher.js'
import { Processor } from '../../src/processor/processor.js'
import { rulesFrom } from '../../src/rules.js'
import { PartitionedStore } from '../../src/store/partitioned/store.js'
import type { ClaimRequest } from '../../src/store/store.js'
import { monitor } from '../support/monitor.js'
import { build, type LullProcess, supportScript } from '../support/processes.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const PARTITIONS = 16
const RELEASES = 200
const IDLE_MS = 5000
const MINUTE_MS = 60_000

/** A store that counts its claims. */
class CountingStore extends PartitionedStore {
  claims = 0

  override claim(request: ClaimRequest) {
    this.claims += 1
    return super.claim(request)
  }
}

describe('three processors on 16 partitions', () => {
  it('claim 1.5 times a release at most, hand each batch over once, and are idle without messages', async () => {
    const server = await privateRedis()
    const options = { redis: server.url, prefix: uniquePrefix(), partitions: PARTITIONS }
    const rules = rulesFrom({ quietGapMs: 300 })
    const stores = [1, 2, 3].map(() => new CountingStore({ ...options, rules, role: 'processor' }))
    const handled: string[] = []
    const processors = stores.map(store => new Processor({ store, handle: ({ text }) => void handled.push(text) }))
    const batcher = new Batcher({ ...options, quietGapMs: 300 })
    try {
      await batcher.open()
      await Promise.all(processors.map(processor => processor.start()))
      const claims = () => stores.map(store => store.claims)
      await until(() => claims().every(count => count >= PARTITIONS), { what: 'the first claims' })
      const before = claims()
      const chats = Array.from({ length: RELEASES }, (_, i) => `chat-${i}@c.us`)
      for (const chat of chats) {
        await batcher.append(chat, { messageId: chat, type: 'text', text: chat })
        await delay(4)
      }
      await until(() => handled.length >= RELEASES, { what: () => `the batches; ${handled.length} came` })
      const counts = claims().map((count, i) => count - (before[i] ?? 0))
      expect(handled.toSorted()).to.deep.equal(chats.toSorted())
      expect(
        counts.reduce((sum, count) => sum + count, 0),
        String(counts),
      ).to.be.at.most(RELEASES * 1.5)
      expect(
        counts.every(count => count > 0),
        String(counts),
      ).to.equal(true)

      // The second ones look half a second later, and then nothing is left.
      await delay(1000)
      const watching = await monitor(server.url)
      await delay(IDLE_MS)
      await watching.stop()
      const calls = watching.lines.filter(line => !line.includes(' lua]') && !/\] "(?:ping|info)"/i.test(line))
      const aMinute = PARTITIONS * 2.5 + processors.length * 6
      // Each processor may renew itself once more than its share of the time.
      expect(calls).to.have.length.at.most((aMinute * IDLE_MS) / MINUTE_MS + processors.length)
    } finally {
      await Promise.all(processors.map(processor => processor.stop()))
      await Promise.all([batcher.close(), ...stores.map(store => store.close())])
      await server.stop()
    }
  })

  for (const fault of ['killed', 'frozen'] as const) {
    it(`hand over every message, each in one batch, when one of them is ${fault}`, async function () {
      this.timeout(180_000)
      await build()
      const redis = await testRedis()
      const prefix = uniquePrefix()
      const env = {
        REDIS_URL: redis,
        LULL_PREFIX: prefix,
        LULL_PARTITIONS: String(PARTITIONS),
        LULL_LEASE_MS: '2000',
      }
      const batcher = new Batcher({ redis, prefix, partitions: PARTITIONS, quietGapMs: 50 })
      let children: LullProcess[] = []
      const batchesOf = () => {
        const found = new Map<string, Set<string>>()
        for (const line of children.flatMap(({ stdout }) => stdout)) {
          if (!line.startsWith('{')) continue
          const { batchId, messageIds } = JSON.parse(line)
          for (const id of messageIds) found.set(id, (found.get(id) ?? new Set()).add(batchId))
        }
        return found
      }
      try {
        await batcher.open()
        children = await Promise.all([1, 2, 3].map(() => supportScript('sharing-processor.mjs', env)))
        await Promise.all(children.map(child => child.line(/processor started/)))
        const chats = Array.from({ length: RELEASES }, (_, i) => `chat-${i}@c.us`)
        for (const [i, chat] of chats.entries()) {
          await batcher.append(chat, { messageId: chat, type: 'text', text: chat })
          if (i !== RELEASES / 4) continue
          await until(() => batchesOf().size > 0, { what: 'the first batch' })
          if (fault === 'killed') await children[0]?.kill()
          else children[0]?.send('SIGSTOP')
        }
        await until(() => batchesOf().size === RELEASES, {
          what: () => `all messages; ${batchesOf().size} came`,
        })
        // What it still does must not matter.
        if (fault === 'frozen') children[0]?.send('SIGCONT')
        await batcher.append('last', { messageId: 'last', type: 'text', text: 'last' })
        await until(() => batchesOf().has('last'), { what: 'the last message' })
        for (const [messageId, batches] of batchesOf()) expect([...batches], messageId).to.have.length(1)
      } finally {
        children[0]?.send('SIGCONT')
        await Promise.all(children.map(child => (child === children[0] ? child.kill() : child.stop())))
        await batcher.close()
      }
    })
  }
})

describe('the list of the processors that run', () => {
  it('has those that renew themselves, and publishes who comes, stops, or is not renewed in time', async () => {
    const url = await testRedis()
    const prefix = uniquePrefix()
    const options = { redis: url, prefix, partitions: 2, role: 'processor', rules: rulesFrom({}) }
    const [one, other] = [new PartitionedStore(options), new PartitionedStore(options)]
    const redis = new Redis(url)
    const key = `{${prefix}}.processors`
    let changes = 0
    const changed = async (work: () => Promise<unknown> | undefined) => {
      const before = changes
      await work()
      await until(() => changes > before, { what: 'a change to be published' })
    }
    try {
      await Promise.all([one.open(), other.open()])
      const stop = await other.processors?.follow(() => {
        changes += 1
      })
      expect(changes).to.equal(1)
      await changed(() => one.processors?.renew('a'))
      await changed(async () => expect(await other.processors?.renew('b')).to.have.members(['a', 'b']))
      await changed(() => one.processors?.leave('b'))
      expect(await one.processors?.renew('a')).to.deep.equal(['a'])

      // One that was killed, and one that was renewed before the clock was set back.
      await redis.zadd(key, Date.now() - 1, 'killed', Date.now() + MINUTE_MS * 60, 'ahead')
      await changed(async () => expect(await one.processors?.renew('a')).to.deep.equal(['a']))
      const before = changes
      await one.processors?.renew('a')
      await changed(() => one.processors?.leave('a'))
      expect(changes).to.equal(before + 1)
      expect(await redis.exists(key)).to.equal(0)
      await stop?.()
    } finally {
      redis.disconnect()
      await Promise.all([one.close(), other.close()])
    }
  })

  it('is not kept on a store of one partition', async () => {
    const store = new PartitionedStore({
      redis: await testRedis(),
      prefix: uniquePrefix(),
      partitions: 1,
      role: 'processor',
      rules: rulesFrom({}),
    })
    try {
      await store.open()
      expect(store.processors).to.equal(undefined)
    } finally {
      await store.close()
    }
  })
})

/** Cases that break systems of this kind, one by one, on a real Redis. */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Batch, StoredMessage } from '../../src/batch.js'
import type { Handover, HandoverItem, HandoverOutcome } from '../../src/handover/handover.js'
import { Processor } from '../../src/processor/processor.js'
import { type RuleOptions, rulesFrom } from '../../src/rules.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { type Store, StoreUnavailable } from '../../src/store/store.js'
import { Clock, clocked } from '../support/clocked-redis.js'
import { pipeline } from '../support/pipeline.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import {
  append,
  CHAT,
  claim,
  claimed,
  claimOne,
  dead,
  direct,
  idsOf,
  message,
  PATIENT,
} from '../support/store-contract/messages.js'
import { until } from '../support/wait.js'

describe('sharp corners', () => {
  const releases: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  /** A store whose clock only moves when the test moves it. */
  async function still(rules: RuleOptions = PATIENT) {
    const url = await testRedis()
    const redis = new Redis(url)
    const store = new RedisStore({ redis: clocked(url), prefix: uniquePrefix(), rules: rulesFrom(rules) })
    const clock = new Clock(redis, store.keys.prefix)
    await clock.set(clock.nowMs)
    await store.open()
    releases.push(async () => {
      await store.close()
      await redis.quit()
    })
    return { store, redis, keys: store.keys, pass: (ms: number) => clock.pass(ms, [CHAT]) }
  }

  async function running(rules: RuleOptions = PATIENT) {
    const redis = new Redis(await testRedis())
    const store = new RedisStore({ redis: await testRedis(), prefix: uniquePrefix(), rules: rulesFrom(rules) })
    await store.open()
    releases.push(async () => {
      await store.close()
      await redis.quit()
    })
    return { store, redis }
  }

  async function process(store: Store, handOver: (item: HandoverItem) => HandoverOutcome) {
    const handover: Handover = {
      kind: 'function',
      batchesPerCall: 100,
      concurrency: 4,
      start: async () => {},
      handOver: async items => items.map(handOver),
      stop: async () => {},
    }
    const processor = new Processor({ store, handover, name: 'processor' })
    await processor.start()
    releases.push(() => processor.stop({ timeoutMs: 5000 }))
    return processor
  }

  const answered: HandoverOutcome = { result: 'answered', outcome: 'completed' }

  it('1,000 messages in one POST under a cap of 100 make ten batches in order with distinct ids, while the conversation is held', async () => {
    let release = () => {}
    const first = new Promise<void>(resolve => {
      release = resolve
    })
    const line = await pipeline({
      rules: { quietGapMs: 100, maxMessages: 100 },
      handle: batch => (batch.text === 'first' ? first : Promise.resolve()),
    })
    releases.push(() => line.stop())
    await line.post('chat', [{ messageId: 'first', text: 'first' }], { direct: true })
    await line.received(1)
    const messages = Array.from({ length: 1000 }, (_, i) => ({ messageId: `m${i}`, text: `${i}` }))
    expect(await line.post('chat', messages)).to.include({ accepted: 1000, duplicates: 0 })
    expect((await line.batcher.conversation('chat')).waiting).to.equal(1000)
    release()
    const [, ...batches] = await line.received(11)
    expect(batches.map(({ releasedBy }) => releasedBy)).to.deep.equal(Array(10).fill('maxMessages'))
    expect(batches.map(batch => batch.messages.length)).to.deep.equal(Array(10).fill(100))
    expect(batches.flatMap(idsOf)).to.deep.equal(messages.map(({ messageId }) => messageId))
    expect(new Set(batches.map(({ batchId }) => batchId))).to.have.lengthOf(10)
  })

  it('a held conversation that is flushed and appended to releases the flushed batch first, then the rest after its quiet gap', async () => {
    const { store, pass } = await still({ ...PATIENT, order: 'serial' })
    const holding = await claimed(store)
    await append(store, CHAT, 'm2')
    const flushed = await store.flush(CHAT)
    await append(store, CHAT, 'm3')
    expect((await claim(store)).batches).to.deep.equal([])
    await store.answered(holding.batchId, 'completed')
    const second = await claimOne(store)
    expect([second.batchId, second.batch.releasedBy, ...idsOf(second.batch)]).to.deep.equal([
      flushed?.batchId,
      'flush',
      'm2',
    ])
    await store.answered(second.batchId, 'completed')
    expect((await claim(store)).batches).to.deep.equal([])
    await pass(PATIENT.quietGapMs)
    const third = await claimOne(store)
    expect([third.batch.releasedBy, ...idsOf(third.batch)]).to.deep.equal(['gap', 'm3'])
  })

  it('batched, direct and batched messages are handed over in the order of arrival', async () => {
    const line = await pipeline({ rules: { quietGapMs: 1000 } })
    releases.push(() => line.stop())
    await line.post('chat', [{ messageId: 'm1', text: 'batched' }])
    await line.post('chat', [{ messageId: 'm2', text: 'direct' }], { direct: true })
    await line.post('chat', [{ messageId: 'm3', text: 'batched again' }])
    const batches = await line.received(3)
    expect(batches.map(({ text, releasedBy }) => `${text}: ${releasedBy}`)).to.deep.equal([
      'batched: direct',
      'direct: direct',
      'batched again: gap',
    ])
  })

  it('a duplicate one millisecond before the due time changes nothing', async () => {
    const { store, redis, keys, pass } = await still({ ...PATIENT, quietGapMs: 10_000 })
    await append(store, CHAT, 'm1', 'm2')
    const look = async () => [
      await redis.hgetall(keys.header(CHAT)),
      await redis.pexpiretime(keys.header(CHAT)),
      await redis.pexpiretime(keys.quiet(CHAT)),
      await redis.zscore(keys.due, CHAT),
      await redis.lrange(keys.messages(CHAT), 0, -1),
      await redis.zrange(keys.seen(CHAT), '0', '-1', 'WITHSCORES'),
      await redis.xlen(keys.history),
    ]
    await pass(9999)
    await redis.del(keys.quiet(CHAT)) // Its time has come: Redis has announced it.
    const before = await look()
    expect(await append(store, CHAT, 'm1')).to.include({ accepted: 0, duplicates: 1, dueInMs: 1 })
    expect(await look()).to.deep.equal(before)
    expect((await claim(store)).batches).to.deep.equal([])
    await pass(1)
    expect((await claimOne(store)).batch.releasedBy).to.equal('gap')
  })

  it('duplicates are dropped while their message is claimed, dead or revoked', async () => {
    const { store } = await still({ ...PATIENT, maxAttempts: 1 })
    const again = async (id: string) => {
      expect(await append(store, CHAT, id), id).to.include({ accepted: 0, duplicates: 1 })
      expect((await store.conversation(CHAT)).waiting, id).to.equal(0)
    }
    const { batchId } = await claimed(store, CHAT, 'claimed')
    await again('claimed')
    await store.answered(batchId, 'completed')
    await dead(store, CHAT, 'dead')
    await again('dead')
    await append(store, CHAT, 'revoked')
    expect(await store.revoke(CHAT, 'revoked')).to.equal('revoked')
    await again('revoked')
  })

  it('a revoke that comes before its message drops the message', async () => {
    const { store } = await still()
    expect(await store.revoke(CHAT, 'm1')).to.equal('remembered')
    expect(await append(store, CHAT, 'm1', 'm2')).to.include({ accepted: 1, duplicates: 1 })
    await store.flush(CHAT)
    expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m2'])
  })

  it('batches of a claim whose reply was lost are handed over once, well before their leases end', async () => {
    const { store } = await running({ ...PATIENT, leaseMs: 3_600_000 })
    let lost = 0
    const losing = new Proxy(store, {
      get(target, name) {
        if (name !== 'claim') {
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        }
        return async (...args: Parameters<Store['claim']>) => {
          const result = await target.claim(...args)
          if (result.batches.length === 0 || lost > 0) return result
          lost += result.batches.length
          throw new StoreUnavailable('timeout', 'the reply was lost')
        }
      },
    })
    const got: [string, number][] = []
    await direct(store, 'one', 'm1')
    await direct(store, 'two', 'm2')
    await process(losing, ({ batch, attempt }) => {
      got.push([batch.text, attempt])
      return answered
    })
    await until(() => got.length >= 2, { what: 'both batches' })
    expect(lost).to.equal(2)
    expect(got).to.have.deep.members([
      ['text of m1', 1],
      ['text of m2', 1],
    ])
    await until(async () => (await store.conversations(10)).length === 0, { what: 'both answers to be noted' })
  })

  it('a nack changes nothing after another processor has claimed the batch', async () => {
    const { store, pass } = await still({ ...PATIENT, leaseMs: 1000, maxAttempts: 2 })
    const sleeper = await claimed(store)
    await pass(1000)
    const waker = await claimOne(store, 'processor-2')
    expect(waker).to.include({ batchId: sleeper.batchId, attempt: 2 })
    const late = { batchId: sleeper.batchId, lease: sleeper.lease, delayMs: 0, counts: true, error: 'aborted' }
    expect(await store.nack(late)).to.equal('stale')
    expect(await store.renew([waker])).to.deep.equal([])
    expect(await store.dead(1)).to.deep.equal([])
    expect((await store.answered(waker.batchId, 'completed')).freed).to.equal(true)
  })

  it('a batch that its receiver always refuses dies alone among 100', async () => {
    const { store } = await running({ ...PATIENT, maxAttempts: 3 })
    for (let i = 0; i < 100; i++) await direct(store, `chat-${i}`, `m${i}`)
    const got: Batch[] = []
    await process(store, ({ batch }) => {
      if (batch.text === 'text of m50')
        return { result: 'failed', error: new Error('poison'), counts: true, retryAfterMs: 10 }
      got.push(batch)
      return answered
    })
    await until(async () => (await store.dead(10)).length > 0, { what: 'the poison batch to die' })
    const died = await store.dead(10)
    expect(died.map(({ conversationId, attempts, error }) => [conversationId, attempts, error])).to.deep.equal([
      ['chat-50', 3, 'poison'],
    ])
    await until(() => got.length === 99)
    expect(new Set(got.map(({ conversationId }) => conversationId))).to.have.lengthOf(99)
  })

  it('a batch that kills every processor dies alone among 100', async () => {
    const { store, pass } = await still({ ...PATIENT, maxAttempts: 3, leaseMs: 1000 })
    for (let i = 0; i < 100; i++) await direct(store, `chat-${i}`, `m${i}`)
    const poison = 'text of m50'
    const attempts = new Map<string, number>()
    const ended = new Set<string>()
    const died: string[] = []
    // Each claim is made by a new processor, which handles its batches one after the other and dies of the bad one.
    for (let life = 0; life < 300 && ended.size + died.length < 100; life++) {
      const result = await claim(store, { owner: `life-${life}` })
      died.push(...result.dead.map(({ conversationId }) => conversationId))
      for (const { batch, batchId, attempt } of result.batches) {
        attempts.set(batch.text, attempt)
        if (batch.text === poison) break
        await store.answered(batchId, 'completed')
        ended.add(batch.text)
      }
      if (result.batches.length === 0) await pass(1000)
    }
    expect(died).to.deep.equal(['chat-50'])
    expect(ended.size).to.equal(99)
    attempts.delete(poison)
    expect(Math.max(...attempts.values()), 'attempts of the others').to.be.below(3)
  })

  it('a late acknowledgement takes a batch out of the dead ones, and holds nothing', async () => {
    const { store } = await still({ ...PATIENT, maxAttempts: 1 })
    const { batchId } = await dead(store)
    await append(store, CHAT, 'm2')
    await store.ack([batchId])
    expect(await store.dead(10)).to.deep.equal([])
    expect(await store.redrive(batchId)).to.equal(undefined)
    await store.flush(CHAT)
    expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m2'])
  })

  it('payloads come out byte for byte, also of a dead batch: [], long numbers, nesting of 2,000, 8,000 messages', async () => {
    const { store } = await still({ ...PATIENT, maxMessages: 10_000, maxBytes: 16 * 1024 * 1024, maxAttempts: 1 })
    let deep: unknown = []
    for (let i = 0; i < 2000; i++) deep = i % 2 ? [deep] : { deep }
    const raw = {
      none: [],
      nothing: {},
      number: 12345678901234567000,
      digits: '12345678901234567890',
      tiny: 5e-324,
      deep,
    }
    const messages = [
      message('odd', { raw }),
      ...Array.from({ length: 8000 }, (_, i) => message(`m${i}`, { text: `"${i}" \\ \n \u2028 🍰` })),
    ]
    // The store decides the order of a message's own fields.
    const shown = (some: StoredMessage[]) =>
      some.map(({ messageId, text, ...rest }) => JSON.stringify({ messageId, text, ...rest }))
    const got = (batch: Batch) => shown(batch.messages.map(({ receivedAtMs: _, ...stored }) => stored))
    await store.append({ conversationId: CHAT, messages })
    await store.flush(CHAT)
    const taken = await claimOne(store)
    expect(got(taken.batch)).to.deep.equal(shown(messages))
    await store.nack({ ...taken, delayMs: 0, counts: true, error: 'refused' })
    const [died] = await store.dead(1)
    expect(died && got(died.batch)).to.deep.equal(shown(messages))
    await store.redrive(taken.batchId)
    const again = await claimOne(store)
    expect(JSON.stringify(again.batch.messages)).to.equal(JSON.stringify(taken.batch.messages))
  })

  it('Redis announces the shadow keys of 1,000 releases, each once and none early', async () => {
    const { store } = await running({ quietGapMs: 400, batchTtlMs: 60_000 })
    await store.ensureNotifications(true)
    const dueAtMs = new Map<string, number>()
    const announced: { chat: string; atMs: number }[] = []
    await store.listen(event => {
      // Redis uses this machine's clock.
      if (event.kind === 'expired' && event.key === 'quiet')
        announced.push({ chat: event.conversationId, atMs: Date.now() })
    })
    const chats = Array.from({ length: 1000 }, (_, i) => `chat-${i}`)
    const got: string[] = []
    await process(store, ({ batch }) => {
      got.push(batch.conversationId)
      return answered
    })
    await Promise.all(
      chats.map(async chat => {
        await append(store, chat, 'm1')
        const { open } = await store.conversation(chat)
        if (open) dueAtMs.set(chat, open.dueAtMs)
      }),
    )
    await until(() => got.length >= 1000 && announced.length >= 1000, {
      what: () => `${got.length} releases, ${announced.length} announcements`,
    })
    // A shadow key ends a millisecond before its batch is due.
    const early = announced.filter(({ chat, atMs }) => atMs < (dueAtMs.get(chat) ?? Number.POSITIVE_INFINITY) - 1)
    expect(early).to.deep.equal([])
    expect(announced.map(({ chat }) => chat).toSorted()).to.deep.equal(chats.toSorted())
    expect(got.toSorted()).to.deep.equal(chats.toSorted())
  })
})

/** `waitReplicas`: what counts only when replicas have it. */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Batcher } from '../../src/batcher.js'
import { Processor } from '../../src/processor/processor.js'
import { rulesFrom } from '../../src/rules.js'
import { partitionOfConversation } from '../../src/store/partitioned/layout.js'
import { PartitionedStore } from '../../src/store/partitioned/store.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { StoreUnavailable } from '../../src/store/store.js'
import { privateRedis, type RedisServer, uniquePrefix } from '../support/redis.js'
import { append } from '../support/store-contract/messages.js'
import { until } from '../support/wait.js'

const CHAT = 'chat'

describe('with waitReplicas', () => {
  let primary: RedisServer
  let replica: RedisServer
  let redis: Redis
  let prefix: string
  let batcher: Batcher
  const options = () => ({ redis: primary.url, prefix, quietGapMs: 50, batchTtlMs: 1000, waitReplicas: 1 })

  before(async () => {
    primary = await privateRedis({ args: ['--repl-diskless-sync-delay', '0'] })
    replica = await privateRedis({ args: ['--replicaof', '127.0.0.1', String(primary.port)] })
    redis = new Redis(primary.url)
    await online()
  })
  after(async () => {
    redis.disconnect()
    await replica.stop()
    await primary.stop()
  })
  beforeEach(async () => {
    prefix = uniquePrefix()
    batcher = new Batcher(options())
    await batcher.open()
  })
  afterEach(async () => {
    await batcher.close()
    await replica.resume()
    await online()
  })

  const online = () =>
    until(async () => (await redis.info('replication')).includes('state=online'), { what: 'replica' })
  /** Sent again until it is accepted: on a busy machine a replica may take longer than a WAIT has. */
  const accepted = (chat: string) =>
    until(() => batcher.append(chat, { messageId: '1' }).catch(() => undefined), { what: 'the replica to keep up' })
  const refusal = (appending: Promise<unknown>) =>
    appending.then(
      () => undefined,
      (error: unknown) => (error instanceof StoreUnavailable ? error.reason : error),
    )

  it('a message is accepted when the replica has it', async () => {
    await accepted(CHAT)
    const copy = new Redis(replica.url)
    expect(await copy.llen(`${prefix}.messages:${CHAT}`)).to.equal(1)
    copy.disconnect()
  })

  it('a message is refused while no replica has it, and so is the same message on another connection', async () => {
    await replica.pause()
    expect(await refusal(batcher.append(CHAT, { messageId: '1' }))).to.equal('replicas')
    const other = new Batcher(options())
    await other.open()
    // The message is in the primary, and this connection has written nothing.
    expect(await refusal(other.append(CHAT, { messageId: '1' }))).to.equal('replicas')
    await replica.resume()
    await online()
    expect(await until(() => other.append(CHAT, { messageId: '1' }).catch(() => undefined))).to.include({
      accepted: 0,
      duplicates: 1,
    })
    await other.close()
  })

  it('a batch is handed over only when the replica has its claim, and once', async () => {
    const handled: string[] = []
    await accepted(CHAT)
    await replica.pause()
    const processor = new Processor({
      ...options(),
      async handle({ messages }) {
        handled.push(...messages.map(({ messageId }) => messageId))
      },
    })
    await processor.start()
    await until(async () => (await redis.hget(`${prefix}.claimed:${await claimedId()}`, 'attempt')) !== null)
    const atTheClaim = [...handled]
    await replica.resume()
    await until(() => handled.length > 0, { what: 'the handover' })
    await until(async () => (await redis.zcard(`${prefix}.claimed`)) === 0)
    await processor.stop()
    expect(atTheClaim).to.deep.equal([])
    expect(handled).to.deep.equal(['1'])
  })

  const claimedId = async () => (await redis.zrange(`${prefix}.claimed`, '0', '0'))[0] ?? ''

  /** What somebody relies on once it is acknowledged. Each finds a conversation with an open batch of one message. */
  const acknowledged: Record<string, { first?: (b: Batcher) => unknown; write: (b: Batcher) => Promise<unknown> }> = {
    pause: { write: b => b.pause(CHAT, 60_000) },
    resume: { first: b => b.pause(CHAT, 60_000), write: b => b.resume(CHAT) },
    hold: { write: b => b.hold(CHAT, 'key', 1000) },
    release: { first: b => b.hold(CHAT, 'key', 1000), write: b => b.release(CHAT, 'key') },
    flush: { write: b => b.flush(CHAT) },
    drop: { write: b => b.drop(CHAT) },
    edit: { write: b => b.edit(CHAT, '1', 'new') },
    revoke: { write: b => b.revoke(CHAT, '1') },
    forget: { write: b => b.forget(CHAT) },
  }
  for (const [name, { first, write }] of Object.entries(acknowledged))
    it(`${name} is acknowledged only when the replica has it`, async () => {
      await accepted(CHAT)
      if (first) await until(() => Promise.resolve(first(batcher)).catch(() => undefined), { what: 'the replica' })
      await replica.pause()
      expect(await refusal(write(batcher))).to.equal('replicas')
    })

  it('a commit is granted only when the replica has it, also if it is asked for again', async () => {
    const store = new RedisStore({
      ...{ redis: primary.url, prefix, waitReplicas: 1 },
      rules: rulesFrom({ quietGapMs: 50, batchTtlMs: 30_000, answering: 'supersede' }),
    })
    try {
      await store.open()
      await until(() => append(store, CHAT, '1').catch(() => undefined))
      const batch = await until(
        async () =>
          (await store.claim({ owner: 'me', maxBatches: 1, maxBytes: 1e6 }).catch(() => undefined))?.batches[0],
        { what: 'the batch' },
      )
      await replica.pause()
      expect(await refusal(store.commit(batch.batchId))).to.equal('replicas')
      expect(await refusal(store.commit(batch.batchId))).to.equal('replicas')
      await replica.resume()
      await online()
      const granted = await until(() => store.commit(batch.batchId).catch(() => undefined))
      expect(granted).to.deep.equal({ state: 'go', again: true })
    } finally {
      await store.close()
    }
  })

  it('a conversation is taken out of one partition, and into another, only when the replica has that', async () => {
    const [phone, lid] = ['shop/79990000011@c.us', 'shop/245000000000011@lid']
    const rules = rulesFrom({ quietGapMs: 30_000 })
    const store = new PartitionedStore({ ...options(), rules, partitions: 4, role: 'test' })
    const movesOf = (id: string) => (store.all[partitionOfConversation(id, 4)] ?? store.home).moves
    try {
      await store.open()
      for (const id of [lid, phone]) await until(() => append(store, id, id).catch(() => undefined))
      await replica.pause()
      expect(await refusal(store.merge(lid, phone))).to.equal('replicas')
      await replica.resume()
      await online()
      const move = await until(() =>
        movesOf(lid)
          .begun(lid)
          .catch(() => undefined),
      )
      await replica.pause()
      expect(await refusal(movesOf(phone).takeIn(move))).to.equal('replicas')
      expect((await store.conversation(lid)).heldBy?.state, 'the move is kept').to.equal('answering')
      await replica.resume()
      await online()
      await until(() =>
        store.merge(lid, phone).then(
          () => true,
          () => false,
        ),
      )
      const { messages } = await store.conversation(phone)
      expect(messages.map(({ message }) => message.messageId)).to.deep.equal([lid, phone])
      expect((await store.conversation(lid)).heldBy).to.equal(undefined)
    } finally {
      await store.close()
    }
  })

  it('messages that come together share one WAIT', async () => {
    await redis.config('RESETSTAT')
    await Promise.allSettled(Array.from({ length: 50 }, (_, i) => batcher.append(`chat-${i}`, { messageId: '1' })))
    const waits = /cmdstat_wait:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1]
    expect(Number(waits)).to.be.within(1, 5)
  })

  it('without it, no WAIT is sent', async () => {
    await redis.config('RESETSTAT')
    const plain = new Batcher({ ...options(), waitReplicas: 0 })
    await plain.open()
    await plain.append(CHAT, { messageId: '1' })
    await plain.close()
    expect(await redis.info('commandstats')).not.to.include('cmdstat_wait')
  })
})

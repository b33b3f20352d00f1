/** The number of partitions belongs to the data: a process that asks for another one does not start. */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Batcher } from '../../src/batcher.js'
import { Processor } from '../../src/processor/processor.js'
import { beginDrain } from '../../src/store/partitioned/drain.js'
import { PartitionedStore } from '../../src/store/partitioned/store.js'
import { testRedis, uniquePrefix } from '../support/redis.js'

describe('the layout of a store', () => {
  let prefix: string
  let redis: Redis
  const opened: Batcher[] = []

  before(async () => {
    redis = new Redis(await testRedis())
  })
  after(() => redis.quit())
  beforeEach(() => {
    prefix = uniquePrefix()
  })
  afterEach(async () => {
    for (const batcher of opened.splice(0)) await batcher.close()
  })

  const batcherWith = async (partitions?: number) => {
    const batcher = new Batcher({
      redis: await testRedis(),
      prefix,
      ...(partitions === undefined ? {} : { partitions }),
    })
    opened.push(batcher)
    return batcher
  }
  const refusal = async (partitions?: number) => {
    const batcher = await batcherWith(partitions)
    return batcher.open().then(
      () => undefined,
      (error: Error) => error.message,
    )
  }

  it('is written once, by whichever process comes first', async () => {
    await Promise.all([4, 4, 4].map(async partitions => (await batcherWith(partitions)).open()))
    const written = await redis.hgetall(`{${prefix}}.layout`)
    expect(written).to.include({ partitions: '4', version: '1' })
    await (await batcherWith(4)).open()
    expect(await redis.hgetall(`{${prefix}}.layout`)).to.deep.equal(written)
  })

  it('refuses another number of partitions, in one line that names both', async () => {
    await (await batcherWith(4)).open()
    expect(await refusal(8)).to.match(
      /^Redis at \S+ has 4 partitions under the prefix .* LULL_PARTITIONS=8: set it to 4; docs/,
    )
  })

  it('refuses a process without partitions, which would find nothing of what is there', async () => {
    await (await batcherWith(4)).open()
    expect(await refusal()).to.match(/has 4 partitions .* LULL_PARTITIONS is not set: set it to 4; docs/)
  })

  it('refuses partitions beside batches of a store that has none, and leaves these as they are', async () => {
    const flat = await batcherWith()
    await flat.append('chat', { messageId: '1' })
    expect(await refusal(4)).to.match(/has batches of a store without partitions .*: unset LULL_PARTITIONS; docs/)
    expect(await redis.exists(`{${prefix}}.layout`)).to.equal(0)
    expect((await flat.conversation('chat')).waiting).to.equal(1)
  })

  it('refuses partitions while a processor without them runs, if only idly, unless its store drains', async () => {
    const processor = new Processor({ redis: await testRedis(), prefix, handle: async () => {} })
    await processor.start()
    try {
      expect(await refusal(4)).to.match(
        /^processors without partitions run on Redis at \S+ .*: stop them first, or unset/,
      )
      expect(await redis.exists(`{${prefix}}.layout`)).to.equal(0)
      if (processor.store instanceof PartitionedStore) await beginDrain(processor.store)
      expect(await refusal(4)).to.equal(undefined)
    } finally {
      await processor.stop()
    }
  })

  it('refuses a prefix with braces, which are for the partitions; a store without partitions may have one', async () => {
    prefix = `{${prefix}}`
    await (await batcherWith()).append('chat', { messageId: '1' })
    expect(await redis.exists(`${prefix}:chat`)).to.equal(1)
    expect(await refusal(4)).to.match(/^LULL_PREFIX=\{.*\}: with partitions it may hold no braces/)
  })
})

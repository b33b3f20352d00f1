/**
 * Guarantee **other partitions**: a store that drains accepts nothing and hands over what waits; then its partitions
 * change, and nothing is lost, nothing comes twice, and the order is kept.
 */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Batcher, type BatchingOptions } from '../../src/batcher.js'
import { Keys } from '../../src/store/redis/keys.js'
import { DRAIN_SCOPE } from '../../src/store/settings.js'
import { StoreUnavailable } from '../../src/store/store.js'
import type { StoreOnRedisOptions } from '../../src/store/store-options.js'
import { lull } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { type Load, startLoad } from '../support/under-load.js'
import { until } from '../support/wait.js'

const CHAT = 'shop/79990000011@c.us'
/** Messages before a change, and after it. */
const SOME = 200
/** Each writer has been refused many times by then. */
const REFUSED = 300
const LONG_GAP_MS = 20_000

describe('a drain', function () {
  this.timeout(120_000)
  const closing: (() => unknown)[] = []
  let redis: string
  let prefix: string
  beforeEach(async () => {
    redis = await testRedis()
    prefix = uniquePrefix()
  })
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  const command = (args: string[], partitions?: number) =>
    lull(['drain', ...args], {
      REDIS_URL: redis,
      LULL_PREFIX: prefix,
      ...(partitions === undefined ? {} : { LULL_PARTITIONS: `${partitions}` }),
    })
  /** Resolves to all that it wrote. */
  const done = async (args: string[], partitions?: number) => {
    const { exit, stdout, stderr } = await command(args, partitions)
    const { code } = await exit
    return { code, says: [...stdout, ...stderr].join('\n') }
  }
  const open = async (options: Partial<StoreOnRedisOptions & BatchingOptions> = {}) => {
    const batcher = new Batcher({ redis, prefix, quietGapMs: LONG_GAP_MS, maxWaitMs: LONG_GAP_MS, ...options })
    closing.push(() => batcher.close())
    await batcher.open()
    return batcher
  }
  let count = 0
  /** `accepted`, or why not. */
  const append = async (batcher: Batcher, options = {}): Promise<string> => {
    count += 1
    try {
      await batcher.append(CHAT, { messageId: `m${count}` }, options)
      return 'accepted'
    } catch (error) {
      return error instanceof StoreUnavailable ? error.reason : `${error}`
    }
  }
  const client = () => {
    const made = new Redis(redis)
    closing.push(() => made.disconnect())
    return made
  }

  describe('from no partitions to 4, and back, under load', () => {
    const more = async (load: Load) => {
      const before = load.accepted()
      await until(() => load.accepted() >= before + SOME, { timeoutMs: 60_000, what: 'messages to be accepted' })
    }
    const drained = async (load: Load, partitions?: number) => {
      const { code, says } = await done([], partitions)
      expect(says).to.include('nothing waits, and nothing is under way')
      expect(code).to.equal(0)
      const [accepted, refused] = [load.accepted(), load.refused()]
      await until(() => load.refused() >= refused + REFUSED, { timeoutMs: 60_000, what: 'refusals' })
      expect(load.accepted(), 'accepted while it drains').to.equal(accepted)
    }

    it('loses nothing, hands over nothing twice, and keeps the order', async () => {
      const load = await startLoad({ redis, prefix })
      await more(load)
      await drained(load)
      await load.move({ redis, prefix, partitions: 4 })
      await more(load)
      await drained(load, 4)
      expect(await done(['--relayout'], 4)).to.include({ code: 0 })
      await load.move({ redis, prefix })
      await more(load)
      const { lost, twice, outOfOrder } = await load.end()
      expect({ lost, twice, outOfOrder }).to.deep.equal({ lost: [], twice: [], outOfOrder: [] })
    })
  })

  it('refuses batched and direct messages in every process, also in one that starts, until it is ended', async () => {
    const batcher = await open()
    expect(await append(batcher)).to.equal('accepted')
    const drain = await command([])
    await drain.line(/^1 conversation waits/)
    await until(async () => (await append(batcher)) === 'draining', { what: 'a refusal' })
    const started = await open()
    expect(await append(started)).to.equal('draining')
    expect(await append(started, { direct: true })).to.equal('draining')
    expect(await started.settings.all(), 'stored settings').to.deep.equal([])

    expect(await drain.stop('SIGINT')).to.include({ code: 1 })
    expect(drain.stderr.join('\n')).to.include('lull drain --end')
    expect(await append(started), 'after Ctrl-C').to.equal('draining')

    expect(await done(['--end'])).to.include({ code: 0 })
    await until(async () => (await append(batcher)) === 'accepted', { what: 'an append' })
    await until(async () => (await append(started)) === 'accepted', { what: 'an append' })
    expect((await done(['--end'])).code, 'again').to.equal(1)
  })

  it('names what keeps it from ending: paused conversations that collect, and dead batches', async () => {
    const batcher = await open()
    await batcher.pause(CHAT, undefined, { keep: 'collect' })
    expect(await append(batcher)).to.equal('accepted')
    await client().hset(new Keys(prefix).dead, 'dead', '{}')
    const drain = await command([])
    const line = await drain.line(/^this waits for you/)
    await drain.stop('SIGINT')
    expect(line).to.include(`lull resume ${CHAT}`).and.include('lull dead')
  })

  it('removes the layout only while it drains and nothing waits', async () => {
    const batcher = await open({ partitions: 4 })
    expect((await done(['--relayout'], 4)).says).to.include('lull drain first')
    expect(await append(batcher)).to.equal('accepted')
    const drain = await command([], 4)
    await drain.line(/^1 conversation waits/)
    expect((await done(['--relayout'], 4)).says).to.include('1 conversation waits')
    await batcher.drop(CHAT)
    expect(await drain.exit).to.include({ code: 0 })
    expect(await done(['--relayout'], 4)).to.include({ code: 0 })
    expect(await client().exists(new Keys(`{${prefix}}`).layout)).to.equal(0)
  })

  it('ends with its layout, but not for a process that still runs on it', async () => {
    const old = await open({ partitions: 4 })
    expect(await done([], 4)).to.include({ code: 0 })
    expect(await append(old)).to.equal('draining')
    expect(await done(['--relayout'], 4)).to.include({ code: 0 })
    const next = await open({ partitions: 8 })
    expect(await append(next)).to.equal('accepted')
    // Both read the same stored settings.
    await next.settings.set('clinic', { quietGapMs: 1000 })
    await until(async () => (await old.settings.all()).length === 1, { what: 'the stored settings' })
    expect(await append(old), 'on the old layout').to.equal('draining')
    await client().publish(
      new Keys(`{${prefix}}`).settingsChanged,
      JSON.stringify({ scope: 'clinic', version: 1000, db: 0 }),
    )
    expect(await append(old), 'after it has read all again').to.equal('draining')
    expect(await client().hexists(new Keys(`{${prefix}}`).settings, DRAIN_SCOPE)).to.equal(1)
  })

  it('of a store without partitions is over when the store has none again', async () => {
    await open()
    expect(await done([])).to.include({ code: 0 })
    await open({ partitions: 4 })
    expect(await done([], 4)).to.include({ code: 0 })
    expect(await done(['--relayout'], 4)).to.include({ code: 0 })
    expect(await append(await open())).to.equal('accepted')
  })
})

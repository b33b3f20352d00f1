/**
 * A key of a foreign type, perhaps of an older system, under each name that Lull uses, for each script. A script that
 * can't work because of the key changes nothing, and its error names the key. A script that does not use the key works
 * as always.
 */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { silent } from '../../src/logger.js'
import { rulesFrom } from '../../src/rules.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { ForeignKey, type Lease, type Store } from '../../src/store/store.js'
import { Clock, clocked } from '../support/clocked-redis.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { append, claim, claimed, dead, direct, message, PATIENT } from '../support/store-contract/messages.js'

const OWNER = 'processor-1'

/** Conversations by the state they are in, and the batches that put them there. */
interface World {
  store: RedisStore
  redis: Redis
  clock: Clock
  warned: string[]
  /** Everything that is in Redis, byte for byte. */
  dump(): Promise<Record<string, unknown>>
  claimed: Lease
  answering: Lease
  dead: Lease
  close(): Promise<void>
}

const CONVERSATIONS = ['open', 'claimed', 'answering', 'dead', 'due']
const shared = (redis: RedisStore) => {
  const { due, claimed, answering, history, dead } = redis.keys
  return [due, claimed, answering, history, dead]
}
const ofConversation = ({ keys }: RedisStore, id: string) => [
  keys.header(id),
  keys.messages(id),
  keys.quiet(id),
  keys.seen(id),
  keys.hold(id),
  keys.alias(id),
  keys.aliases(id),
]

async function world(): Promise<World> {
  const url = await testRedis()
  const redis = new Redis(url)
  let ids = 0
  const warned: string[] = []
  const store = new RedisStore({
    redis: clocked(url),
    prefix: uniquePrefix(),
    rules: rulesFrom({ ...PATIENT, maxAttempts: 1 }),
    name: OWNER,
    newBatchId: () => `b${++ids}`,
    log: { ...silent, warn: (about: object) => warned.push(JSON.stringify(about)) },
  })
  const clock = new Clock(redis, store.keys.prefix)
  await clock.set(2_000_000_000_000)
  await store.open()
  const deadBatch = await dead(store, 'dead')
  const answering = await claimed(store, 'answering')
  await store.ack([answering.batchId])
  await store.workerStarted(answering.batchId, 'first')
  const claimedBatch = await claimed(store, 'claimed')
  for (const id of ['open', 'claimed', 'answering', 'dead']) await append(store, id, 'o1', 'o2')
  await direct(store, 'due', 'd1')
  const { keys } = store
  const all = [
    ...shared(store),
    ...CONVERSATIONS.flatMap(id => ofConversation(store, id)),
    ...[deadBatch, answering, claimedBatch].flatMap(({ batchId }) => [
      keys.claimedBatch(batchId),
      keys.handedOver(batchId),
    ]),
  ]
  return {
    store,
    redis,
    clock,
    warned,
    claimed: claimedBatch,
    answering,
    dead: deadBatch,
    dump: async () =>
      Object.fromEntries(
        await Promise.all(all.map(async key => [key, await contentOf(redis, key), await redis.pexpiretime(key)])).then(
          entries => entries.map(([key, value, expires]) => [String(key).replace(keys.prefix, ''), [value, expires]]),
        ),
      ),
    close: async () => {
      await store.close()
      await redis.quit()
    },
  }
}

interface Case {
  does: string
  /** The conversation whose keys it may meet. */
  about: string
  call(store: Store, world: World): Promise<unknown>
}

const CASES: Case[] = [
  { does: 'append', about: 'open', call: store => append(store, 'open', 'n1') },
  { does: 'append to a held conversation', about: 'claimed', call: store => append(store, 'claimed', 'n1') },
  {
    does: 'append of a direct message',
    about: 'open',
    call: store => store.append({ conversationId: 'open', messages: [message('n1')], direct: true }),
  },
  { does: 'append of a duplicate', about: 'open', call: store => append(store, 'open', 'o1') },
  { does: 'extend', about: 'open', call: store => store.extend('open', 900_000) },
  { does: 'renew', about: 'claimed', call: (store, { claimed }) => store.renew([claimed]) },
  { does: 'ack', about: 'claimed', call: (store, { claimed }) => store.ack([claimed.batchId]) },
  { does: 'ack of a dead batch', about: 'dead', call: (store, { dead }) => store.ack([dead.batchId]) },
  {
    does: 'nack',
    about: 'claimed',
    call: (store, { claimed }) => store.nack({ ...claimed, delayMs: 0, counts: false, error: 'refused' }),
  },
  {
    does: 'nack of the last attempt',
    about: 'claimed',
    call: (store, { claimed }) => store.nack({ ...claimed, delayMs: 0, counts: true, error: 'refused' }),
  },
  { does: 'giveBack', about: 'claimed', call: store => store.giveBack(OWNER) },
  {
    does: 'workerStarted',
    about: 'answering',
    call: (store, { answering }) => store.workerStarted(answering.batchId, 'second'),
  },
  {
    does: 'answered',
    about: 'answering',
    call: (store, { answering }) => store.answered(answering.batchId, 'completed'),
  },
  {
    does: 'answered before it is acknowledged',
    about: 'claimed',
    call: (store, { claimed }) => store.answered(claimed.batchId, 'completed'),
  },
  {
    does: 'answered of a dead batch',
    about: 'dead',
    call: (store, { dead }) => store.answered(dead.batchId, 'completed'),
  },
  { does: 'flush', about: 'open', call: store => store.flush('open') },
  { does: 'flush of a held conversation', about: 'claimed', call: store => store.flush('claimed') },
  { does: 'drop', about: 'open', call: store => store.drop('open') },
  { does: 'redrive', about: 'dead', call: (store, { dead }) => store.redrive(dead.batchId) },
  { does: 'discardDead', about: 'dead', call: (store, { dead }) => store.discardDead([dead.batchId]) },
  { does: 'edit', about: 'open', call: store => store.edit({ conversationId: 'open', messageId: 'o1', text: 'new' }) },
  { does: 'revoke', about: 'open', call: store => store.revoke('open', 'o1') },
  { does: 'revoke of what has not come yet', about: 'open', call: store => store.revoke('open', 'later') },
  { does: 'forget', about: 'open', call: store => store.forget('open') },
  { does: 'merge', about: 'open', call: store => store.merge('open', 'claimed') },
  { does: 'merge of a held conversation', about: 'claimed', call: store => store.merge('claimed', 'open') },
  { does: 'merge into an open conversation', about: 'open', call: store => store.merge('dead', 'open') },
  { does: 'merge into a held conversation', about: 'answering', call: store => store.merge('open', 'answering') },
  { does: 'learn', about: 'open', call: store => store.learn('waha', ['open', 'due']) },
  { does: 'learn of an alias', about: 'open', call: store => store.learn('waha', ['due', 'open']) },
  { does: 'resolve', about: 'open', call: store => store.resolve('waha', 'open') },
  { does: 'conversation', about: 'open', call: store => store.conversation('open') },
  { does: 'conversations', about: 'open', call: store => store.conversations(10) },
  { does: 'dead', about: 'dead', call: store => store.dead(10) },
]

/** Calls for several batches skip one that can't be read: what they return then. */
const PASSED_OVER: Record<string, (expected: unknown, batchId: string) => unknown> = {
  renew: (_, batchId) => [{ batchId }],
  giveBack: () => [],
  ack: () => undefined,
  conversations: (expected, batchId) => listed.parse(expected).filter(one => one.batchId !== batchId),
}

const listed = z.array(z.looseObject({ batchId: z.string().optional(), conversationId: z.string() }))

/** A conversation is listed even if its header can't be read. */
const withoutCount = (expected: unknown) =>
  listed.parse(expected).map(one => (one.conversationId === 'open' ? { ...one, count: 0 } : one))

/** The batch that `does` skips because of `key`. */
function passedOver({ store: { keys }, claimed, answering }: World, does: string, key: string): string | undefined {
  if (!(does in PASSED_OVER)) return undefined
  if (key === keys.claimedBatch(claimed.batchId)) return claimed.batchId
  return does === 'conversations' && key === keys.handedOver(answering.batchId) ? answering.batchId : undefined
}

/** Keys that a case may meet, by what they are. */
const met = ({ store, claimed, answering, dead }: World, about: string) => [
  ...shared(store),
  ...ofConversation(store, about),
  ...[claimed, answering, dead].flatMap(({ batchId }) => [
    store.keys.claimedBatch(batchId),
    store.keys.handedOver(batchId),
  ]),
]

const KEYS_MET = 5 + 5 + 6
const LEASE_MS = 30_000

/** A large hash has no order: reading it may move its fields. */
async function contentOf(redis: Redis, key: string): Promise<unknown> {
  if ((await redis.type(key)) === 'hash') return Object.entries(await redis.hgetall(key)).sort()
  return (await redis.dumpBuffer(key))?.toString('hex')
}

/** Lull writes its string keys without reading them. */
const isTemporary = ({ store: { keys } }: World, key: string) =>
  key.startsWith(keys.hold('')) || key.startsWith(keys.quiet(''))

async function plant(world: World, key: string): Promise<void> {
  const { redis } = world
  await redis.del(key)
  if (isTemporary(world, key)) await redis.rpush(key, 'foreign')
  else await redis.set(key, 'foreign')
}

describe('a key of a foreign type', () => {
  const worlds: World[] = []
  const make = async () => {
    const made = await world()
    worlds.push(made)
    return made
  }
  afterEach(async () => {
    for (const made of worlds.splice(0)) await made.close()
  })

  for (const { does, about, call } of CASES)
    it(`${does} changes nothing and names the foreign key, or does not need it and works as always`, async () => {
      const control = await make()
      const expected = await call(control.store, control)
      for (let i = 0; i < KEYS_MET; i++) {
        const here = await make()
        const key = met(here, about)[i] ?? ''
        await plant(here, key)
        const before = await here.dump()
        const result = await call(here.store, here).catch(error => error)
        const what = `${does}, with ${key.replace(here.store.keys.prefix, '')} foreign`
        if (result instanceof Error) {
          expect(result, what).to.be.instanceOf(ForeignKey)
          expect(result.message, what).to.include(key)
          expect(await here.dump(), what).to.deep.equal(before)
        } else {
          const batchId = passedOver(here, does, key)
          let answer = batchId === undefined ? expected : PASSED_OVER[does]?.(expected, batchId)
          if (does === 'conversations' && key === here.store.keys.header('open')) answer = withoutCount(expected)
          expect(result, what).to.deep.equal(answer)
          if (does === 'ack' && batchId !== undefined) expect(here.warned.join(), what).to.include(key)
          expect(await here.redis.exists(key), what).to.be.at.least(isTemporary(here, key) ? 0 : 1)
        }
      }
    })

  it('a claim changes nothing and names the foreign key, or skips what it can’t read and takes the rest', async () => {
    const all = await make()
    await all.clock.pass(LEASE_MS)
    const expected = await claim(all.store)
    expect([expected.batches.length, expected.checks.length, expected.dead.length]).to.deep.equal([1, 1, 1])
    for (const about of ['due', 'claimed', 'answering'])
      for (let i = 0; i < KEYS_MET; i++) {
        const here = await make()
        const key = met(here, about)[i] ?? ''
        await plant(here, key)
        await here.clock.pass(LEASE_MS)
        const before = await here.dump()
        const result = await claim(here.store).catch(error => error)
        const what = `claim, with ${key.replace(here.store.keys.prefix, '')} foreign`
        if (result instanceof Error) {
          expect(result, what).to.be.instanceOf(ForeignKey)
          expect(result.message, what).to.include(key)
          expect(await here.dump(), what).to.deep.equal(before)
          continue
        }
        const { batches, checks, dead, troubles, nextInMs } = result
        expect(batches.length + checks.length + dead.length + troubles.length, what).to.equal(3)
        for (const { error } of troubles) expect(error, what).to.include(key)
        if (troubles.length === 0) expect(result, what).to.deep.equal(expected)
        else expect(nextInMs, `${what}: it is put off`).to.be.above(0)
        expect(await here.redis.exists(key), what).to.be.at.least(isTemporary(here, key) ? 0 : 1)
      }
  })
})

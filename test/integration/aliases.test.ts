/**
 * One person, one conversation, through the receivers of two processes and each store: whatever ids of whichever
 * person come in whatever order.
 */
import { expect } from 'chai'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { Batcher } from '../../src/batcher.js'
import { conversationIdOf } from '../../src/conversation.js'
import type { Item, Provider } from '../../src/providers/provider.js'
import { Providers } from '../../src/providers/registry.js'
import { rulesFrom } from '../../src/rules.js'
import { MemoryStore } from '../../src/store/memory/store.js'
import { PartitionedStore } from '../../src/store/partitioned/store.js'
import { RedisStore } from '../../src/store/redis/store.js'
import type { Store } from '../../src/store/store.js'
import { Receiver, type ReceiverOptions } from '../../src/webhook/receive.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { message, PATIENT } from '../support/store-contract/messages.js'
import { until } from '../support/wait.js'

const RUNS = Number(process.env['LULL_MODEL_RUNS'] ?? 60)
const ACCOUNT = 'shop'
/** By then all processes know what one of them has learnt. */
const SETTLED_MS = 1000

const posted = z.object({
  account: z.string().default(ACCOUNT),
  kind: z.enum(['message', 'typing', 'revoke', 'own']).default('message'),
  chatId: z.string(),
  messageId: z.string().default('m'),
  group: z.string().optional(),
  samePerson: z.array(z.string()).optional(),
})

/** Posts what an item says, as it is. */
const plain = (name: string): Provider => ({
  name,
  title: name,
  parse(body): Item[] {
    const { kind, group, chatId: person, account, messageId, samePerson } = posted.parse(body)
    const place = {
      account,
      chatId: group ?? person,
      isGroup: group !== undefined,
      ...(samePerson ? { samePerson } : {}),
    }
    const senderId = person
    if (kind === 'message')
      return [{ kind, ...place, message: { messageId, text: messageId, senderId }, raw: undefined }]
    if (kind === 'typing') return [{ kind, ...place, senderId, sign: 'composing' }]
    return [kind === 'own' ? { kind, ...place, messageId } : { kind, ...place, senderId, messageId }]
  },
})

type Post = z.input<typeof posted>

function receiverOf(store: Store, options: Partial<ReceiverOptions> = {}) {
  const known = new Providers([plain('one'), plain('two')])
  const receiver = new Receiver({ batcher: new Batcher({ store }), known, isLocal: true, ...options })
  return async (post: Post, provider = 'one') => {
    const body = Buffer.from(JSON.stringify(post))
    const { body: counts } = await receiver.deliver({
      body,
      header: name => (name === 'content-type' ? 'application/json' : undefined),
      provider,
    })
    return counts
  }
}

interface Two {
  stores: [Store, Store]
  close(): Promise<void>
}

async function inMemory(): Promise<Two> {
  const store = new MemoryStore(PATIENT)
  return { stores: [store, store], close: () => store.close() }
}

async function onRedis(): Promise<Two & { redis: Redis; prefix: string }> {
  const url = await testRedis()
  const prefix = uniquePrefix()
  const make = () => new RedisStore({ redis: url, prefix, rules: rulesFrom(PATIENT) })
  const [first, second] = [make(), make()]
  await Promise.all([first.open(), second.open()])
  const redis = new Redis(url)
  return {
    stores: [first, second],
    redis,
    prefix,
    close: async () => {
      await Promise.all([first.close(), second.close()])
      await redis.quit()
    },
  }
}

/** A person's ids lie in different partitions. */
async function onPartitions(): Promise<Two> {
  const redis = await testRedis()
  const prefix = uniquePrefix()
  const make = () => new PartitionedStore({ redis, prefix, rules: rulesFrom(PATIENT), partitions: 4, role: 'test' })
  const [first, second] = [make(), make()]
  await first.open()
  await second.open()
  return {
    stores: [first, second],
    close: async () => {
      await Promise.all([first.close(), second.close()])
    },
  }
}

const MAKES = { MemoryStore: inMemory, RedisStore: onRedis, 'PartitionedStore of four partitions': onPartitions }

/** What waits, by conversation. */
async function waiting(store: Store): Promise<Record<string, string[]>> {
  const all = await store.conversations(100)
  const states = await Promise.all(all.map(({ conversationId }) => store.conversation(conversationId)))
  return Object.fromEntries(
    states.map(({ conversationId, messages }) => [conversationId, messages.map(({ message }) => message.messageId)]),
  )
}

const PERSONS = ['1', '2', '3'].map(n => [`7900000000${n}@c.us`, `24500000000${n}@lid`, `RU.1349${n}@bsuid`])
const personArbitrary = fc.nat(PERSONS.length - 1)
const idArbitrary = fc.nat(2)

const action = fc.record({
  process: fc.nat(1),
  /** The next one is posted before this one is answered. */
  overlaps: fc.boolean(),
  person: personArbitrary,
  /** The one in use, and the ones that the body shows with it. */
  used: idArbitrary,
  shown: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(idArbitrary, { maxLength: 2 })),
  kind: fc.constantFrom('message' as const, 'message' as const, 'message' as const, 'typing' as const),
})
type Action = typeof action extends fc.Arbitrary<infer Made> ? Made : never

const idOf = (person: number, id: number) => PERSONS[person]?.[id] ?? ''

function postOf({ person, used, shown, kind }: Action, i: number): Post {
  const ids = [...new Set([used, ...shown])].map(id => idOf(person, id))
  const phone = ids.find(id => id.endsWith('@c.us'))
  // As `samePersonIn` does.
  const inOrder = [...new Set([phone ?? ids[0] ?? '', ...ids])]
  const [chatId = ''] = inOrder
  return { kind, chatId, messageId: `m${i}`, ...(inOrder.length > 1 ? { samePerson: inOrder } : {}) }
}

/** Ids that bodies have shown together, each with its group. */
class Groups {
  private readonly groups = new Map<string, Set<string>>()

  see(ids: string[]): void {
    const all = new Set(ids.flatMap(id => [...this.of(id)]))
    for (const id of all) this.groups.set(id, all)
  }

  of(id: string): Set<string> {
    return this.groups.get(id) ?? new Set([id])
  }
}

for (const [name, make] of Object.entries(MAKES)) {
  describe(`one person has one conversation in a ${name}`, () => {
    const made: Two[] = []
    const set = async () => {
      const two = await make()
      made.push(two)
      return two
    }
    afterEach(async () => {
      for (const two of made.splice(0)) await two.close()
    })

    it('whatever pairs of ids two processes learn in whatever order, and no two persons have one', async function () {
      this.timeout(120_000)
      await fc.assert(
        fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 25 }), async actions => {
          const two = await make()
          try {
            await expectOneForOne(two, actions)
          } finally {
            await two.close()
          }
        }),
        { numRuns: RUNS },
      )
    })

    it('a message of either id, a sign of typing, a revocation and an own message reach it', async () => {
      const { stores } = await set()
      const post = receiverOf(stores[0], { onOwnMessage: 'drop' })
      const [phone = '', lid = ''] = PERSONS[0] ?? []
      await post({ chatId: phone, messageId: 'm1', samePerson: [phone, lid] })
      await post({ chatId: lid, messageId: 'm2' })
      expect(await waiting(stores[0])).to.deep.equal({ [`shop/${phone}`]: ['m1', 'm2'] })
      const before = (await stores[0].conversation(`shop/${phone}`)).open?.dueAtMs ?? 0
      await post({ kind: 'typing', chatId: lid })
      expect((await stores[0].conversation(`shop/${phone}`)).open?.dueAtMs).to.be.at.least(before)
      await post({ kind: 'revoke', chatId: lid, messageId: 'm1' })
      expect(await waiting(stores[0])).to.deep.equal({ [`shop/${phone}`]: ['m2'] })
      await post({ kind: 'own', chatId: lid })
      expect(await waiting(stores[0])).to.deep.equal({})
    })

    for (const [order, ids] of [
      ['the number first', [0, 1]],
      ['the hidden id first', [1, 0]],
    ] as const)
      it(`a message that comes under two ids is one message: ${order}`, async () => {
        const { stores } = await set()
        const post = receiverOf(stores[0])
        const [phone = ''] = PERSONS[0] ?? []
        const [first, second] = ids.map(id => ({ chatId: idOf(0, id), messageId: '3AE31BFE77A3CB30BF18' }))
        if (first === undefined || second === undefined) throw new Error('two ids')
        expect(await post(first)).to.include({ accepted: 1 })
        expect(await post(second)).to.include({ accepted: 0, duplicates: 1 })
        await post({ chatId: idOf(0, 1), messageId: '3AE31BFE77A3CB30BF19' })
        expect(await waiting(stores[0])).to.deep.equal({
          [`shop/${phone}`]: ['3AE31BFE77A3CB30BF18', '3AE31BFE77A3CB30BF19'],
        })
      })

    it('a message that comes under two ids at the same time is one message, whichever is first', async () => {
      const { stores } = await set()
      const post = receiverOf(stores[0])
      const persons = Array.from({ length: 20 }, (_, i) => [`790000010${10 + i}@c.us`, `2450000010${10 + i}@lid`])
      const all = persons.map(async ([phone = '', lid = ''], i) => {
        const messageId = `3AE31BFE77A3CB30BF${10 + i}`
        const ids = i % 2 === 0 ? [phone, lid] : [lid, phone]
        const counts = await Promise.all(ids.map(chatId => post({ chatId, messageId })))
        expect(counts).to.deep.equal([
          { accepted: 1, duplicates: 0, ignored: 0 },
          { accepted: 0, duplicates: 1, ignored: 0 },
        ])
      })
      await Promise.all(all)
      expect(Object.keys(await waiting(stores[0]))).to.have.members(persons.map(([phone]) => `shop/${phone}`))
    })

    it('ids that are not random show nothing, and two persons, groups and accounts stay apart', async () => {
      const { stores } = await set()
      const post = receiverOf(stores[0])
      const [[phone = ''] = [], [other = '', lid = ''] = []] = PERSONS
      const messageId = '3AE31BFE77A3CB30BF18'
      await post({ chatId: phone, messageId: '17' })
      await post({ chatId: lid, messageId: '17' })
      // Counted, or made of the time.
      await post({ chatId: phone, messageId: '1718000000000001' })
      await post({ chatId: lid, messageId: '1718000000000001' })
      await post({ chatId: phone, messageId })
      await post({ chatId: other, messageId })
      await post({ account: 'other', chatId: lid, messageId })
      await post({ group: '120363@g.us', chatId: lid, messageId })
      expect(await waiting(stores[0])).to.deep.equal({
        [`shop/${phone}`]: ['17', '1718000000000001', messageId],
        [`shop/${lid}`]: ['17', '1718000000000001'],
        [`shop/${other}`]: [messageId],
        [`other/${lid}`]: [messageId],
        'shop/120363@g.us': [messageId],
      })
    })

    it('a person’s other id is one of another account, and of another provider', async () => {
      const { stores } = await set()
      const post = receiverOf(stores[0])
      const [phone = '', lid = ''] = PERSONS[0] ?? []
      await post({ chatId: phone, messageId: 'm1', samePerson: [phone, lid] })
      await post({ account: 'other', chatId: lid, messageId: 'm2' })
      await post({ chatId: lid, messageId: 'm3' }, 'two')
      expect(await waiting(stores[0])).to.deep.equal({
        [`shop/${phone}`]: ['m1'],
        [`other/${lid}`]: ['m2'],
        [`shop/${lid}`]: ['m3'],
      })
    })

    it('a provider that does not own the account adds no alias and merges nothing', async () => {
      const { stores } = await set()
      const [store] = stores
      const [phone = '', lid = ''] = PERSONS[0] ?? []
      await store.append({ conversationId: `shop/${phone}`, messages: [message('m1')] })
      await store.append({ conversationId: `shop/${lid}`, messages: [message('m2')] })
      await store.accountOwner({ account: ACCOUNT, provider: 'two', isProven: true })
      const refused = await receiverOf(store)({ chatId: phone, samePerson: [phone, lid] }).catch(error => error.status)
      expect(refused).to.equal(403)
      expect(await store.resolve('one', `shop/${lid}`)).to.equal(`shop/${lid}`)
      expect(await waiting(store)).to.deep.equal({ [`shop/${phone}`]: ['m1'], [`shop/${lid}`]: ['m2'] })
    })

    it('a member of a group has one conversation there, by either id, if each member has one', async () => {
      const { stores } = await set()
      const post = receiverOf(stores[0], { groups: 'bySender' })
      const [phone = '', lid = ''] = PERSONS[0] ?? []
      const group = '120363@g.us'
      await post({ group, chatId: lid, messageId: 'm1' })
      await post({ chatId: lid, messageId: 'm2' })
      await post({ group, chatId: phone, messageId: 'm3', samePerson: [phone, lid] })
      await post({ group, chatId: lid, messageId: 'm4' })
      expect(await waiting(stores[0])).to.deep.equal({
        [`shop/${group}/${phone}`]: ['m1', 'm3', 'm4'],
        [`shop/${phone}`]: ['m2'],
      })
    })

    it('only the author of a message in a group revokes it, by any of the author’s ids', async () => {
      const { stores } = await set()
      const post = receiverOf(stores[0])
      const [phone = '', lid = ''] = PERSONS[0] ?? []
      const [other = ''] = PERSONS[1] ?? []
      const group = '120363@g.us'
      await post({ group, chatId: lid, messageId: 'm1' })
      await post({ group, chatId: phone, messageId: 'm2' })
      await post({ group, chatId: phone, messageId: 'm3', samePerson: [phone, lid] })
      for (const messageId of ['m1', 'm2', 'm3']) await post({ kind: 'revoke', group, chatId: other, messageId })
      expect(await waiting(stores[0])).to.deep.equal({ [`shop/${group}`]: ['m1', 'm2', 'm3'] })
      await post({ kind: 'revoke', group, chatId: phone, messageId: 'm1' })
      await post({ kind: 'revoke', group, chatId: lid, messageId: 'm2' })
      expect(await waiting(stores[0])).to.deep.equal({ [`shop/${group}`]: ['m3'] })
    })

    it('is merged in the process that used the other id, when the other process learns both', async () => {
      const { stores } = await set()
      const [here, there] = stores.map(store => receiverOf(store))
      const [phone = '', lid = ''] = PERSONS[0] ?? []
      await here?.({ chatId: lid, messageId: 'm1' })
      await there?.({ chatId: phone, messageId: 'm2', samePerson: [phone, lid] })
      await until(async () => (await waiting(stores[0]))[`shop/${phone}`]?.length === 2, { what: 'one conversation' })
      await here?.({ chatId: lid, messageId: 'm3' })
      await until(async () => (await waiting(stores[0]))[`shop/${phone}`]?.length === 3, { what: 'one conversation' })
      expect(Object.keys(await waiting(stores[0]))).to.deep.equal([`shop/${phone}`])
    })
  })
}

async function expectOneForOne({ stores }: Two, actions: Action[]): Promise<void> {
  const posts = stores.map(store => receiverOf(store))
  const groups = new Groups()
  const sent = new Map<string, string>()
  const underWay: unknown[] = []
  for (const [i, doing] of actions.entries()) {
    const post = postOf(doing, i)
    underWay.push(posts[doing.process]?.(post))
    if (!doing.overlaps) await Promise.all(underWay.splice(0))
    groups.see(post.samePerson ?? [post.chatId])
    if (post.kind === 'message') sent.set(post.messageId ?? '', post.chatId)
  }
  await Promise.all(underWay)
  const [store] = stores
  await until(
    async () => {
      const conversations = Object.values(await waiting(store))
      const found = conversations.map(ids => ids.toSorted().join())
      return found.toSorted().join(' ') === expectedOf(sent, groups)
    },
    { what: () => `one conversation for each person: ${expectedOf(sent, groups)}`, timeoutMs: SETTLED_MS },
  )
  for (const conversationId of Object.keys(await waiting(store))) {
    const ids = [...groups.of(conversationId.slice(ACCOUNT.length + 1))]
    const phone = ids.find(id => id.endsWith('@c.us'))
    if (phone !== undefined) expect(conversationId).to.equal(conversationIdOf({ account: ACCOUNT, chatId: phone }))
  }
}

/** Messages by person, if the bodies show which ids are one person's. */
function expectedOf(sent: Map<string, string>, groups: Groups): string {
  const byGroup = new Map<string, string[]>()
  for (const [messageId, chatId] of sent) {
    const key = [...groups.of(chatId)].sort().join()
    byGroup.set(key, [...(byGroup.get(key) ?? []), messageId])
  }
  return [...byGroup.values()]
    .map(ids => ids.toSorted().join())
    .sort()
    .join(' ')
}

describe('the ids of persons cost Redis', () => {
  it('nothing for a phone number, and nothing for a hidden id that was looked up a moment ago', async () => {
    const { stores, redis, prefix, close } = await onRedis()
    try {
      const post = receiverOf(stores[0])
      const [phone = '', lid = ''] = PERSONS[0] ?? []
      const calls = async () => {
        const stats = await redis.info('commandstats')
        return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0)
      }
      await post({ chatId: phone, messageId: 'm0' })
      const before = await calls()
      for (let i = 1; i <= 5; i++) await post({ chatId: phone, messageId: `m${i}` })
      expect((await calls()) - before, 'scripts for five messages of a phone').to.equal(5)
      await post({ chatId: phone, messageId: 'm6', samePerson: [phone, lid] })
      const channel = `${prefix}.alias-learnt`
      await until(async () => Number((await redis.pubsub('NUMSUB', channel))[1]) === 1, { what: 'the subscription' })
      await post({ chatId: phone, messageId: 'm7', samePerson: [phone, lid] })
      let sent = 8
      const scriptsForSix = async () => {
        const known = await calls()
        for (let i = 0; i < 5; i++) await post({ chatId: lid, messageId: `m${sent++}` })
        await post({ chatId: phone, messageId: `m${sent++}`, samePerson: [phone, lid] })
        return (await calls()) - known
      }
      // Whose the account is, is asked again every two seconds, which a busy machine takes for it.
      const counts = [await scriptsForSix()]
      while (counts.at(-1) !== 6 && counts.length < 10) counts.push(await scriptsForSix())
      expect(counts.at(-1), 'scripts for six messages of a person that is known').to.equal(6)
      expect((await stores[0].conversation(`shop/${phone}`)).waiting).to.equal(sent)
    } finally {
      await close()
    }
  })
})

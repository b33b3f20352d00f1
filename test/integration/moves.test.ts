/**
 * Two conversations of one person in different partitions: the steps that make them one, and a process that dies between
 * them.
 */
import { expect } from 'chai'
import fc from 'fast-check'
import { type RuleOptions, rulesFrom } from '../../src/rules.js'
import { newMoveId } from '../../src/store/batch-id.js'
import { partitionOfConversation } from '../../src/store/partitioned/layout.js'
import { PartitionedStore } from '../../src/store/partitioned/store.js'
import type { Move, Taken } from '../../src/store/redis/move.js'
import type { RedisStore } from '../../src/store/redis/store.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import {
  allIdsOf,
  append as appendTo,
  claim,
  claimed,
  claimOne,
  dead,
  direct,
  idsOf,
  PATIENT,
  steps,
} from '../support/store-contract/messages.js'
import { until } from '../support/wait.js'

const PHONE = 'shop/79990000011@c.us'
const LID = 'shop/245000000000011@lid'
const DAY_MS = 86_400_000

/** Appends, and waits until Redis's clock has moved on: what comes in one millisecond is in no order. */
async function append(store: PartitionedStore, conversationId: string, ...messageIds: string[]) {
  const result = await appendTo(store, conversationId, ...messageIds)
  const now = async () => {
    const [seconds = 0, microseconds = 0] = (await store.home.redis.time()).map(Number)
    return seconds * 1000 + Math.floor(microseconds / 1000)
  }
  const before = await now()
  await until(async () => (await now()) > before, { what: 'a later millisecond' })
  return result
}

const RUNS = Number(process.env['LULL_MODEL_RUNS'] ?? 60)
const MOST_MS = 600_000
const MOST_ROUNDS = 50

/** What `dieAfter` says if there is nothing to move, or not now. */
const isNotPossible = (error: unknown) => {
  if (!/^(begin|take in): (undefined|later)$/.test(String(Reflect.get(Object(error), 'message')))) throw error
}

const STEPS = ['begin', 'take in', 'end'] as const

describe('a merge of two conversations in different partitions', () => {
  const made: PartitionedStore[] = []
  const make = async (rules: RuleOptions = {}) => {
    const store = new PartitionedStore({
      redis: await testRedis(),
      prefix: uniquePrefix(),
      rules: rulesFrom({ ...PATIENT, ...rules }),
      partitions: 4,
      role: 'test',
    })
    made.push(store)
    await store.open()
    expect(partitionOfConversation(PHONE, 4), 'the two are apart').not.to.equal(partitionOfConversation(LID, 4))
    const at = (id: string): RedisStore => store.all[partitionOfConversation(id, 4)] ?? store.home
    /** Does some of the steps of a merge, as a process that dies then. */
    const dieAfter = async (step: (typeof STEPS)[number], from = LID, into = PHONE, id = 'p-move'): Promise<Move> => {
      const move = await at(from).moves.begin(from, into, id)
      if (move === undefined || move === 'later') throw new Error(`begin: ${move}`)
      if (step === 'begin') return move
      const taken = await at(move.into).moves.takeIn(move)
      if (taken === 'later') throw new Error('take in: later')
      if (step === 'end') await at(from).moves.end(move, taken)
      return move
    }
    return { store, at, dieAfter }
  }
  afterEach(async () => {
    for (const store of made.splice(0)) await store.close()
  })

  const waitingIn = async (store: PartitionedStore, id: string) =>
    (await store.conversation(id)).messages.map(({ message }) => message.messageId)
  const isEmpty = async (store: PartitionedStore, id: string) => {
    const { nowMs: _, ...left } = await store.conversation(id)
    expect(left).to.deep.equal({ conversationId: id, waiting: 0, messages: [] })
  }

  it('makes one open batch of two, in order of arrival, due at the earlier time', async () => {
    const { store } = await make()
    await append(store, LID, 'm1')
    const { batchId } = await append(store, PHONE, 'm2')
    await append(store, LID, 'm3')
    const earlier = (await store.conversation(PHONE)).open
    const later = (await store.conversation(LID)).open
    expect(await store.merge(LID, PHONE)).to.equal(2)
    const { open } = await store.conversation(PHONE)
    expect(open).to.include({ batchId, count: 3, dueAtMs: earlier?.dueAtMs })
    expect(open).to.include({ firstAtMs: later?.firstAtMs, lastAtMs: later?.lastAtMs })
    expect(open?.bytes).to.equal((earlier?.bytes ?? 0) + (later?.bytes ?? 0))
    await isEmpty(store, LID)
    await store.flush(PHONE)
    expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1', 'm2', 'm3'])
  })

  it('gives the batch an id of the other partition, which ends it', async () => {
    const { store } = await make()
    const before = await append(store, LID, 'm1')
    await store.merge(LID, PHONE)
    await store.flush(PHONE)
    const { batchId, lease } = await claimOne(store)
    expect(batchId).not.to.equal(before.batchId)
    expect(await store.renew([{ batchId, lease }])).to.deep.equal([])
    await store.ack([batchId])
    expect((await store.answered(batchId, 'completed')).freed).to.equal(true)
  })

  it('is in the histories of both, and the batch that is gone says where its messages are', async () => {
    const { store } = await make()
    const gone = await append(store, LID, 'm1')
    await store.merge(LID, PHONE)
    const { open } = await store.conversation(PHONE)
    const here = await store.history({ conversationId: PHONE, limit: 9 })
    expect(steps(here)).to.deep.equal(['merged', 'opened'])
    expect(here[0]).to.deep.include({ batchId: open?.batchId, detail: { from: LID, count: '1' } })
    const [there] = await store.history({ conversationId: LID, limit: 1 })
    const detail = { into: PHONE, batch: open?.batchId }
    expect(there).to.deep.include({ step: 'merged', batchId: gone.batchId, detail })
    await store.learn('waha', [PHONE, LID])
    expect(await store.history({ conversationId: LID, limit: 9 })).to.have.lengthOf(4)
  })

  it('seals what reaches a cap, and the rest stays open', async () => {
    const { store } = await make({ maxMessages: 3 })
    const first = await append(store, PHONE, 'm1', 'm2')
    await append(store, LID, 'm3', 'm4')
    await store.merge(LID, PHONE)
    expect((await store.conversation(PHONE)).open).to.include({ count: 1 })
    expect((await claimOne(store)).batch).to.include({ batchId: first.batchId, releasedBy: 'maxMessages' })
  })

  it('knows the messages of both when they come again, whoever was merged without messages', async () => {
    const { store } = await make()
    await append(store, LID, 'm1')
    await append(store, PHONE, 'm2')
    await store.merge(LID, PHONE)
    expect(await append(store, PHONE, 'm1', 'm2')).to.include({ accepted: 0, duplicates: 2 })
    const { batchId } = await claimed(store, LID, 'm3')
    await store.answered(batchId, 'completed')
    expect(await store.merge(LID, PHONE)).to.equal(undefined)
    expect(await append(store, PHONE, 'm3')).to.include({ accepted: 0, duplicates: 1 })
    // Nothing is left to move.
    const { at } = { at: (id: string) => store.all[partitionOfConversation(id, 4)] }
    expect(await at(LID)?.moves.begin(LID, PHONE, 'x-move')).to.equal(undefined)
  })

  it('of nothing changes nothing', async () => {
    const { store } = await make()
    await append(store, PHONE, 'm1')
    expect(await store.merge(LID, PHONE)).to.equal(undefined)
    expect(await waitingIn(store, PHONE)).to.deep.equal(['m1'])
    expect(await store.history({ limit: 10 })).to.have.lengthOf(1)
  })

  it('is put off while a batch holds the conversation, or sealed batches wait in it', async () => {
    const { store } = await make({ order: 'serial' })
    const { batchId } = await claimed(store, LID)
    await append(store, LID, 'm2')
    expect(await store.merge(LID, PHONE)).to.equal('later')
    await store.ack([batchId])
    expect(await store.merge(LID, PHONE)).to.equal('later')
    await store.answered(batchId, 'completed')
    await direct(store, LID, 'm3')
    expect(await store.merge(LID, PHONE)).to.equal('later')
    expect(await waitingIn(store, LID)).to.deep.equal(['m2', 'm3'])
    for (const id of ['m2', 'm3']) {
      const taken = await claimOne(store)
      expect(idsOf(taken.batch)).to.deep.equal([id])
      await store.answered(taken.batchId, 'completed')
    }
    await append(store, LID, 'm4')
    expect(await store.merge(LID, PHONE)).to.equal(1)
  })

  it('keeps under its id a batch that was dead: its receiver may have it', async () => {
    const { store } = await make({ maxAttempts: 1 })
    const { batchId } = await dead(store, LID)
    await store.redrive(batchId)
    expect(await store.merge(LID, PHONE)).to.equal('later')
    expect((await claimOne(store)).batchId).to.equal(batchId)
  })

  it('waits behind a batch that holds the conversation it goes into', async () => {
    const { store } = await make({ order: 'serial' })
    const { batchId } = await claimed(store, PHONE)
    await append(store, LID, 'm2')
    expect(await store.merge(LID, PHONE)).to.equal(1)
    await store.flush(PHONE)
    expect(allIdsOf(await claim(store))).to.deep.equal([])
    await store.ack([batchId])
    await store.answered(batchId, 'completed')
    expect(allIdsOf(await claim(store))).to.deep.equal([['m2']])
  })

  it('takes a pause and holds along', async () => {
    const { store } = await make({ holdTypes: ['voice'] })
    const voice = { messageId: 'v1', type: 'voice' } as const
    await store.append({ conversationId: LID, messages: [voice] })
    await store.pause(LID, { forMs: DAY_MS, keep: 'collect' })
    const before = await store.conversation(LID)
    await store.merge(LID, PHONE)
    const { paused, holds } = await store.conversation(PHONE)
    expect([paused?.untilMs, holds?.length]).to.deep.equal([before.paused?.untilMs, before.holds?.length])
    expect((await store.paused(9)).map(({ conversationId }) => conversationId)).to.deep.equal([PHONE])
    expect(await store.resume(PHONE)).to.equal(true)
    expect(await store.release(PHONE, '"v1"')).to.equal(true)
  })

  it('keeps what has been taken out while it cannot be taken in, and later takes it in', async () => {
    const { store } = await make()
    await claimed(store, PHONE)
    await direct(store, PHONE, 'd1')
    const first = await store.conversation(PHONE)
    await store.answered(first.heldBy?.batchId ?? '', 'completed')
    await append(store, LID, 'm1')
    await store.pause(LID, { forMs: DAY_MS, keep: 'collect' })
    expect(await store.merge(LID, PHONE)).to.equal('later')
    await isWaiting(store)
    const { batchId } = await claimOne(store)
    await store.answered(batchId, 'completed')
    expect(await store.merge(LID, PHONE)).to.equal(undefined)
    expect(await waitingIn(store, PHONE)).to.deep.equal(['m1'])
  })

  const isWaiting = async (store: PartitionedStore) => {
    expect((await store.conversation(LID)).heldBy?.state).to.equal('answering')
    expect((await store.totals()).held).to.equal(1)
  }

  for (const step of STEPS) {
    it(`is finished by the next merge if its process dies after the step “${step}”`, async () => {
      const { store, dieAfter } = await make()
      await append(store, LID, 'm1')
      await append(store, PHONE, 'm2')
      await dieAfter(step)
      await append(store, LID, 'm3')
      expect(await store.merge(LID, PHONE)).to.equal(1)
      await expectOnce(store, ['m1', 'm2', 'm3'])
    })

    it(`is finished by a claim if its process dies after the step “${step}”`, async () => {
      const { store, dieAfter } = await make()
      await append(store, LID, 'm1')
      await append(store, PHONE, 'm2')
      await dieAfter(step)
      await store.checkAllNow()
      const { checks } = await claim(store)
      expect(checks).to.deep.equal([])
      await until(async () => (await store.conversation(LID)).heldBy === undefined, { what: 'the end of the move' })
      await expectOnce(store, ['m1', 'm2'])
    })
  }

  it('happens once if two processes do its steps at the same time, and the slower one later', async () => {
    const { store, at, dieAfter } = await make()
    await append(store, LID, 'm1')
    await append(store, PHONE, 'm2')
    const move = await dieAfter('begin')
    await Promise.all([store.merge(LID, PHONE), store.merge(LID, PHONE), store.merge(LID, PHONE)])
    const taken = await at(PHONE).moves.takeIn(move)
    expect(taken).to.include({ moved: 1 })
    await append(store, LID, 'm3')
    await at(LID).moves.end(move, taken as Taken)
    expect(await waitingIn(store, LID)).to.deep.equal(['m3'])
    expect(await store.merge(LID, PHONE)).to.equal(1)
    await expectOnce(store, ['m1', 'm2', 'm3'])
  })

  it('ends where both move into each other', async () => {
    const { store } = await make()
    await append(store, LID, 'm1')
    await append(store, PHONE, 'm2')
    await Promise.all([store.merge(LID, PHONE), store.merge(PHONE, LID)])
    await store.merge(LID, PHONE)
    await expectOnce(store, ['m1', 'm2'])
  })

  it('holds back what comes to the old conversation meanwhile', async () => {
    const { store, dieAfter } = await make()
    await append(store, LID, 'm1')
    await dieAfter('begin')
    await append(store, LID, 'm1', 'm2')
    await store.flush(LID)
    expect(allIdsOf(await claim(store))).to.deep.equal([])
    expect(await waitingIn(store, LID)).to.deep.equal(['m2'])
  })

  for (const step of STEPS)
    it(`erases everything on forget, also after the step “${step}”, and nothing comes back`, async () => {
      const { store, at, dieAfter } = await make()
      await store.learn('waha', [PHONE, LID])
      await append(store, LID, 'm1')
      await append(store, PHONE, 'm2')
      const move = await dieAfter(step)
      const { messages, underWay } = await store.forget(PHONE)
      expect([messages, underWay]).to.deep.equal([step === 'take in' ? 3 : 2, undefined])
      const taken = await at(PHONE).moves.takeIn(move)
      await at(LID).moves.end(move, taken as Taken)
      for (const id of [PHONE, LID]) await isEmpty(store, id)
      expect(await append(store, LID, 'm1')).to.include({ accepted: 1 })
      expect(await store.resolve('waha', LID)).to.equal(LID)
    })

  it('finds a message in either of a person’s partitions, and learns and resolves for all', async () => {
    const { store } = await make()
    await append(store, LID, 'm1')
    await append(store, PHONE, 'm2')
    expect(await store.findMessage('shop', 'm1')).to.equal(LID)
    expect(await store.findMessage('shop', 'm2')).to.equal(PHONE)
    await store.merge(LID, PHONE)
    expect(await store.findMessage('shop', 'm1')).to.equal(PHONE)
    await store.learn('waha', [PHONE, LID])
    expect(await store.resolve('waha', LID)).to.equal(PHONE)
    expect(await store.samePerson(LID)).to.deep.equal([PHONE, LID])
  })

  it('hands over every message once, whatever is merged, claimed and broken off in whatever order', async function () {
    this.timeout(MOST_MS)
    const chat = fc.constantFrom(PHONE, LID, 'shop/79990000015@c.us')
    const action = fc.oneof(
      { weight: 4, arbitrary: fc.record({ op: fc.constant('append' as const), chat, into: chat }) },
      {
        weight: 5,
        arbitrary: fc.record({ op: fc.constantFrom('merge' as const, ...STEPS), chat, into: chat }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          op: fc.constantFrom('flush' as const, 'claim' as const, 'answered' as const, 'check' as const),
          chat,
          into: chat,
        }),
      },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 30, size: 'max' }), async actions => {
        const { store, at, dieAfter } = await make({ order: 'serial', maxMessages: 4 })
        const got: string[] = []
        const held: string[] = []
        let sent = 0
        const take = async () => {
          for (const { batch, batchId } of (await claim(store)).batches) {
            got.push(...idsOf(batch))
            held.push(batchId)
            await store.ack([batchId])
          }
        }
        const end = async () => {
          for (const batchId of held.splice(0)) await store.answered(batchId, 'completed')
        }
        for (const { op, chat: from, into } of actions) {
          if (op === 'append') await appendTo(store, from, `m${sent++}`)
          else if (op === 'flush') await store.flush(from)
          else if (op === 'claim') await take()
          else if (op === 'answered') await end()
          else if (op === 'check') await store.checkAllNow().then(take)
          else if (from === into) continue
          else if (op === 'merge') await store.merge(from, into)
          // It may have nothing to do, or not be possible.
          else await dieAfter(op, from, into, `${newMoveId(partitionOfConversation(from, 4))}`).catch(isNotPossible)
        }
        for (let round = 0; got.length < sent && round < MOST_ROUNDS; round++) {
          for (const id of [PHONE, LID, 'shop/79990000015@c.us']) {
            const move = await at(id).moves.begun(id)
            if (move) await store.merge(id, move.into)
            await store.flush(id)
          }
          await take()
          await end()
        }
        expect(got.toSorted()).to.deep.equal(Array.from({ length: sent }, (_, i) => `m${i}`).toSorted())
        await store.close()
      }),
      { numRuns: RUNS },
    )
  })

  /** Every message is in the phone's conversation, and in it once. */
  async function expectOnce(store: PartitionedStore, ids: string[]) {
    expect(await waitingIn(store, PHONE)).to.deep.equal(ids)
    await isEmpty(store, LID)
    await store.flush(PHONE)
    expect(allIdsOf(await claim(store))).to.deep.equal([ids])
    expect(await append(store, PHONE, ...ids)).to.include({ accepted: 0 })
  }
})

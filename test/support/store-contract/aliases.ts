/** One person, one conversation: ids that are one person's, and conversations that are merged because of it. */
import { expect } from 'chai'
import type { Store } from '../../../src/store/store.js'
import type { Make } from './checked.js'
import { allIdsOf, append, claim, claimed, claimOne, dead, idsOf, OTHER, PATIENT, steps } from './messages.js'

const PHONE = 'shop/79990000011@c.us'
/** In a store of four partitions it lies in that of the phone: what `merge` does with batches holds within one. */
const LID = 'shop/245000000000028@lid'
/** It lies in another one. */
const BSUID = 'shop/RU.13491208655300000011@bsuid'

const waitingIn = async (store: Store, conversationId: string) =>
  (await store.conversation(conversationId)).messages.map(({ message }) => message.messageId)

export function aliasTests(make: Make): void {
  describe('learn', () => {
    it('makes the phone the person’s conversation, whichever id came first', async () => {
      const { store } = await make(PATIENT)
      expect(await store.learn('waha', [LID, BSUID])).to.deep.equal({ conversationId: LID, others: [BSUID] })
      expect((await store.learn('waha', [LID, PHONE])).conversationId).to.equal(PHONE)
      for (const id of [LID, BSUID, PHONE]) expect(await store.resolve('waha', id), id).to.equal(PHONE)
      expect((await store.samePerson(BSUID))[0]).to.equal(PHONE)
      expect(await store.samePerson(LID)).to.have.members([PHONE, LID, BSUID])
    })

    it('keeps the hidden id that was known first if there is no phone', async () => {
      const { store } = await make(PATIENT)
      const third = 'shop/RU.ENT.5@bsuid'
      await store.learn('meta', [LID, BSUID])
      expect((await store.learn('meta', [third, LID])).conversationId).to.equal(LID)
      expect(await store.resolve('meta', third)).to.equal(LID)
    })

    it('names what it learnt before again, so that a merge that failed is repeated', async () => {
      const { store } = await make(PATIENT)
      const first = await store.learn('waha', [PHONE, LID])
      expect(first).to.deep.equal({ conversationId: PHONE, others: [LID] })
      expect(await store.learn('waha', [PHONE, LID])).to.deep.equal(first)
    })

    it('moves a hidden id that comes with another phone, and does not make one person of two phones', async () => {
      const { store } = await make(PATIENT)
      await store.learn('waha', [PHONE, LID, BSUID])
      expect((await store.learn('waha', [OTHER, LID])).conversationId).to.equal(OTHER)
      expect(await store.resolve('waha', LID)).to.equal(OTHER)
      expect(await store.resolve('waha', BSUID)).to.equal(PHONE)
      expect(await store.samePerson(PHONE)).to.have.members([PHONE, BSUID])
    })

    it('makes two phones of one body one person', async () => {
      const { store } = await make(PATIENT)
      await store.learn('meta', [OTHER, BSUID])
      const { conversationId, others } = await store.learn('meta', [PHONE, OTHER])
      expect(conversationId).to.equal(PHONE)
      expect(others).to.have.members([OTHER, BSUID])
      expect(await store.resolve('meta', BSUID)).to.equal(PHONE)
    })

    it('applies to one provider only', async () => {
      const { store } = await make(PATIENT)
      await store.learn('evolution', [PHONE, LID])
      expect(await store.resolve('waha', LID)).to.equal(LID)
      await store.learn('waha', [OTHER, LID])
      expect(await store.resolve('evolution', LID)).to.equal(PHONE)
    })

    it('remembers a bounded number of ids of one person', async () => {
      const { store } = await make(PATIENT)
      for (let i = 0; i < 40; i++) await store.learn('waha', [PHONE, `shop/${i}@lid`])
      expect(await store.samePerson(PHONE)).to.have.lengthOf(17)
      expect(await store.resolve('waha', 'shop/39@lid')).to.equal(PHONE)
    })

    it('notifies followers once of the ids that changed', async () => {
      const { store } = await make(PATIENT)
      const received: unknown[] = []
      const got = (count: number) =>
        new Promise<void>(resolve => {
          const look = () => (received.length >= count ? resolve() : setTimeout(look, 5))
          look()
        })
      const stop = await store.followAliases({ learnt: news => received.push(news), missed: () => {} })
      await store.learn('waha', [PHONE, LID])
      await store.learn('waha', [PHONE, LID])
      await store.forget(LID)
      await got(2)
      await stop()
      expect(received).to.deep.equal([
        { provider: 'waha', conversationId: PHONE, aliases: [LID] },
        { aliases: [PHONE, LID] },
      ])
    })
  })

  describe('forget', () => {
    it('of any id of a person erases the conversations of all of them, and the aliases', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      await append(store, PHONE, 'm1')
      await append(store, OTHER, 'm2')
      await store.learn('waha', [PHONE, LID, BSUID])
      await append(store, LID, 'm3')
      await append(store, BSUID, 'm4')
      expect((await store.forget(BSUID)).messages).to.equal(3)
      expect(await store.history({ limit: 100 })).to.have.lengthOf(1)
      for (const id of [LID, BSUID]) expect(await store.resolve('waha', id)).to.equal(id)
      expect(await store.samePerson(PHONE)).to.deep.equal([PHONE])
    })
  })

  describe('findMessage', () => {
    it('finds the chat of two in which a message of the account waits, also behind a hold', async () => {
      const { store } = await make(PATIENT)
      await claimed(store, PHONE)
      await append(store, PHONE, 'm2')
      await append(store, OTHER, 'm3')
      await append(store, 'other/79990000011@c.us', 'm4')
      await append(store, 'shop/120363@g.us', 'm5')
      await append(store, '79990000011@c.us', 'm6')
      expect(await store.findMessage('shop', 'm2')).to.equal(PHONE)
      expect(await store.findMessage('shop', 'm3')).to.equal(OTHER)
      expect(await store.findMessage(undefined, 'm6')).to.equal('79990000011@c.us')
      for (const [account, messageId] of [
        ['shop', 'm1'],
        ['shop', 'm4'],
        ['shop', 'm5'],
        ['shop', 'm6'],
      ] as const)
        expect(await store.findMessage(account, messageId), messageId).to.equal(undefined)
    })
  })

  describe('merge', () => {
    it('makes one open batch of two, in order of arrival, due at the earlier time', async () => {
      const { store, pass } = await make(PATIENT)
      await append(store, LID, 'm1')
      await pass(5)
      const { batchId } = await append(store, PHONE, 'm2')
      await pass(5)
      await append(store, LID, 'm3')
      const earlier = (await store.conversation(PHONE)).open
      const later = (await store.conversation(LID)).open
      expect(await store.merge(LID, PHONE)).to.equal(2)
      expect(await waitingIn(store, PHONE)).to.deep.equal(['m1', 'm2', 'm3'])
      const { open } = await store.conversation(PHONE)
      expect(open).to.include({ batchId, count: 3, dueAtMs: earlier?.dueAtMs })
      expect(open?.firstAtMs).to.equal(later?.firstAtMs)
      expect(open?.lastAtMs).to.equal(later?.lastAtMs)
      expect(open?.bytes).to.equal((earlier?.bytes ?? 0) + (later?.bytes ?? 0))
      const { nowMs, ...left } = await store.conversation(LID)
      expect(nowMs).to.be.a('number')
      expect(left).to.deep.equal({ conversationId: LID, waiting: 0, messages: [] })
      await store.flush(PHONE)
      expect(idsOf((await claimOne(store)).batch)).to.deep.equal(['m1', 'm2', 'm3'])
    })

    it('is in the histories of both', async () => {
      const { store } = await make(PATIENT)
      const gone = await append(store, LID, 'm1')
      const stays = await append(store, PHONE, 'm2')
      await store.merge(LID, PHONE)
      const [here] = await store.history({ conversationId: PHONE, limit: 1 })
      const [there] = await store.history({ conversationId: LID, limit: 1 })
      expect(here).to.deep.include({ step: 'merged', batchId: stays.batchId, detail: { from: LID, count: '1' } })
      expect(there).to.deep.include({
        step: 'merged',
        batchId: gone.batchId,
        detail: { into: PHONE, batch: stays.batchId },
      })
      await store.learn('waha', [PHONE, LID])
      const both = await store.history({ conversationId: LID, limit: 10 })
      expect(steps(both)).to.deep.equal(['merged', 'merged', 'opened', 'opened'])
    })

    it('moves the open batch under its own id where the other one has none', async () => {
      const { store } = await make(PATIENT)
      const { batchId } = await append(store, LID, 'm1')
      const before = (await store.conversation(LID)).open
      await store.merge(LID, PHONE)
      const after = (await store.conversation(PHONE)).open
      expect(after).to.include({ batchId, count: 1, dueAtMs: before?.dueAtMs })
    })

    it('keeps sealed batches under their ids, in order, in front of what is open', async () => {
      const { store, pass } = await make({ ...PATIENT, maxMessages: 2 })
      await append(store, LID, 'm1', 'm2')
      await pass(5)
      await append(store, PHONE, 'm3', 'm4', 'm5')
      await append(store, LID, 'm6')
      await store.merge(LID, PHONE)
      const inOrder: string[][] = []
      for (let i = 0; i < 3; i++) {
        const { batchId, batch } = await claimOne(store)
        inOrder.push(idsOf(batch))
        await store.ack([batchId])
        await store.answered(batchId, 'completed')
      }
      expect(inOrder).to.deep.equal([
        ['m1', 'm2'],
        ['m3', 'm4'],
        ['m5', 'm6'],
      ])
    })

    it('seals what reaches a cap, and the rest stays open', async () => {
      const { store } = await make({ ...PATIENT, maxMessages: 3 })
      const first = await append(store, PHONE, 'm1', 'm2')
      const second = await append(store, LID, 'm3', 'm4')
      await store.merge(LID, PHONE)
      const { open, messages } = await store.conversation(PHONE)
      expect(messages.map(({ batchId }) => batchId)).to.deep.equal([
        first.batchId,
        first.batchId,
        first.batchId,
        second.batchId,
      ])
      expect(open).to.include({ batchId: second.batchId, count: 1 })
      expect((await claimOne(store)).batch).to.include({ batchId: first.batchId, releasedBy: 'maxMessages' })
    })

    it('knows a message of either one when it comes again', async () => {
      const { store } = await make(PATIENT)
      await append(store, LID, 'm1')
      await append(store, PHONE, 'm2')
      await store.merge(LID, PHONE)
      expect(await append(store, PHONE, 'm1', 'm2', 'm3')).to.include({ accepted: 1, duplicates: 2 })
    })

    it('leaves a held conversation held: what comes in waits for its answer', async () => {
      const { store } = await make({ ...PATIENT, order: 'serial' })
      const { batchId } = await claimed(store, PHONE)
      await append(store, LID, 'm2')
      await store.flush(LID)
      await store.merge(LID, PHONE)
      expect(allIdsOf(await claim(store))).to.deep.equal([])
      await store.ack([batchId])
      await store.answered(batchId, 'completed')
      expect(allIdsOf(await claim(store))).to.deep.equal([['m2']])
    })

    it('moves the hold of a claimed batch: the other one waits for its answer', async () => {
      const { store } = await make({ ...PATIENT, order: 'serial' })
      const { batchId } = await claimed(store, LID)
      await append(store, PHONE, 'm2')
      await store.flush(PHONE)
      expect(await store.merge(LID, PHONE)).to.equal(0)
      expect((await store.conversation(PHONE)).heldBy).to.deep.equal({ batchId, state: 'claimed' })
      expect(allIdsOf(await claim(store))).to.deep.equal([])
      await store.ack([batchId])
      expect(allIdsOf(await claim(store))).to.deep.equal([])
      expect((await store.answered(batchId, 'completed')).freed).to.equal(true)
      expect(allIdsOf(await claim(store))).to.deep.equal([['m2']])
    })

    it('moves the hold of a batch that is being answered', async () => {
      const { store } = await make({ ...PATIENT, order: 'serial' })
      const { batchId } = await claimed(store, LID)
      await store.ack([batchId])
      await append(store, PHONE, 'm2')
      await store.merge(LID, PHONE)
      await store.flush(PHONE)
      expect(allIdsOf(await claim(store))).to.deep.equal([])
      await store.answered(batchId, 'completed')
      expect(allIdsOf(await claim(store))).to.deep.equal([['m2']])
    })

    it('waits while both are held: neither is freed early', async () => {
      const { store } = await make({ ...PATIENT, order: 'serial' })
      const one = await claimed(store, LID)
      const other = await claimed(store, PHONE)
      await append(store, LID, 'm2')
      expect(await store.merge(LID, PHONE)).to.equal('later')
      expect(await waitingIn(store, LID)).to.deep.equal(['m2'])
      await store.answered(one.batchId, 'completed')
      expect(await store.merge(LID, PHONE)).to.equal(1)
      expect((await store.conversation(PHONE)).heldBy?.batchId).to.equal(other.batchId)
    })

    it('waits while more messages wait than one script may read', async () => {
      const { store } = await make(PATIENT)
      const ids = (from: number, count: number) => Array.from({ length: count }, (_, i) => `m${from + i}`)
      await append(store, PHONE, ...ids(0, 5000))
      await append(store, LID, 'm5000')
      expect(await store.merge(LID, PHONE)).to.equal('later')
      expect(await waitingIn(store, LID)).to.deep.equal(['m5000'])
    })

    it('of nothing changes nothing', async () => {
      const { store } = await make(PATIENT)
      await append(store, PHONE, 'm1')
      const before = await store.conversation(PHONE)
      expect(await store.merge(LID, PHONE)).to.equal(undefined)
      expect((await store.conversation(PHONE)).messages).to.deep.equal(before.messages)
      expect(await store.history({ limit: 10 })).to.have.lengthOf(1)
    })

    it('leaves dead batches where they are: redriven ones can be merged', async () => {
      const { store } = await make({ ...PATIENT, maxAttempts: 1 })
      const { batchId } = await dead(store, LID)
      await append(store, PHONE, 'm2')
      await store.merge(LID, PHONE)
      await store.redrive(batchId)
      expect(await store.merge(LID, PHONE)).to.equal(1)
      expect(await waitingIn(store, PHONE)).to.deep.equal(['m1', 'm2'])
    })
  })
}

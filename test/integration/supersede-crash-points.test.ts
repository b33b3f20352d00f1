/**
 * Guarantee **every crash point**, where newer messages supersede an answer: a process that dies between early handover,
 * append, supersede, commit, send and answered, or is suspended there for longer than its lease, loses nothing, and no
 * message is committed in two batches. Real processes, killed by SIGKILL at each point.
 */
import { expect } from 'chai'
import type { LullProcess } from '../support/processes.js'
import { dies, post, Superseding } from '../support/superseding.js'
import { until } from '../support/wait.js'

const CHAT = 'a@c.us'
const GAP_MS = 400
/** Time to suspend a process while its commit waits. */
const LONG_GAP_MS = 1500
/** Longer than a test: only a newer message ends this work. */
const ENDLESS_MS = 60_000

describe('every crash point of an answer that can be superseded', function () {
  this.timeout(60_000)
  let world: Superseding

  beforeEach(async () => {
    world = await Superseding.with({ quietGapMs: GAP_MS })
  })

  afterEach(() => world.end())

  const say = (messageId: string) => world.batcher.append(CHAT, { messageId, text: messageId })

  /** A processor dies at the point, with m1. */
  const diedAt = async (stopAt: string) => {
    const first = await world.processor({ stopAt })
    const { batchId } = await say('m1')
    await dies(first)
    return batchId
  }

  describe('after a processor has died, the next one', () => {
    for (const [where, point] of [
      ['between the early claim and the handover', 'after:lull-claim:SIGKILL'],
      ['between the handover and the commit', 'before:lull-commit:SIGKILL'],
    ] as const) {
      it(`commits the batch afresh at the end of the lease, after a death ${where}`, async () => {
        await diedAt(point)
        await world.processor()
        await world.expectSent([{ text: 'm1', again: false }])
        expect(await world.steps()).to.deep.equal(['claimed', 'reclaimed', 'committed', 'answered'])
      })

      it(`sends one answer to the old and the newer message, after a death ${where}`, async () => {
        const old = await diedAt(point)
        await say('m2')
        await world.processor()
        await world.expectSent([{ text: 'm1\nm2', again: false }])
        expect(await world.steps()).to.deep.equal(['claimed', 'superseded', 'claimed', 'committed', 'answered'])
        expect(world.printed('BEGUN').at(-1)?.supersedes).to.deep.equal([old])
      })
    }

    for (const [where, point, sentBefore] of [
      ['between the commit and the send', 'after:lull-commit:SIGKILL', []],
      ['between the send and its report', 'before:lull-answered:SIGKILL', [{ text: 'm1', again: false }]],
    ] as const)
      it(`learns that the batch was committed before, and newer messages wait, after a death ${where}`, async () => {
        await diedAt(point)
        await say('m2')
        await world.processor()
        await world.expectSent([...sentBefore, { text: 'm1', again: true }, { text: 'm2', again: false }])
        expect(await world.steps()).to.deep.equal([
          ...['claimed', 'committed', 'reclaimed', 'answered'],
          ...['claimed', 'committed', 'answered'],
        ])
      })

    it('releases the next batch and repeats nothing, after a death between the report and that release', async () => {
      await diedAt('after:lull-answered:SIGKILL')
      await say('m2')
      await world.processor()
      await world.expectSent([
        { text: 'm1', again: false },
        { text: 'm2', again: false },
      ])
    })

    it('hands all messages over, after a death with a batch that has superseded another', async () => {
      const first = await world.processor({ workMs: ENDLESS_MS, stopAt: 'after:lull-claim:SIGKILL:2' })
      const { batchId: one } = await say('m1')
      await world.begun(1)
      const { batchId: two } = await say('m2')
      await dies(first)
      await say('m3')
      await world.processor()
      await world.expectSent([{ text: 'm1\nm2\nm3', again: false }])
      expect(world.printed('BEGUN').at(-1)?.supersedes).to.deep.equal([one, two])
    })

    it('claims an early batch again when it is due, so not as provisional, and a newer message supersedes it then', async () => {
      const old = await diedAt('after:lull-claim:SIGKILL')
      const second = await world.processor({ workMs: ENDLESS_MS })
      await world.begun(1)
      const [begun] = world.printed('BEGUN')
      expect(begun).to.include({ batchId: old, text: 'm1' })
      expect(begun).not.to.have.property('provisional')
      const { batchId: by } = await say('m2')
      await world.begun(2)
      expect(world.printed('SUPERSEDED')).to.deep.equal([{ batchId: old, by }])
      await second.kill()
      await world.processor()
      await world.expectSent([{ text: 'm1\nm2', again: false }])
    })
  })

  describe('an API that dies between a supersede and its answer', () => {
    it('has superseded the answer: the message sent again is a duplicate, and one answer holds both', async () => {
      const api = await world.role('api', { stopAt: 'after:lull-append:SIGKILL' })
      await world.processor({ workMs: 5 * GAP_MS })
      await say('m1')
      await world.begun(1)
      const answer = await post(api, CHAT, 'm2').catch(() => 'none')
      await dies(api)
      expect(answer).to.equal('none')
      const again = await post(await world.role('api'), CHAT, 'm2')
      expect(again).to.deep.equal({ accepted: 0, duplicates: 1, ignored: 0 })
      await world.expectSent([{ text: 'm1\nm2', again: false }])
    })
  })

  describe('a processor that is suspended for longer than its lease, while another one does its work,', () => {
    /** It wakes up, must not send what it was suspended with, and still works: alone it sends m3. */
    const wakesUpInVain = async (sleeper: LullProcess, other: LullProcess, superseded: object) => {
      sleeper.send('SIGCONT')
      await until(() => world.printed('SUPERSEDED').length === 1, { what: 'the sleeper to learn it' })
      expect(world.printed('SUPERSEDED', [sleeper])).to.deep.equal([superseded])
      await other.stop()
      await say('m3')
      await until(() => world.sent([sleeper]).length > 0, { what: 'm3, by the sleeper' })
      expect(world.sent([sleeper])).to.deep.equal([{ text: 'm3', again: false }])
      expect((await sleeper.stop()).code).to.equal(0)
    }

    it('learns at its commit that newer messages have superseded the batch, and sends nothing', async () => {
      const sleeper = await world.processor({ stopAt: 'before:lull-commit:SIGSTOP' })
      const { batchId } = await say('m1')
      await sleeper.line(/^STOPPED/)
      const { batchId: by } = await say('m2')
      const other = await world.processor()
      await world.expectSent([{ text: 'm1\nm2', again: false }])
      await wakesUpInVain(sleeper, other, { batchId, by })
    })

    it('learns it also if it was suspended while its commit waited for the due time', async () => {
      await world.end()
      world = await Superseding.with({ quietGapMs: LONG_GAP_MS })
      const sleeper = await world.processor()
      const { batchId } = await say('m1')
      await world.begun(1)
      sleeper.send('SIGSTOP')
      const { batchId: by } = await say('m2')
      const other = await world.processor()
      await world.expectSent([{ text: 'm1\nm2', again: false }])
      await wakesUpInVain(sleeper, other, { batchId, by })
    })

    it('is refused the commit of a batch that another processor has committed and answered', async () => {
      const sleeper = await world.processor({ stopAt: 'before:lull-commit:SIGSTOP' })
      const { batchId } = await say('m1')
      await sleeper.line(/^STOPPED/)
      const other = await world.processor()
      await world.expectSent([{ text: 'm1', again: false }])
      await wakesUpInVain(sleeper, other, { batchId })
    })

    it('has committed the batch for good: the other learns that it may have been sent', async () => {
      const sleeper = await world.processor({ stopAt: 'after:lull-commit:SIGSTOP' })
      await say('m1')
      await sleeper.line(/^STOPPED/)
      await say('m2')
      await world.processor()
      await world.expectSent([
        { text: 'm1', again: true },
        { text: 'm2', again: false },
      ])
    })
  })
})

/**
 * Guarantee **every crash point**, where newer messages supersede an answer that a worker of a queue gives: a worker or a
 * processor that dies, or is suspended for longer than its lock, loses nothing, and no message is committed in two
 * batches. Real processes and BullMQ.
 */
import { expect } from 'chai'
import type { LullProcess } from '../support/processes.js'
import { dies, Superseding } from '../support/superseding.js'
import { until } from '../support/wait.js'

const CHAT = 'a@c.us'
const GAP_MS = 400
/** Longer than a test. */
const ENDLESS_MS = 60_000

describe('a worker whose answer can be superseded', function () {
  this.timeout(60_000)
  let world: Superseding

  beforeEach(async () => {
    world = await Superseding.with({ quietGapMs: GAP_MS })
  })

  afterEach(() => world.end())

  const say = (messageId: string) => world.batcher.append(CHAT, { messageId, text: messageId })

  /** A worker dies, or is suspended, at the point, with m1. */
  const stoppedAt = async (stopAt: string) => {
    await world.role('processor')
    const worker = await world.worker({ stopAt })
    const { batchId } = await say('m1')
    await worker.line(/^STOPPED/)
    return { worker, batchId }
  }

  describe('after a worker has died, the next one', () => {
    it('commits the batch afresh, after a death before the commit', async () => {
      const { worker } = await stoppedAt('before:lull-commit:SIGKILL')
      await dies(worker)
      await world.worker()
      await world.expectSent([{ text: 'm1', again: false }])
    })

    it('sends one answer to the old and the newer message, after a death before the commit', async () => {
      const { worker, batchId } = await stoppedAt('before:lull-commit:SIGKILL')
      await dies(worker)
      await say('m2')
      await world.worker()
      await world.expectSent([{ text: 'm1\nm2', again: false }])
      expect(world.printed('BEGUN').at(-1)?.supersedes).to.deep.equal([batchId])
    })

    it('learns that the batch was committed before, and newer messages wait, after a death before the send', async () => {
      const { worker } = await stoppedAt('after:lull-commit:SIGKILL')
      await dies(worker)
      await say('m2')
      await world.worker()
      await world.expectSent([
        { text: 'm1', again: true },
        { text: 'm2', again: false },
      ])
    })

    it('learns the same after a death between the send and the end of the job', async () => {
      await world.role('processor')
      const worker = await world.worker({ stayMs: ENDLESS_MS })
      await say('m1')
      await until(() => world.sent().length === 1, { what: 'the first answer' })
      await worker.kill()
      await say('m2')
      await world.worker()
      await world.expectSent([
        { text: 'm1', again: false },
        { text: 'm1', again: true },
        { text: 'm2', again: false },
      ])
    })
  })

  describe('a worker that is suspended for longer than its lock', () => {
    /** The lost lock and the superseded batch both end its run: whichever it notices first. */
    const wakesUpInVain = async (sleeper: LullProcess, batchId: string | undefined) => {
      const ended = () => [...world.printed('SUPERSEDED', [sleeper]), ...world.printed('STOPPED_SHORT', [sleeper])]
      sleeper.send('SIGCONT')
      await until(() => ended().length > 0, { what: 'the sleeper’s commit to be refused' })
      expect(ended().map(run => run.batchId)).to.deep.equal([batchId])
      expect(world.sent([sleeper])).to.deep.equal([])
      expect((await sleeper.stop()).code).to.equal(0)
    }

    it('is refused the commit of a batch that newer messages have superseded, and sends nothing', async () => {
      const { worker: sleeper, batchId } = await stoppedAt('before:lull-commit:SIGSTOP')
      await say('m2')
      await world.worker()
      await world.expectSent([{ text: 'm1\nm2', again: false }])
      await wakesUpInVain(sleeper, batchId)
    })

    it('is refused the commit of a batch that another worker has committed and answered', async () => {
      const { worker: sleeper, batchId } = await stoppedAt('before:lull-commit:SIGSTOP')
      await world.worker()
      await world.expectSent([{ text: 'm1', again: false }])
      await wakesUpInVain(sleeper, batchId)
    })
  })

  describe('after the death of the processor that handed a batch over early', () => {
    for (const [where, point] of [
      ['before the acknowledgement', 'before:lull-ack:SIGKILL'],
      ['after the acknowledgement', 'after:lull-ack:SIGKILL'],
    ] as const) {
      it(`commits and sends it once, after a death ${where}`, async () => {
        const first = await world.role('processor', { stopAt: point })
        await world.worker()
        await say('m1')
        await dies(first)
        await until(() => world.sent().length === 1, { what: 'the answer' })
        await world.role('processor')
        await world.expectSent([{ text: 'm1', again: false }])
      })

      it(`is aborted by a newer message, and the next processor hands both over, after a death ${where}`, async () => {
        const first = await world.role('processor', { stopAt: point })
        await world.worker({ workMs: GAP_MS })
        const { batchId } = await say('m1')
        await dies(first)
        await world.begun(1)
        const { batchId: by } = await say('m2')
        await until(() => world.printed('SUPERSEDED').length === 1, { what: 'the worker to learn it' })
        expect(world.printed('SUPERSEDED')).to.deep.equal([{ batchId, by }])
        await world.role('processor')
        await world.expectSent([{ text: 'm1\nm2', again: false }])
      })
    }
  })
})

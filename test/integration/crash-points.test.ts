/**
 * Guarantee **every crash point**: a process that dies between two steps of a batch's life, or is suspended there for
 * longer than a lease, loses nothing, and nothing comes out twice. Real processes, killed by SIGKILL at each point.
 */
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { type LullProcess, lull } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = 'a@c.us'
const GAP_MS = 100
const LEASE_MS = 1000
const fileIn = (name: string) => fileURLToPath(new URL(`../support/${name}`, import.meta.url))

describe('every crash point', function () {
  this.timeout(60_000)
  let env: Record<string, string>
  let batcher: Batcher
  let running: LullProcess[]

  beforeEach(async () => {
    const redis = await testRedis()
    const prefix = uniquePrefix()
    running = []
    env = {
      REDIS_URL: redis,
      LULL_PREFIX: prefix,
      LULL_QUEUE: `queue-${prefix}`,
      LULL_QUIET_GAP_MS: String(GAP_MS),
      LULL_LEASE_MS: String(LEASE_MS),
      // A second between two checks of a batch that is being answered.
      LULL_BATCH_TTL_MS: '2000',
      LULL_WORKER_HANDLER: fileIn('printing-handler.mjs'),
      PORT: '0',
    }
    batcher = new Batcher({ redis, prefix, quietGapMs: GAP_MS, batchTtlMs: 2000 })
  })

  afterEach(async () => {
    await Promise.all(running.map(process => process.kill()))
    await batcher.close()
  })

  const start = async (role: 'api' | 'processor' | 'worker', stopAt?: string) => {
    const importing = { STOP_AT: stopAt ?? '', NODE_OPTIONS: `--import ${fileIn('stop-at.mjs')}` }
    const process = await lull([role], { ...env, ...(stopAt === undefined ? {} : importing) })
    running.push(process)
    await process.line(new RegExp(`${role} started`))
    return process
  }

  const received = (worker: LullProcess): Batch[] =>
    worker.stdout.filter(line => line.startsWith('BATCH ')).map(line => JSON.parse(line.slice('BATCH '.length)))

  const texts = (worker: LullProcess) => received(worker).map(({ text }) => text)

  /** The steps of all batches so far, in order, without those of incoming messages. */
  const steps = async () => {
    const all = (await batcher.history({ limit: 1000 })).reverse().map(({ step }) => step)
    return all.filter(step => step !== 'opened')
  }

  /** Nothing is left, in any state. */
  const expectAllDone = async () => {
    await until(async () => (await batcher.conversations()).length === 0, { what: 'everything to be answered' })
    expect(await batcher.dead()).to.deep.equal([])
  }

  const dies = async (process: LullProcess) =>
    expect(await process.exit).to.deep.equal({ code: null, signal: 'SIGKILL' })

  describe('between the write of a webhook and its answer', () => {
    it('an API dies, and the message is stored: sent again it is a duplicate, and it comes out once', async () => {
      const post = async (api: LullProcess) => {
        const url = /http:\/\/[\d.]+:\d+/.exec(await api.line(/api listens on/))?.[0]
        const response = await fetch(`${url}/webhook/whatsapp/batched/generic`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ chatId: CHAT, messageId: 'm1', text: 'm1' }),
        })
        return response.json()
      }
      const api = await start('api', 'after:lull-append:SIGKILL')
      const answer = await post(api).catch(() => 'none')
      await dies(api)
      expect(answer).to.equal('none')
      expect(await post(await start('api'))).to.deep.equal({ accepted: 0, duplicates: 1, ignored: 0 })
      await start('processor')
      const worker = await start('worker')
      await until(() => texts(worker).length > 0, { what: 'the batch' })
      await expectAllDone()
      expect(texts(worker)).to.deep.equal(['m1'])
    })
  })

  describe('after a processor has died, the next one', () => {
    /** The first processor dies at the given point, with m1. */
    const stoppedAt = async (point: string) => {
      const first = await start('processor', point)
      const worker = await start('worker')
      await batcher.append(CHAT, { messageId: 'm1', text: 'm1' })
      return { first, worker }
    }

    const bothComeOut = async (worker: LullProcess) => {
      await until(() => texts(worker).length >= 2, { what: () => `both batches (${texts(worker)})` })
      await expectAllDone()
      expect(texts(worker)).to.deep.equal(['m1', 'm2'])
    }

    const appendSecond = () => batcher.append(CHAT, { messageId: 'm2', text: 'm2' })

    it('claims the batch again at the end of the lease, after a death between claim and handover', async () => {
      const { first, worker } = await stoppedAt('after:lull-claim:SIGKILL')
      await dies(first)
      expect(await steps()).to.deep.equal(['claimed'])
      await appendSecond()
      await start('processor')
      await bothComeOut(worker)
      expect(await steps()).to.deep.equal([
        ...['claimed', 'reclaimed', 'handed-over', 'answered'],
        ...['claimed', 'handed-over', 'answered'],
      ])
    })

    it('hands the batch over again and the queue drops it, after a death between handover and acknowledgement', async () => {
      const { first, worker } = await stoppedAt('before:lull-ack:SIGKILL')
      await dies(first)
      await until(() => texts(worker).length === 1, { what: 'the batch, from the queue' })
      expect(await steps()).to.deep.equal(['claimed'])
      await appendSecond()
      await start('processor')
      await bothComeOut(worker)
      const [claimed, reclaimed, ...others] = await steps()
      expect([claimed, reclaimed]).to.deep.equal(['claimed', 'reclaimed'])
      expect(others).to.deep.equal(['handed-over', 'answered', 'claimed', 'handed-over', 'answered'])
    })

    it('finds the end of the answer by a check, after a death between acknowledgement and answer', async () => {
      const { first, worker } = await stoppedAt('after:lull-ack:SIGKILL')
      await dies(first)
      await until(() => texts(worker).length === 1, { what: 'the batch' })
      await appendSecond()
      await start('processor')
      await bothComeOut(worker)
      expect(await steps()).to.deep.equal([
        ...['claimed', 'handed-over', 'answered'],
        ...['claimed', 'handed-over', 'answered'],
      ])
    })

    it('finds the end of the answer by a check, after a death before it was reported', async () => {
      const { first, worker } = await stoppedAt('before:lull-answered:SIGKILL')
      await dies(first)
      expect(texts(worker)).to.deep.equal(['m1'])
      expect((await batcher.conversation(CHAT)).heldBy).to.include({ state: 'answering' })
      await appendSecond()
      await start('processor')
      await bothComeOut(worker)
    })

    it('releases the next batch, after a death between the end of the answer and that release', async () => {
      const { first, worker } = await stoppedAt('after:lull-answered:SIGKILL')
      await dies(first)
      await appendSecond()
      await until(async () => (await batcher.conversation(CHAT)).open?.dueInMs === 0, { what: 'the next to be due' })
      expect(texts(worker)).to.deep.equal(['m1'])
      await start('processor')
      await bothComeOut(worker)
      expect(await steps()).to.deep.equal([
        ...['claimed', 'handed-over', 'answered'],
        ...['claimed', 'handed-over', 'answered'],
      ])
    })
  })

  describe('a processor that is suspended for longer than its lease, while another one does its work', () => {
    const sleepsAt = async (point: string) => {
      const sleeper = await start('processor', `${point}:SIGSTOP`)
      const worker = await start('worker')
      await batcher.append(CHAT, { messageId: 'm1', text: 'm1' })
      await sleeper.line(/^STOPPED/)
      const other = await start('processor')
      await until(() => texts(worker).length === 1, { what: 'the batch, by the other' })
      await expectAllDone()
      await batcher.append(CHAT, { messageId: 'm2', text: 'm2' })
      sleeper.send('SIGCONT')
      await until(() => texts(worker).length === 2, { what: 'the next batch' })
      await expectAllDone()
      // It still works: alone it claims the next batch.
      await other.stop()
      await batcher.append(CHAT, { messageId: 'm3', text: 'm3' })
      await until(() => texts(worker).length === 3, { what: 'a third one, by the sleeper' })
      await expectAllDone()
      expect(texts(worker)).to.deep.equal(['m1', 'm2', 'm3'])
      expect((await sleeper.stop()).code).to.equal(0)
    }

    it('hands the batch over a second time and the queue drops it, if suspended between claim and handover', async () => {
      await sleepsAt('after:lull-claim')
    })

    it('acknowledges a second time without effect, if suspended between handover and acknowledgement', async () => {
      await sleepsAt('before:lull-ack')
    })

    it('reports the answer a second time without effect, if suspended before the report', async () => {
      await sleepsAt('before:lull-answered')
    })
  })
})

/**
 * Reported bodies of several posts (test/fixtures/reports), through the receiver and both stores: what is released of
 * them.
 */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { z } from 'zod'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { rulesFrom } from '../../src/rules.js'
import { MemoryStore } from '../../src/store/memory/store.js'
import { RedisStore } from '../../src/store/redis/store.js'
import type { Store } from '../../src/store/store.js'
import { Receiver } from '../../src/webhook/receive.js'
import { ON_OWN_MESSAGE } from '../../src/webhook/steps.js'
import { Clock, clocked } from '../support/clocked-redis.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { type Report, reports } from '../support/reports.js'

/** The silence after which a batch is due: shorter than the pause behind a sign of typing. */
const RULES = { quietGapMs: 500, maxWaitMs: 60_000, batchTtlMs: 120_000 }

const stepsShape = z.object({ steps: z.array(z.object({ body: z.unknown(), afterMs: z.number().default(0) })) })

interface Clocked {
  store: Store
  pass(ms: number): Promise<void>
  close(): Promise<void>
}

async function inMemory(): Promise<Clocked> {
  let nowMs = 2_000_000_000_000
  const store = new MemoryStore({ ...RULES, now: () => nowMs })
  return {
    store,
    pass: async ms => {
      nowMs += ms
    },
    close: () => store.close(),
  }
}

async function onRedis(): Promise<Clocked> {
  const url = await testRedis()
  const redis = new Redis(url)
  const store = new RedisStore({ redis: clocked(url), prefix: uniquePrefix(), rules: rulesFrom(RULES) })
  const clock = new Clock(redis, store.keys.prefix)
  await clock.set(2_000_000_000_000)
  await store.open()
  return {
    store,
    pass: async ms => {
      const ids = (await store.conversations(100)).map(({ conversationId }) => conversationId)
      await clock.pass(ms, ids)
    },
    close: async () => {
      await store.close()
      await redis.quit()
    },
  }
}

/** What is released while the steps are posted, and in the minute after. */
async function play(file: string, report: Report, { store, pass }: Clocked): Promise<Batch[]> {
  const text = readFileSync(new URL(`../fixtures/reports/${file}`, import.meta.url), 'utf8')
  const { steps } = stepsShape.parse(JSON.parse(text))
  const onOwnMessage = z.enum(ON_OWN_MESSAGE).default('ignore').parse(report.env?.OWN)
  const batcher = new Batcher({ store })
  const receiver = new Receiver({ batcher, isLocal: true, onOwnMessage })
  const released: Batch[] = []
  const release = async () => {
    const { batches } = await store.claim({ owner: 'test', maxBatches: 100, maxBytes: 1_000_000 })
    for (const { batchId, batch } of batches) {
      released.push(batch)
      await store.answered(batchId, 'completed')
    }
  }
  for (const { body, afterMs } of steps) {
    await pass(afterMs)
    await release()
    await receiver.deliver({
      body: Buffer.from(JSON.stringify(body)),
      header: name => (name === 'content-type' ? report.contentType : undefined),
      provider: report.provider,
    })
  }
  await pass(RULES.maxWaitMs)
  await release()
  return released
}

type Shown = Record<string, unknown>

const messagesOf = (batches: Batch[]): Shown[] =>
  batches.flatMap(({ account, chatId, isGroup, messages }) =>
    messages.map(({ sentAtMs, ...message }) => ({ ...message, account, chatId, isGroup, timestampMs: sentAtMs })),
  )

/** The fields that the expectation names, with `null` for what is absent. */
const asExpected = (message: Shown, expected: Shown = {}) =>
  Object.fromEntries(Object.keys(expected).map(name => [name, message[name] ?? null]))

const byId = (a: Shown, b: Shown) => (String(a['messageId']) < String(b['messageId']) ? -1 : 1)

for (const [name, make] of Object.entries({ MemoryStore: inMemory, RedisStore: onRedis }))
  describe(`reported posts come out of a ${name} as they should have`, () => {
    let made: Clocked
    beforeEach(async () => {
      made = await make()
    })
    afterEach(() => made.close())

    for (const [file, report] of Object.entries(reports).filter(([file]) => file.endsWith('.steps.json')))
      it(`${file} (${report.source})`, async () => {
        const batches = await play(file, report, made)
        const messages = messagesOf(batches).sort(byId)
        const expected = report.messages.toSorted(byId)
        if (expected.length > 0) {
          expect(messages.map((message, i) => asExpected(message, expected[i]))).to.deep.equal(expected)
          expect(messages).to.have.lengthOf(expected.length)
        }
        if (report.batches !== undefined) expect(batches).to.have.lengthOf(report.batches)
        const ids = messages.map(({ messageId }) => messageId)
        for (const id of report.absent ?? []) expect(ids).not.to.include(id)
      })
  })

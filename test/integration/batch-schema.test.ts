/** Batches as receivers get them are what docs/batch.schema.json says, with no field that it does not name. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { Worker } from 'bullmq'
import { expect } from 'chai'
import { type AppendMessage, Batcher } from '../../src/batcher.js'
import { bullmq } from '../../src/handover/bullmq.js'
import type { Handover } from '../../src/handover/handover.js'
import { http } from '../../src/handover/http.js'
import { Processor } from '../../src/processor/processor.js'
import { closed } from '../support/openapi/described.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const SHOP = 'shop/79990000011@c.us'

/** Every field that a message can have. */
const MESSAGES: AppendMessage[] = [
  { messageId: 'm1', text: 'hi', senderId: '79990000011@c.us', senderName: 'Anna', sentAtMs: 1795904100000 },
  {
    messageId: 'm2',
    type: 'image',
    media: { id: 'f1', url: 'http://127.0.0.1/f1', mimeType: 'image/png', fileName: 'a' },
  },
  { messageId: 'm3', type: 'video', media: { omitted: 'too large' }, replyTo: 'm1' },
  { messageId: 'm4', type: 'location', location: { latitude: 1.5, longitude: -2, name: 'here', address: 'there' } },
  { messageId: 'm4a', type: 'contacts', contacts: [{ name: 'Anna', phones: ['+7 900'], emails: ['a@example.com'] }] },
  { messageId: 'm5', type: 'interactive', text: 'yes', payloadId: 'b1', form: { day: 'Sunday', guests: 4 } },
  { messageId: 'm6', text: 'bye', raw: { any: ['thing'] }, meta: { order: ['o-1', null, 2.5], note: 'a\nb ☕' } },
]

const fieldsOf = (value: unknown) => new Map<string, unknown>(Object.entries(Object(value)))

describe('docs/batch.schema.json', () => {
  const schema: { $defs: { Message: { properties: object } } } = JSON.parse(
    readFileSync('docs/batch.schema.json', 'utf8'),
  )
  const isBatch = new Ajv2020().compile(schema)
  const isExactlyBatch = new Ajv2020().compile(closed(schema))

  const releases: (() => unknown)[] = []
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  async function postedBatches(): Promise<{ handover: Handover; batches: unknown[] }> {
    const batches: unknown[] = []
    const server = createServer(async (request, response) => {
      batches.push(await json(request))
      response.writeHead(202).end()
    })
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    releases.push(() => new Promise(done => server.close(done)))
    const { port } = server.address() as AddressInfo
    return { handover: http({ url: `http://127.0.0.1:${port}/` }), batches }
  }

  async function queuedBatches(): Promise<{ handover: Handover; batches: unknown[] }> {
    const batches: unknown[] = []
    const url = await testRedis()
    const { hostname: host, port } = new URL(url)
    const queue = uniquePrefix()
    const connection = { host, port: Number(port), maxRetriesPerRequest: null }
    const worker = new Worker(queue, async job => void batches.push(job.data), { connection })
    releases.push(() => worker.close())
    return { handover: bullmq({ queue, redis: url }), batches }
  }

  for (const [name, receiving] of Object.entries({
    'POSTed to a URL': postedBatches,
    'in a BullMQ job': queuedBatches,
  }))
    it(`describes a batch with every field, ${name}`, async () => {
      const { handover, batches } = await receiving()
      const options = { redis: await testRedis(), prefix: uniquePrefix(), quietGapMs: 300 }
      const batcher = new Batcher(options)
      const processor = new Processor({ ...options, handover })
      releases.push(
        () => batcher.close(),
        () => processor.stop({ timeoutMs: 1000 }),
      )
      await processor.start()
      await batcher.append('group@g.us', [{ messageId: 'g1', text: 'hi', isGroup: true, provider: 'waha' }])
      await batcher.append(SHOP, MESSAGES, { rules: { flush: true } })
      await until(() => batches.length === 2, { what: 'two batches' })
      for (const batch of batches) {
        expect(isBatch(batch), JSON.stringify(isBatch.errors)).to.equal(true)
        expect(isExactlyBatch(batch), JSON.stringify(isExactlyBatch.errors)).to.equal(true)
      }
      const messages = batches.flatMap(batch => fieldsOf(batch).get('messages'))
      const seen = new Set(messages.flat().flatMap(message => [...fieldsOf(message).keys()]))
      expect([...seen]).to.have.members(Object.keys(schema.$defs.Message.properties))
      const metas = messages.flat().flatMap(message => fieldsOf(message).get('meta') ?? [])
      expect(metas).to.deep.equal([MESSAGES.at(-1)?.meta])
      expect(batches.map(batch => fieldsOf(batch).get('account'))).to.have.members([undefined, 'shop'])
    })

  it('describes a provisional batch, and the one that supersedes it', async () => {
    const { handover, batches } = await postedBatches()
    const rules = { answering: 'supersede', earlyStartMs: 20 } as const
    const options = { redis: await testRedis(), prefix: uniquePrefix(), quietGapMs: 3000, ...rules }
    const batcher = new Batcher(options)
    const processor = new Processor({ ...options, handover })
    releases.push(
      () => batcher.close(),
      () => processor.stop({ timeoutMs: 1000 }),
    )
    await processor.start()
    await batcher.append(SHOP, { messageId: 'm1' }, { rules })
    await until(() => batches.length === 1, { what: 'the provisional batch' })
    await batcher.append(SHOP, { messageId: 'm2' }, { rules })
    const second = await until(() => batches[1], { what: 'the batch that supersedes it' })
    expect(batches[0]).to.include({ provisional: true })
    expect(second).to.have.property('supersedes')
    for (const batch of batches) expect(isExactlyBatch(batch), JSON.stringify(isExactlyBatch.errors)).to.equal(true)
  })

  it('refuses a batch without an id, of another version, or with a message that has none', () => {
    const batch = {
      version: 1,
      batchId: 'b1',
      conversationId: 'c1',
      chatId: 'c1',
      isGroup: false,
      provider: 'generic',
      messages: [{ messageId: 'm1', type: 'text', text: 'hi', receivedAtMs: 1 }],
      text: 'hi',
      firstAtMs: 1,
      lastAtMs: 1,
      dueAtMs: 2,
      releasedAtMs: 3,
      releasedBy: 'gap',
    }
    expect(isBatch(batch)).to.equal(true)
    const { batchId: _, ...nameless } = batch
    for (const wrong of [
      nameless,
      { ...batch, version: 2 },
      { ...batch, messages: [{ type: 'text', receivedAtMs: 1 }] },
    ])
      expect(isBatch(wrong)).to.equal(false)
  })
})

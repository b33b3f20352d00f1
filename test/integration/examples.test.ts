/** The programs in examples/ run unchanged, on the built package. */
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import { bullmq } from '../../src/handover/bullmq.js'
import { loadDefault } from '../../src/load-default.js'
import { Processor } from '../../src/processor/processor.js'
import type { RulesFor } from '../../src/settings/rule-book.js'
import { MemoryStore } from '../../src/store/memory/store.js'
import { example, freePort, type LullProcess, lull, noPython, pythonExample } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

describe('examples', function () {
  this.timeout(60_000)
  let processes: LullProcess[]

  beforeEach(() => {
    processes = []
  })

  afterEach(async () => {
    for (const process of processes.reverse()) await process.stop()
  })

  const start = async (starting: Promise<LullProcess>) => {
    const process = await starting
    processes.push(process)
    return process
  }

  const post = async (url: string, text: string) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ chatId: '79990000011@c.us', messageId: uniquePrefix(), text }),
    })
    expect(response.status).to.equal(200)
  }

  it('library.mjs appends a burst and handles it as one batch', async () => {
    const library = await start(example('library.mjs', { REDIS_URL: await testRedis() }))
    expect(await library.exit).to.deep.equal({ code: 0, signal: null })
    expect(library.stdout).to.include('shop/79990000011@c.us said, in 4 messages (attempt 1):')
    expect(library.stdout.slice(-4)).to.deep.equal(['hi', "I'd like to order", 'a cake', 'for Saturday'])
  })

  it('embedded.mjs prints its batch and ends, without Redis', async () => {
    const embedded = await start(example('embedded.mjs', { REDIS_URL: 'redis://127.0.0.1:1' }))
    expect(await embedded.exit).to.deep.equal({ code: 0, signal: null })
    expect(embedded.stdout).to.deep.equal(['79990000011@c.us said: hi · a cake, please'])
  })

  it('otel.mjs prints the traces of two messages and of their batch, without Redis and without a collector', async () => {
    const traced = await start(example('otel.mjs', { REDIS_URL: 'redis://127.0.0.1:1' }))
    expect(await traced.exit).to.deep.equal({ code: 0, signal: null })
    const tree = traced.stdout.map(line => line.replace(/ +\w+ +[\d.]+ ms/, ''))
    const message = ['POST', '  append']
    const batch = ['release  links to 2 appends', '  process', '    ask the model', '  answered']
    expect(tree).to.deep.equal(['answered 2 messages', '', ...message, ...message, ...batch])
  })

  it('early-start.mjs sends one answer to three messages, after runs that were superseded', async () => {
    const early = await start(example('early-start.mjs', { REDIS_URL: 'redis://127.0.0.1:1' }))
    expect(await early.exit).to.deep.equal({ code: 0, signal: null })
    const sent = early.stdout.filter(line => line.includes('the bot sends'))
    expect(sent).to.have.lengthOf(1)
    expect(sent[0]).to.include('the bot sends its answer to: hi · a table for two, please · on Saturday')
    expect(early.stdout.filter(line => line.includes('the bot stops'))).to.have.lengthOf.at.least(1)
  })

  it('rules.mjs decides the quiet gap and the end of a batch by its messages', async () => {
    const rulesFor: RulesFor = await loadDefault('examples/rules.mjs', { name: 'LULL_RULES', example: '' })
    const batcher = new Batcher({ store: new MemoryStore(), rulesFor })
    try {
      const add = (conversationId: string, message: object = {}) =>
        batcher.append(conversationId, { messageId: uniquePrefix(), text: 'hi', ...message })
      expect((await add('clinic/1')).dueInMs).to.be.within(14_000, 15_000)
      expect((await add('shop/1')).dueInMs).to.be.within(9000, 10_000)
      expect((await add('shop/2@g.us', { isGroup: true })).dueInMs).to.be.within(3000, 4000)
      expect((await add('clinic/1', { text: 'That is all.' })).dueInMs).to.equal(0)
      expect((await add('shop/1', { type: 'order' })).dueInMs).to.equal(0)
    } finally {
      await batcher.close()
    }
  })

  it('webhook-node.mjs receives webhooks in a plain Node server', async () => {
    const port = await freePort()
    const server = await start(example('webhook-node.mjs', { REDIS_URL: await testRedis(), PORT: String(port) }))
    await server.line(/^listening/)
    await post(`http://127.0.0.1:${port}/webhook`, 'hi')
    await post(`http://127.0.0.1:${port}/webhook`, 'there')
    await server.line(/^79990000011@c\.us: hi$/)
    await server.line(/^there$/)
  })

  it('worker-bullmq.mjs, a plain BullMQ worker, takes the jobs', async () => {
    const redis = await testRedis()
    const queue = `queue-${uniquePrefix()}`
    const options = { redis, prefix: uniquePrefix(), quietGapMs: 50 }
    const worker = await start(example('worker-bullmq.mjs', { REDIS_URL: redis, LULL_QUEUE: queue }))
    await worker.line(/^waiting for batches/)
    const batcher = new Batcher(options)
    const processor = new Processor({ ...options, handover: bullmq({ queue }) })
    try {
      await processor.start()
      await batcher.append('79990000011@c.us', [
        { messageId: '1', text: 'hi' },
        { messageId: '2', text: 'there' },
      ])
      await worker.line(/^79990000011@c\.us sent 2 \(gap\):$/)
    } finally {
      await processor.stop()
      await batcher.close()
    }
  })

  it('worker-bullmq-commit.mjs, a plain BullMQ worker, sends once what was written meanwhile, too', async () => {
    const redis = await testRedis()
    const queue = `queue-${uniquePrefix()}`
    const prefix = uniquePrefix()
    const options = { redis, prefix, answering: 'supersede', quietGapMs: 500, earlyStartMs: 50 } as const
    const env = { REDIS_URL: redis, LULL_QUEUE: queue, LULL_PREFIX: prefix, THINKING_MS: '200' }
    const worker = await start(example('worker-bullmq-commit.mjs', env))
    await worker.line(/^waiting for batches/)
    const batcher = new Batcher(options)
    const processor = new Processor({ ...options, handover: bullmq({ queue }) })
    try {
      await processor.start()
      await batcher.append('79990000011@c.us', { messageId: '1', text: 'hi' })
      await worker.line(/^thinking about 1 of 79990000011@c\.us$/)
      await batcher.append('79990000011@c.us', { messageId: '2', text: 'there' })
      await worker.line(/^batch \S+ was superseded$/)
      await worker.line(/^answering: hi · there$/)
      expect(worker.stdout.filter(line => line.startsWith('answering'))).to.have.lengthOf(1)
    } finally {
      await processor.stop()
      await batcher.close()
    }
  })

  it('handler.mjs handles batches under `lull up`', async () => {
    const port = await freePort()
    const up = await start(
      lull(['up', '--embedded', '--handler', handlerFile], { PORT: String(port), LULL_QUIET_GAP_MS: '100' }),
    )
    await up.line(/Lull is up/)
    await post(`http://127.0.0.1:${port}/webhook/whatsapp/batched`, 'hi')
    await up.line(/Thanks, I have read all 1 of your messages/)
  })

  it('transcribe.mjs gives a voice note its text under `lull up`, and its batch goes at once', async () => {
    const port = await freePort()
    const api = `http://127.0.0.1:${port}`
    const up = await start(
      lull(['up', '--embedded', '--handler', printingFile], {
        PORT: String(port),
        LULL_API_TOKEN: 'token',
        LULL_QUIET_GAP_MS: '100',
        LULL_HOLD_TYPES: 'voice,audio',
        LULL_HOLD_MS: '50000',
      }),
    )
    await up.line(/Lull is up/)
    const transcriber = await start(example('transcribe.mjs', { LULL_API_URL: api, LULL_API_TOKEN: 'token' }))
    await transcriber.line(/^transcribing for/)
    const response = await fetch(`${api}/webhook/whatsapp/batched`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        chatId: 'a',
        messageId: 'v1',
        type: 'voice',
        media: { url: 'https://a.example/note.oga' },
      }),
    })
    expect(response.status).to.equal(200)
    await up.line(/"text":"\(transcript of https:\/\/a\.example\/note\.oga\)"/)
  })

  for (const [what, env] of [
    ['answers 204', {}],
    ['answers 202, and reports later that the work is done', { LULL_API_TOKEN: 'token' }],
  ] as const)
    it(`http-receiver.mjs verifies the signature and ${what}`, async () => {
      const ports = { api: await freePort(), receiver: await freePort() }
      const api = `http://127.0.0.1:${ports.api}`
      const receiver = await start(
        example('http-receiver.mjs', {
          PORT: String(ports.receiver),
          LULL_HANDOVER_SECRET: SECRET,
          ...env,
          ...('LULL_API_TOKEN' in env ? { LULL_API_URL: api } : {}),
        }),
      )
      await receiver.line(/^waiting for batches/)
      const up = await start(
        lull(['up'], {
          REDIS_URL: await testRedis(),
          LULL_PREFIX: uniquePrefix(),
          PORT: String(ports.api),
          LULL_API_TOKEN: 'token',
          LULL_QUIET_GAP_MS: '100',
          LULL_HANDOVER: 'http',
          LULL_HANDOVER_URL: `http://127.0.0.1:${ports.receiver}/batches`,
          LULL_HANDOVER_SECRET: SECRET,
        }),
      )
      await up.line(/Lull is up/)
      await post(`${api}/webhook/whatsapp/batched`, 'first')
      await receiver.line(/^first$/)
      // In serial order the second batch comes only when the first one is answered.
      await post(`${api}/webhook/whatsapp/batched`, 'second')
      await receiver.line(/^second$/)
    })

  const missing = noPython()
  const inPython = missing === undefined ? it : it.skip
  inPython(
    `receiver.py sends nothing that newer messages have superseded${missing === undefined ? '' : ` (skipped: ${missing})`}`,
    async () => {
      const ports = { api: await freePort(), receiver: await freePort() }
      const api = `http://127.0.0.1:${ports.api}`
      const url = `http://127.0.0.1:${ports.receiver}/batches`
      const shared = { LULL_HANDOVER_SECRET: SECRET, LULL_API_TOKEN: 'token' }
      const receiver = await start(
        pythonExample('receiver.py', { ...shared, PORT: String(ports.receiver), LULL_API_URL: api }),
      )
      await receiver.line(/^waiting for batches/)
      expect((await fetch(url, { method: 'POST', body: '{}' })).status).to.equal(401)
      const up = await start(
        lull(['up'], {
          ...shared,
          REDIS_URL: await testRedis(),
          LULL_PREFIX: uniquePrefix(),
          PORT: String(ports.api),
          LULL_ANSWERING: 'supersede',
          LULL_QUIET_GAP_MS: '2000',
          LULL_EARLY_START_MS: '100',
          LULL_HANDOVER: 'http',
          LULL_HANDOVER_URL: url,
        }),
      )
      await up.line(/Lull is up/)
      const working = (pattern: string) => receiver.line(new RegExp(`^working on \\S+: '${pattern}'$`))
      const idIn = (line: string) => /^working on (\S+):/.exec(line)?.[1] ?? ''
      await post(`${api}/webhook/whatsapp/batched`, 'first')
      const first = idIn(await working('first'))
      await post(`${api}/webhook/whatsapp/batched`, 'second')
      const second = idIn(await working('first\\\\nsecond'))
      await receiver.line(/^sent to 79990000011@c\.us: I have read your 2 messages$/)
      expect(receiver.stdout).to.include.members([`${first} was superseded by ${second}`, `sent nothing for ${first}`])
      // In serial order the third message comes alone only when the second batch is answered.
      await post(`${api}/webhook/whatsapp/batched`, 'third')
      await receiver.line(/^sent to 79990000011@c\.us: I have read your 1 messages$/)
      expect(receiver.stdout.filter(line => line.startsWith('sent to'))).to.have.length(2)
    },
  )
})

const handlerFile = new URL('../../examples/handler.mjs', import.meta.url).pathname
const printingFile = new URL('../support/printing-handler.mjs', import.meta.url).pathname

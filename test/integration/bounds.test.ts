/**
 * Guarantee **bounds**: one script does a bounded piece of any load, and all of the load comes out. The tests count the
 * pieces; docs/guarantees.md says how long they take.
 */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Batch } from '../../src/batch.js'
import { type RuleOptions, rulesFrom } from '../../src/rules.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { Clock, clocked } from '../support/clocked-redis.js'
import { monitor } from '../support/monitor.js'
import { pipeline } from '../support/pipeline.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { append, CHAT, claimed, idsOf, message, PATIENT } from '../support/store-contract/messages.js'
import { until } from '../support/wait.js'

const MANY = 100_000
const BODY_BYTES = 16 * 1024 * 1024

describe('bounds', function () {
  this.timeout(60_000)
  const releases: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  async function still(rules: RuleOptions, url?: string) {
    const at = url ?? (await testRedis())
    const redis = new Redis(at)
    const store = new RedisStore({
      redis: clocked(at),
      prefix: uniquePrefix(),
      rules: rulesFrom({ ...PATIENT, ...rules }),
    })
    const clock = new Clock(redis, store.keys.prefix)
    await clock.set(clock.nowMs)
    await store.open()
    releases.push(async () => {
      await store.close()
      await redis.quit()
    })
    return { store, redis, clock, keys: store.keys }
  }

  const running = async (rules: RuleOptions) => {
    const line = await pipeline({ rules })
    releases.push(() => line.stop())
    return line
  }

  const post = (url: string | undefined, body: string) =>
    fetch(new URL('/webhook/whatsapp/batched/generic', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })

  it('a conversation of 100,000 messages comes out in order, at most one cap a claim, and a drop frees it outside Redis’s thread', async () => {
    const server = await privateRedis()
    releases.push(() => server.stop())
    const { store, redis } = await still({ order: 'concurrent', maxMessages: 100 }, server.url)
    const holding = await claimed(store, CHAT, 'first')
    const ids = Array.from({ length: MANY }, (_, i) => `m${i}`)
    const fill = async () => {
      for (let i = 0; i < MANY; i += 1000) await append(store, CHAT, ...ids.slice(i, i + 1000))
    }
    await fill()
    expect((await store.conversation(CHAT)).messages, 'what is shown of it').to.have.lengthOf(1000)
    await store.ack([holding.batchId])
    const got: string[] = []
    for (let claims = 0; got.length < MANY && claims < MANY / 100; claims++) {
      const { batches } = await store.claim({ owner: 'processor-1', maxBatches: 200, maxBytes: 1_000_000 })
      expect(batches).to.have.lengthOf(1)
      for (const { batch, batchId } of batches) {
        expect(batch.messages.length).to.be.at.most(100)
        got.push(...idsOf(batch))
        await store.ack([batchId])
      }
    }
    expect(got.length).to.equal(MANY)
    expect(got.every((id, i) => id === ids[i])).to.equal(true)
    await store.forget(CHAT)
    await fill()
    const freedBefore = await freed(redis)
    expect(await store.drop(CHAT)).to.equal(MANY)
    await until(async () => (await freed(redis)) > freedBefore, { what: 'the list to be freed by another thread' })
  })

  it('100,000 conversations due in one millisecond all come out once, 200 a claim', async () => {
    const { store, redis, clock, keys } = await still({ order: 'concurrent', quietGapMs: 10_000 })
    await append(store, 'chat-0', 'm1')
    await redis.eval(COPY_CONVERSATION, 4, keys.messages('chat-'), keys.header('chat-'), keys.due, keys.prefix, MANY)
    await clock.pass(10_000, ['chat-0'])
    const got = new Set<string>()
    let claims = 0
    for (; got.size < MANY && claims < MANY; claims++) {
      const { batches } = await store.claim({ owner: 'processor-1', maxBatches: 200, maxBytes: 1_000_000 })
      expect(batches).to.have.lengthOf(200)
      for (const { batch } of batches) got.add(batch.conversationId)
      await store.ack(batches.map(({ batchId }) => batchId))
    }
    expect([got.size, claims]).to.deep.equal([MANY, MANY / 200])
    expect((await store.claim({ owner: 'processor-1', maxBatches: 200, maxBytes: 1 })).batches).to.deep.equal([])
  })

  it('a claim ends at the batch that reaches its byte limit, however many are due', async () => {
    const { store } = await still({})
    for (let i = 0; i < 30; i++)
      await store.append({
        conversationId: `chat-${i}`,
        messages: [message('m1', { text: 'x'.repeat(200_000) })],
        direct: true,
      })
    const sizes: number[] = []
    for (let left = 30; left > 0; left -= sizes.at(-1) ?? 1) {
      const { batches } = await store.claim({ owner: 'processor-1', maxBatches: 200, maxBytes: 1_000_000 })
      sizes.push(batches.length)
    }
    expect(sizes).to.deep.equal(Array(6).fill(5))
  })

  it('a large append is split into scripts of at most 1 MiB and 1,000 messages, and stays one batch in order', async () => {
    const { store } = await still({ maxMessages: 10_000, maxBytes: 16 * 1024 * 1024 })
    const watched = await monitor(await testRedis())
    const messages = Array.from({ length: 100 }, (_, i) => message(`m${i}`, { text: 'x'.repeat(50_000) }))
    expect(await store.append({ conversationId: CHAT, messages })).to.include({ accepted: 100 })
    await watched.stop()
    const calls = watched.lines.filter(line => /"evalsha"|"eval"/.test(line) && line.includes(store.keys.prefix))
    expect(calls.length).to.equal(5)
    for (const call of calls) expect(call.length).to.be.below(1024 * 1024 + 10_000)
    await store.flush(CHAT)
    const { batches } = await store.claim({ owner: 'processor-1', maxBatches: 1, maxBytes: 1 })
    expect(batches.map(({ batch }) => idsOf(batch))).to.deep.equal([messages.map(({ messageId }) => messageId)])
  })

  it('a script reads no more of a list than its work needs, however large the messages beside that are', async () => {
    const server = await privateRedis()
    releases.push(() => server.stop())
    const { store, keys } = await still({ maxMessages: 3, maxBytes: 16 * 1024 * 1024 }, server.url)
    const { batchId } = await claimed(store, CHAT, 'first')
    await append(store, CHAT, 'a1', 'a2', 'a3')
    const large = (id: string) => message(id, { text: '\\"'.repeat(768 * 1024) })
    for (const id of ['b1', 'b2', 'b3', 'b4']) await store.append({ conversationId: CHAT, messages: [large(id)] })
    const edit = () => store.edit({ conversationId: CHAT, messageId: 'a1', text: 'x' })
    expect(await readBy(server.url, keys.messages(CHAT), edit), 'entries that an edit reads').to.equal(1)
    const revoke = () => store.revoke(CHAT, 'a1')
    expect(await readBy(server.url, keys.messages(CHAT), revoke), 'entries that a revocation reads').to.equal(2)
    await store.answered(batchId, 'completed')
    let batches: string[][] = []
    const claim = async () => {
      const claims = await store.claim({ owner: 'processor-1', maxBatches: 1, maxBytes: 1 })
      batches = claims.batches.map(({ batch }) => idsOf(batch))
    }
    expect(await readBy(server.url, keys.messages(CHAT), claim), 'entries that a claim reads').to.equal(3)
    expect(batches).to.deep.equal([['a1', 'a2', 'a3']])
    const read = () => store.conversation(CHAT)
    expect(await readBy(server.url, keys.messages(CHAT), read), 'entries that are shown').to.equal(2)
  })

  it('edits never take a batch far past its cap of bytes, sealed or open', async () => {
    const { store } = await still({ maxBytes: 100_000 })
    const holding = await claimed(store, CHAT, 'first')
    const ids = Array.from({ length: 50 }, (_, i) => `m${i}`)
    await append(store, CHAT, ...ids)
    for (const messageId of [...ids, ...ids])
      await store.edit({ conversationId: CHAT, messageId, text: 'x'.repeat(40_000) })
    await store.answered(holding.batchId, 'completed')
    const { batches } = await store.claim({ owner: 'processor-1', maxBatches: 1, maxBytes: 1 })
    const [first] = batches
    expect([first?.batch.releasedBy, first?.batch.messages.length]).to.deep.equal(['maxBytes', 50])
    expect(first?.batch.text.length).to.be.below(100_000 + 40_000)
  })

  it('a body of 16 MiB comes out whole, and one byte more is answered 413', async () => {
    const line = await running({ quietGapMs: 100 })
    const bodyOf = (bytes: number) => {
      const empty = JSON.stringify({ chatId: 'chat', messageId: 'm1', text: '' })
      return JSON.stringify({ chatId: 'chat', messageId: 'm1', text: 'x'.repeat(bytes - empty.length) })
    }
    expect((await post(line.urls[0], bodyOf(BODY_BYTES + 1))).status).to.equal(413)
    expect((await post(line.urls[0], bodyOf(BODY_BYTES))).status).to.equal(200)
    const [batch] = await line.received(1)
    expect(batch?.releasedBy).to.equal('maxBytes')
    expect(batch?.text.length).to.equal(JSON.parse(bodyOf(BODY_BYTES)).text.length)
  })

  it('one POST with messages of 1,000 conversations makes 1,000 batches', async () => {
    const line = await running({ quietGapMs: 200 })
    const messages = Array.from({ length: 1000 }, (_, i) => ({ chatId: `chat-${i}`, messageId: 'm1', text: `${i}` }))
    const response = await post(line.urls[0], JSON.stringify({ messages }))
    expect(await response.json()).to.deep.equal({ accepted: 1000, duplicates: 0, ignored: 0 })
    const batches = await line.received(1000)
    expect(batches.map(({ text, chatId }) => `chat-${text}` === chatId)).to.deep.equal(Array(1000).fill(true))
    expect(new Set(batches.map(({ chatId }) => chatId))).to.have.lengthOf(1000)
  })

  it('batches and answers find conversations whose ids hold any Unicode, braces, newlines or 4 KiB', async () => {
    const line = await running({ quietGapMs: 100 })
    const ids = [
      '{a}',
      '{}',
      '}{',
      'a\nb\r\n',
      '\u0000\u001f\u007f',
      '"\'`\\',
      '*?[a-z]',
      '\u{1F468}\u200D\u{1F469}',
      '\uFEFF\u202Eabc',
      '\ufffd',
      '{"a":1}',
      `${'Ж'.repeat(2048)}`,
      'x'.repeat(4096),
    ]
    for (const id of ids)
      for (const text of ['first', 'second']) {
        await line.batcher.append(id, [{ messageId: `${text} ${id}`, text }])
        expect(await line.batcher.append(id, [{ messageId: `${text} ${id}`, text }])).to.include({ duplicates: 1 })
        if (text === 'first') await line.batcher.flush(id)
      }
    const batches = await line.received(2 * ids.length)
    const textsOf = (id: string) => batches.filter(isOf(id)).map(({ text }) => text)
    for (const id of ids) expect(textsOf(id), JSON.stringify(id.slice(0, 40))).to.deep.equal(['first', 'second'])
    await until(async () => (await line.batcher.conversations()).length === 0, { what: 'all answers' })
  })

  it('a webhook ignores an id of 4 KiB, which no provider makes, and takes the other messages', async () => {
    const line = await running({ quietGapMs: 100 })
    const messages = [
      { chatId: 'x'.repeat(4096), messageId: 'm1', text: 'ignored' },
      { chatId: 'chat', messageId: 'y'.repeat(4096), text: 'ignored' },
      { chatId: '{чат}\n🍰', messageId: '{"m"}\n', text: 'taken' },
    ]
    const response = await post(line.urls[0], JSON.stringify({ messages }))
    expect([response.status, await response.json()]).to.deep.equal([200, { accepted: 1, duplicates: 0, ignored: 2 }])
    const [batch] = await line.received(1)
    expect([batch?.chatId, batch?.text]).to.deep.equal(['{чат}\n🍰', 'taken'])
  })
})

const isOf = (id: string) => (batch: Batch) => batch.conversationId === id

/** How many entries of a list a script reads during `work`. */
async function readBy(url: string, list: string, work: () => Promise<unknown>): Promise<number> {
  const watched = await monitor(url)
  await work()
  await watched.stop()
  const reads = watched.lines.flatMap(line => {
    const [, command = '', from = '0', to = from] = /lua\] "(\w+)" "[^"]+" "(-?\d+)"(?: "(-?\d+)")?$/.exec(line) ?? []
    return line.includes(list) && /^l(?:index|range)$/i.test(command) ? [Number(to) - Number(from) + 1] : []
  })
  return reads.reduce((sum, count) => sum + count, 0)
}

/** Objects freed by Redis's background threads. */
async function freed(redis: Redis): Promise<number> {
  return Number(/lazyfreed_objects:(\d+)/.exec(await redis.info('memory'))?.[1] ?? 0)
}

/**
 * Makes an open conversation, `chat-0`, into many, `chat-0` to `chat-<n-1>`, each with a batch of its own: as if
 * messages had been appended to each. KEYS: names of list and header without the number, the due set, the prefix. ARGV:
 * n.
 */
const COPY_CONVERSATION = `
local entry = redis.call('LINDEX', KEYS[1] .. 0, 0)
local header = redis.call('HGETALL', KEYS[2] .. 0)
local expires = redis.call('PEXPIRETIME', KEYS[2] .. 0)
local due = redis.call('ZSCORE', KEYS[3], 'chat-0')
local id = string.match(entry, '^%S+')
for n = 1, ARGV[1] - 1 do
  redis.call('RPUSH', KEYS[1] .. n, id .. 'x' .. n .. string.sub(entry, #id + 1))
  for i = 1, #header, 2 do
    redis.call('HSET', KEYS[2] .. n, header[i], header[i] == 'batchId' and id .. 'x' .. n or header[i + 1])
  end
  redis.call('PEXPIREAT', KEYS[2] .. n, expires)
  redis.call('ZADD', KEYS[3], due, 'chat-' .. n)
end`

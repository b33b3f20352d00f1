/**
 * Guarantee **explained**: `lull watch` shows each step as it happens, `lull trace` shows which processor claimed a
 * batch, when and why then, and `lull forget` leaves nothing of a conversation in Redis except a batch that is under
 * way.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { Batcher } from '../../src/batcher.js'
import { bullmq } from '../../src/handover/bullmq.js'
import { Processor } from '../../src/processor/processor.js'
import { noPrivateRedis } from '../support/no-private-redis.js'
import { build, type LullProcess, lull } from '../support/processes.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = 'shop/79990000011@c.us'
const SECRET_TEXT = 'my address is 4 Privet Drive'

describe('seeing it work', function () {
  this.timeout(60_000)
  let env: Record<string, string>
  let running: LullProcess[]
  let batcher: Batcher
  let processor: Processor

  beforeEach(async () => {
    running = []
    const prefix = uniquePrefix()
    const redis = await testRedis()
    env = { REDIS_URL: redis, LULL_PREFIX: prefix, LULL_QUEUE: `queue-${prefix}`, LULL_QUIET_GAP_MS: '100' }
    batcher = new Batcher({ redis, prefix, quietGapMs: 100 })
    processor = new Processor({ redis, prefix, quietGapMs: 100, handle: async () => {} })
    await processor.start()
  })

  afterEach(async () => {
    for (const command of running) await command.kill()
    await processor.stop()
    await batcher.close()
  })

  const start = async (...args: string[]) => {
    const command = await lull(args, env)
    running.push(command)
    return command
  }

  const ended = async (...args: string[]) => {
    const command = await start(...args)
    const { code } = await command.exit
    return { code, stdout: command.stdout, stderr: command.stderr }
  }

  const answered = () =>
    until(async () => (await batcher.history({ conversationId: CHAT })).some(({ step }) => step === 'answered'), {
      what: 'the answer',
    })

  it('watch shows each step of a batch, without its texts and without colours in a pipe, and ends cleanly', async () => {
    const watch = await start('watch')
    await watch.line(/^watching redis:/)
    await batcher.append(CHAT, { messageId: 'm1', text: SECRET_TEXT })
    await watch.line(/answered .*completed/)
    const steps = watch.stdout.map(line => line.split(/ +/)[1])
    expect(steps).to.deep.equal(['opened', 'claimed', 'handed-over', 'answered'])
    expect(watch.stdout[1]).to.match(
      /claimed +shop\/79990000011@c\.us +gap, 1 message, \d+ ms late, by processor\.\S+$/,
    )
    expect(watch.stdout.join('')).not.to.include('Privet').and.not.to.include('\u001b')
    expect(await watch.stop('SIGINT')).to.include({ code: 0 })
  })

  it('watch --json prints one object a line, and only steps of the conversation that is named', async () => {
    const watch = await start('watch', '--json', CHAT)
    // It says nothing but steps: until it has seen one, another is sent.
    let sent = 0
    await until(
      async () => {
        await batcher.append('other@c.us', { messageId: `o${sent}`, text: 'hi' })
        await batcher.append(CHAT, { messageId: `m${sent++}`, text: 'hi' })
        return watch.stdout.length > 0
      },
      { what: 'a line' },
    )
    for (const line of watch.stdout) {
      const entry = JSON.parse(line)
      expect(entry.conversationId).to.equal(CHAT)
      expect(entry).to.include.keys('atMs', 'step', 'batchId', 'detail')
    }
    expect(watch.stderr).to.deep.equal([])
  })

  it('the log has a line a step, with the conversation and the batch, and no text at info', async () => {
    const up = await lull(['up'], { ...env, LULL_API_TOKEN: 'test-token', PORT: '0' })
    running.push(up)
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(await up.line(/api listens on/))?.[0]
    await processor.stop()
    const response = await fetch(`${url}/webhook/whatsapp/batched/generic`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ chatId: 'log@c.us', messageId: 'm1', text: SECRET_TEXT }),
    })
    expect(response.status).to.equal(200)
    await up.line(/"msg":"answered"/)
    const steps = up.stdout
      .filter(line => line.startsWith('{') && line.includes('"batchId"'))
      .map(line =>
        z.object({ msg: z.string(), conversationId: z.string(), batchId: z.string() }).parse(JSON.parse(line)),
      )
    expect(steps.map(({ msg }) => msg.split(':')[0]).sort()).to.deep.equal([
      'answered',
      'appended',
      'claimed',
      'handed over',
      'log@c.us',
      'the handler is done',
    ])
    expect(new Set(steps.map(({ conversationId, batchId }) => `${conversationId} ${batchId}`)).size).to.equal(1)
    expect([...up.stdout, ...up.stderr].join('')).not.to.include('Privet')
    expect(await up.stop()).to.include({ code: 0 })
  })

  it('trace shows which processor claimed a batch, when, and why then', async () => {
    await batcher.append(CHAT, { messageId: 'm1', text: SECRET_TEXT })
    await answered()
    const { code, stdout } = await ended('trace', CHAT)
    expect(code).to.equal(0)
    expect(stdout[1]).to.equal(`  claimed by ${processor.owner}`)
    expect(stdout[2]).to.match(/^ {2}at \d\d:\d\d:\d\d\.\d{3} because the quiet gap had ended \(gap\), \d+ ms late$/)
    expect(stdout.at(-1)).to.equal('now: nothing waits')
    const json = await ended('trace', CHAT, '--json')
    expect(JSON.parse(json.stdout[0] ?? '').claimed).to.include({ by: processor.owner, reason: 'gap' })
  })

  it('trace says that messages are gone if something deleted them before a processor claimed them', async () => {
    await processor.stop()
    await batcher.append(CHAT, { messageId: 'm1', text: SECRET_TEXT })
    const redis = new Redis(env['REDIS_URL'] ?? '')
    try {
      await redis.del(`${env['LULL_PREFIX']}.messages:${CHAT}`, `${env['LULL_PREFIX']}:${CHAT}`)
      const { code, stdout } = await ended('trace', CHAT)
      expect(code).to.equal(0)
      expect(stdout.slice(1, 4)).to.deep.equal([
        '  no processor claimed it',
        '  its messages are gone: something other than Lull deleted them',
        '  lull doctor lists the clients that may have done it',
      ])
    } finally {
      redis.disconnect()
    }
  })

  it('trace says how long a batch has been due that no processor claims, with its header or without', async () => {
    await processor.stop()
    await batcher.append(CHAT, { messageId: 'm1', text: SECRET_TEXT })
    const redis = new Redis(env['REDIS_URL'] ?? '')
    const lastLine = async () => (await ended('trace', CHAT)).stdout.at(-1) ?? ''
    try {
      const isOverdue = async () =>
        / and has been due for \d\S* s: does a processor run\? lull doctor$/.test(await lastLine())
      await until(isOverdue, { what: 'the batch to be overdue' })
      await redis.del(`${env['LULL_PREFIX']}:${CHAT}`)
      expect(await isOverdue()).to.equal(true)
    } finally {
      redis.disconnect()
    }
  })

  it('trace without an id lists the recent conversations', async () => {
    expect((await ended('trace')).stdout).to.deep.equal(['the history is empty: no message has come yet'])
    await batcher.append('other@c.us', { messageId: 'o1', text: 'hi' })
    await batcher.append(CHAT, { messageId: 'm1', text: SECRET_TEXT })
    await answered()
    const { code, stdout } = await ended('trace')
    expect(code).to.equal(0)
    expect(stdout.at(-1)).to.equal('lull trace <conversation> shows the life of its batches')
    for (const id of [CHAT, 'other@c.us']) expect(stdout.filter(line => line.includes(` ${id} `))).to.have.length(1)
    const json = await ended('trace', '--json')
    expect(json.stdout.map(line => JSON.parse(line).conversationId)).to.have.members([CHAT, 'other@c.us'])
    expect([...stdout, ...json.stdout].join('')).not.to.include('Privet')
  })

  it('trace of an unknown conversation exits with 1, and names the one that was probably meant', async () => {
    await batcher.append(CHAT, { messageId: 'm1', text: 'hi' })
    await answered()
    const { code, stderr } = await ended('trace', '79990000011')
    expect(code).to.equal(1)
    expect(stderr).to.deep.equal([`lull: the history holds nothing of 79990000011: did you mean ${CHAT}?`])
  })

  it('forget says that jobs may be left if the history has been trimmed', async () => {
    const redis = new Redis(env['REDIS_URL'] ?? '')
    try {
      const pipeline = redis.pipeline()
      const add = (conversationId: string, n: number) =>
        pipeline.xadd(
          `${env['LULL_PREFIX']}.history`,
          '*',
          ...Object.entries({ step: 'answered', batchId: `b${n}`, conversationId }).flat(),
        )
      for (let n = 0; n < 10_000; n++) add('other@c.us', n)
      add(CHAT, 10_000)
      await pipeline.exec()
      const { stdout } = await ended('forget', CHAT)
      expect(stdout[0]).to.match(/1 step of its history, 0 jobs\. Not erased: jobs that the history no longer names/)
    } finally {
      redis.disconnect()
    }
  })

  it('forget erases everything about a conversation, finished jobs included, and names the batch under way', async () => {
    const server = await privateRedis()
    const redis = new Redis(server.url)
    const others = new Batcher({ redis: server.url, quietGapMs: 50 })
    const queueing = new Processor({ redis: server.url, quietGapMs: 50, handover: bullmq() })
    try {
      await queueing.start()
      await others.append('other@c.us', { messageId: 'm0', text: 'stays' })
      await others.append(CHAT, { messageId: 'm1', text: SECRET_TEXT })
      const handedOver = async () => (await others.conversation(CHAT)).heldBy?.state === 'answering'
      await until(handedOver, { what: 'the handover' })
      await others.append(CHAT, { messageId: 'm2', text: SECRET_TEXT })
      env = { REDIS_URL: server.url }
      const { code, stdout } = await ended('forget', CHAT)
      expect(code).to.equal(0)
      expect(stdout[0]).to.match(
        /^forgot shop\/79990000011@c\.us: 1 message, 0 dead batches, \d steps of its history, 0 jobs\. Not erased: batch \S+, which is under way \(forget again when it has ended\)$/,
      )
      const texts = await everythingIn(redis)
      expect(Object.keys(texts)).to.include('rapid-fire.history')
      const left = Object.entries(texts).filter(([key, text]) => /79990000011|Privet/.test(key + text))
      expect(left.map(([key]) => key.replace(/[^:]+$/, ''))).to.satisfy((keys: string[]) =>
        keys.every(key => key.startsWith('bull:')),
      )
      expect(
        (await others.history({ limit: 10 })).every(({ conversationId }) => conversationId === 'other@c.us'),
      ).to.equal(true)
      const worker = await start('worker')
      const hasEnded = async () => (await others.history({ conversationId: CHAT })).length > 0
      await until(hasEnded, { what: 'the answer' })
      const second = await ended('forget', CHAT)
      expect(second.stdout[0]).to.match(/: 0 messages, 0 dead batches, 1 step of its history, 1 job$/)
      await worker.stop()
      const all = await everythingIn(redis)
      expect(Object.entries(all).filter(([key, text]) => /79990000011|Privet/.test(key + text))).to.deep.equal([])
      const again = await ended('forget', CHAT)
      expect(again.code).to.equal(1)
      expect(again.stderr[0]).to.match(/^lull: nothing is kept for shop\/79990000011@c\.us/)
    } finally {
      await queueing.stop({ timeoutMs: 1000 })
      await others.close()
      // The search for what is left is the test's, not Lull's.
      await redis.config('RESETSTAT')
      redis.disconnect()
      await server.stop()
    }
  })
})

describe('commands beside a lull up with a private Redis', function () {
  this.timeout(60_000)
  let directory: string
  let running: LullProcess[]
  const env = {
    REDIS_URL: '',
    LULL_API_TOKEN: 'test-token',
    LULL_QUIET_GAP_MS: '50000',
    PORT: '0',
  }

  before(async function () {
    if (await noPrivateRedis()) this.skip()
    await build()
  })

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lull-beside-'))
    running = []
  })

  afterEach(async () => {
    for (const command of running) await command.stop()
    rmSync(directory, { recursive: true })
  })

  const start = async (...args: string[]) => {
    const command = await lull(args, env, { cwd: directory })
    running.push(command)
    return command
  }

  const ended = async (...args: string[]) => {
    const command = await start(...args)
    const { code } = await command.exit
    return { code, stdout: command.stdout, stderr: command.stderr }
  }

  it('find it without REDIS_URL, say so in one line, and look at 127.0.0.1:6379 once it has stopped', async () => {
    const up = await start('up')
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(await up.line(/api listens on/))?.[0]
    await up.line(/Ctrl-C stops it/)
    const using = `using the private Redis of the lull up in this directory, ${join(directory, '.lull/redis.sock')}`
    const watch = await start('watch')
    await watch.line(/^watching /)
    const response = await fetch(`${url}/webhook/whatsapp/batched/generic`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ chatId: 'a@c.us', messageId: 'm1', text: 'hi' }),
    })
    expect(response.status).to.equal(200)
    await watch.line(/opened +a@c\.us/)
    expect(watch.stderr[0]).to.equal(using)

    const doctor = await ended('doctor')
    expect(doctor.stdout[0]).to.match(/^✓ Redis at .*redis\.sock/)
    expect(doctor.code, doctor.stdout.join('\n')).to.equal(0)
    expect(doctor.stderr).to.deep.equal([using])
    for (const [args, answer] of [
      [['trace', 'a@c.us'], /^batch /],
      [['trace'], / a@c\.us /],
      [['dead'], /^no dead batches$/],
      [['flush', 'a@c.us'], /^released batch /],
    ] as const) {
      const { code, stdout, stderr } = await ended(...args)
      expect(code, args.join(' ')).to.equal(0)
      expect(stdout[0]).to.match(answer)
      expect(stderr).to.deep.equal([using])
    }
    for (const command of ['drop', 'forget']) expect((await ended(command, 'a@c.us')).stderr[0]).to.equal(using)

    await watch.stop()
    await up.stop()
    const { code, stderr } = await ended('dead')
    expect(code).to.equal(1)
    expect(stderr).to.have.length(1)
    expect(stderr[0]).to.match(/127\.0\.0\.1:6379 .*ECONNREFUSED/)
  })
})

/** Every key with its value, as text. */
async function everythingIn(redis: Redis): Promise<Record<string, string>> {
  const read: Record<string, (key: string) => Promise<unknown>> = {
    string: key => redis.get(key),
    hash: key => redis.hgetall(key),
    list: key => redis.lrange(key, 0, -1),
    zset: key => redis.zrange(key, '0', '-1'),
    set: key => redis.smembers(key),
    stream: key => redis.xrange(key, '-', '+'),
  }
  const texts: Record<string, string> = {}
  for (const key of await redis.keys('*')) texts[key] = JSON.stringify(await read[await redis.type(key)]?.(key))
  return texts
}

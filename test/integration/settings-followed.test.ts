/**
 * Guarantee **rules by scope**: every process goes by a change of stored settings within a second, also after its
 * subscription was lost. `answering: 'supersede'` begins for one account while processors and workers run.
 */
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { bullmq } from '../../src/handover/bullmq.js'
import { Commits } from '../../src/handover/commits.js'
import type { CommittingHandle } from '../../src/handover/function.js'
import { Processor } from '../../src/processor/processor.js'
import { Keys } from '../../src/store/redis/keys.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { QueueWorker } from '../../src/worker/worker.js'
import { monitor } from '../support/monitor.js'
import { lull } from '../support/processes.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = 'shop/79990000011@c.us'
const OTHER = 'market/79990000011@c.us'
const RULES = { quietGapMs: 400, maxWaitMs: 5000 }
const SUPERSEDE = { answering: 'supersede', earlyStartMs: 50 }
const SOON_MS = 1000
const ATTEMPTS = 20
/** As queue-mode-cost.test.ts counts them. */
const APPEND_COMMANDS = 10

describe('stored settings, while the system runs', function () {
  this.timeout(30_000)
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function system() {
    const redis = await testRedis()
    const options = { redis, prefix: uniquePrefix(), ...RULES }
    // Two processes: one appends, and the other one changes the settings.
    const batcher = new Batcher(options)
    const editor = new Batcher(options)
    const client = new Redis(redis)
    closing.push(
      () => batcher.close(),
      () => editor.close(),
      () => client.disconnect(),
    )
    await Promise.all([batcher.open(), editor.open()])
    const channel = new Keys(options.prefix).settingsChanged
    const subscribers = async () => Number((await client.pubsub('NUMSUB', channel))[1])
    let count = 0
    /** Of a new conversation. */
    const dueInMs = async (account: string) => {
      count += 1
      const { dueInMs } = await batcher.append(`${account}/${count}`, { messageId: 'x' })
      return dueInMs
    }
    const say = (conversationId: string, text: string) => batcher.append(conversationId, { messageId: text, text })
    return { options, batcher, editor, client, subscribers, dueInMs, say }
  }

  /** A handler that notes what it begins and sends, and works until it is superseded or 150 ms have passed. */
  function bot() {
    const begun: string[] = []
    const sent: string[] = []
    const handle: CommittingHandle = async ({ text }: Batch, { signal, commit }) => {
      begun.push(text)
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, 150)
        signal.addEventListener('abort', () => {
          clearTimeout(timer)
          resolve()
        })
      })
      await commit()
      sent.push(text)
    }
    return { begun, sent, handle }
  }

  type System = Awaited<ReturnType<typeof system>>

  /** One account’s answers are superseded by newer messages from now on, another account’s wait for their turn. */
  async function expectSuperseding({ batcher, editor, say }: System, { begun, sent }: ReturnType<typeof bot>) {
    await say(CHAT, 'before')
    await until(() => begun.includes('before'), { what: 'the answer before the change' })
    await say(CHAT, 'meanwhile')
    await until(() => sent.includes('meanwhile'), { what: 'the second answer' })
    expect(sent).to.deep.equal(['before', 'meanwhile'])
    await editor.settings.set('shop', SUPERSEDE)
    await until(() => batcher.store.rulesInUse.supersede, { timeoutMs: SOON_MS, what: 'the change' })
    await say(CHAT, 'one')
    await until(() => begun.includes('one'), { what: 'the early start' })
    await say(CHAT, 'two')
    await until(() => sent.includes('one\ntwo'), { what: 'one answer to both' })
    expect(sent).to.deep.equal(['before', 'meanwhile', 'one\ntwo'])
    await say(OTHER, 'three')
    await until(() => begun.includes('three'), { what: 'the answer of the other account' })
    await say(OTHER, 'four')
    await until(() => sent.includes('four'), { what: 'the last answer' })
    expect(sent.slice(3)).to.deep.equal(['three', 'four'])
  }

  it('begin to supersede the answers of one account, for a function', async () => {
    const running = await system()
    const one = bot()
    const processor = new Processor({ ...running.options, handle: one.handle })
    closing.push(() => processor.stop({ timeoutMs: 500 }))
    await processor.start()
    await expectSuperseding(running, one)
  })

  it('begin to supersede the answers of one account, for a worker of a queue', async () => {
    const running = await system()
    const { redis } = running.options
    const queue = uniquePrefix()
    const one = bot()
    const processor = new Processor({ ...running.options, handover: bullmq({ queue, redis }) })
    closing.push(() => processor.stop({ timeoutMs: 500 }))
    await processor.start()
    const store = new RedisStore({ redis, prefix: running.options.prefix, rules: processor.store.rules })
    closing.push(() => store.close())
    await store.open()
    const worker = new QueueWorker({ redis, queue, handle: one.handle, commits: new Commits(store) })
    closing.push(() => worker.stop({ timeoutMs: 500 }))
    await worker.start()
    await expectSuperseding(running, one)
  })

  it('begin to supersede for a worker whose queue is on another Redis: it connects to Lull’s own then', async () => {
    const running = await system()
    const { redis, prefix } = running.options
    const queueServer = await privateRedis()
    closing.push(() => queueServer.stop())
    const queue = uniquePrefix()
    const processor = new Processor({ ...running.options, handover: bullmq({ queue, redis: queueServer.url }) })
    closing.push(() => processor.stop({ timeoutMs: 500 }))
    await processor.start()
    const worker = await lull(['worker'], {
      REDIS_URL: redis,
      LULL_PREFIX: prefix,
      LULL_QUEUE: queue,
      LULL_QUEUE_REDIS_URL: queueServer.url,
      LULL_WORKER_HANDLER: fileURLToPath(new URL('../support/committing-handler.mjs', import.meta.url)),
      WORK_MS: '150',
    })
    closing.push(() => worker.kill())
    await worker.line(/worker takes batches/)
    const connections = async () =>
      String(await running.client.client('LIST'))
        .split('\n')
        .filter(line => line.includes(' name=lull.worker.') && line.includes(`.${worker.pid} `)).length
    const sent = () =>
      worker.stdout.filter(line => line.startsWith('SENT ')).map(line => JSON.parse(line.slice(5)).text)
    await running.say(CHAT, 'before')
    await until(() => sent().length === 1, { what: 'the answer before the change' })
    expect(await connections()).to.equal(0)
    await running.editor.settings.set('shop', SUPERSEDE)
    await until(() => running.batcher.store.rulesInUse.supersede, { timeoutMs: SOON_MS, what: 'the change' })
    await running.say(CHAT, 'one')
    await worker.line(/BEGUN .*"one"/)
    await running.say(CHAT, 'two')
    await until(() => sent().length === 2, { what: 'one answer to both' })
    expect(sent()).to.deep.equal(['before', 'one\ntwo'])
    expect(await connections()).to.be.greaterThan(0)
  })

  it('are taken over by all processes within a second', async () => {
    const { editor, dueInMs, options } = await system()
    const processor = new Processor({ ...options, handle: () => {} })
    closing.push(() => processor.stop({ timeoutMs: 500 }))
    await processor.start()
    expect(await dueInMs('clinic')).to.equal(400)
    await editor.settings.set('clinic', { quietGapMs: 60_000, maxWaitMs: 120_000 })
    await until(async () => (await dueInMs('clinic')) === 60_000, { timeoutMs: SOON_MS, what: 'the new quiet gap' })
    await until(() => processor.store.rulesInUse.longestWaitMs === 120_000, {
      timeoutMs: SOON_MS,
      what: 'the processor to expect the new max wait',
    })
    await editor.settings.unset('clinic')
    await until(async () => (await dueInMs('clinic')) === 400, {
      timeoutMs: SOON_MS,
      what: 'the old one',
    })
  })

  it('are read again after their subscription was lost', async () => {
    const { options, client, editor, subscribers, dueInMs } = await system()
    const processor = new Processor({ ...options, handle: () => {} })
    closing.push(() => processor.stop({ timeoutMs: 500 }))
    await processor.start()
    let isMissed = false
    // A subscription that is back before the change has missed nothing: then another change is tried.
    for (let attempt = 1; attempt <= ATTEMPTS && !isMissed; attempt += 1) {
      await until(async () => (await subscribers()) >= 3, { what: 'the subscriptions' })
      const maxWaitMs = 100_000 + attempt
      await client.client('KILL', 'TYPE', 'PUBSUB')
      await editor.settings.set('clinic', { quietGapMs: 60_000 + attempt, maxWaitMs })
      isMissed = (await subscribers()) === 0
      await until(async () => (await dueInMs('clinic')) === 60_000 + attempt, { what: 'the change' })
      await until(() => processor.store.rulesInUse.longestWaitMs === maxWaitMs, { what: 'the change in the processor' })
    }
    expect(isMissed).to.equal(true)
  })

  it('cost an open conversation by the rules of all not one command', async () => {
    const { options, batcher, editor, dueInMs } = await system()
    await editor.settings.set('clinic', { quietGapMs: 700 })
    await until(async () => (await dueInMs('clinic')) === 700, { what: 'the quiet gap of another account' })
    await batcher.append(CHAT, { messageId: 'm1' })
    const watch = await monitor(options.redis)
    await batcher.append(CHAT, { messageId: 'm2' })
    await watch.stop()
    const ours = watch.lines.filter(line => line.includes(`"${options.prefix}`))
    // The script, and what it was before there were stored settings.
    expect(ours.filter(line => !line.startsWith('[0 lua]')).map(line => / "(\w+)"/.exec(line)?.[1])).to.deep.equal([
      'evalsha',
    ])
    expect(ours.filter(line => line.startsWith('[0 lua]'))).to.have.length(APPEND_COMMANDS)
  })

  it('cost each start two reads and a subscription, and an append nothing, if there are none', async () => {
    const options = { redis: await testRedis(), prefix: uniquePrefix(), ...RULES }
    const watch = await monitor(options.redis)
    const batcher = new Batcher(options)
    const processor = new Processor({ ...options, handle: () => {} })
    closing.push(
      () => batcher.close(),
      () => processor.stop({ timeoutMs: 500 }),
    )
    await processor.start()
    await batcher.append(CHAT, { messageId: 'm1' })
    await batcher.append(CHAT, { messageId: 'm2' })
    await until(async () => (await batcher.conversation(CHAT)).waiting === 0, { what: 'the claim' })
    await watch.stop()
    const counted: Record<string, number> = {}
    for (const line of watch.lines.filter(each => each.includes(`"${options.prefix}.settings`))) {
      const command = /\] "(\w+)"/.exec(line)?.[1]?.toLowerCase() ?? ''
      counted[command] = (counted[command] ?? 0) + 1
    }
    // Of two processes: at the start, and when the subscription is in place.
    expect(counted).to.deep.equal({ get: 4, hgetall: 4, subscribe: 2 })
  })
})

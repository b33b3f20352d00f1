/**
 * Guarantee **a person takes over**: nothing of a paused conversation is handed over until its pause ends, and the bot comes
 * back on time, without anybody's doing.
 */
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import { type Pipeline, pipeline } from '../support/pipeline.js'
import { build, type LullProcess, lull } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = 'shop/79990000011@c.us'
const LONG_MS = 3_600_000

describe('a pause', function () {
  this.timeout(60_000)
  let system: Pipeline
  afterEach(() => system.stop())

  const texts = () => system.batches.map(({ text }) => text)
  const message = (messageId: string) => ({ messageId, text: messageId })

  it('ends on time, and what it has collected is handed over as one batch', async () => {
    system = await pipeline({ rules: { quietGapMs: 100 } })
    const { batcher } = system
    await batcher.append(CHAT, message('m1'))
    const { untilMs } = await batcher.pause(CHAT, 1000, { keep: 'collect' })
    await batcher.append(CHAT, message('m2'))
    await batcher.append(CHAT, message('m3'), { direct: true })
    const [batch] = await system.received(1)
    expect(batch?.text).to.equal('m1\nm2\nm3')
    expect(Number(batch?.releasedAtMs) - untilMs).to.be.within(0, 500)
  })

  it('drops what comes, to one conversation alone, until it is resumed', async () => {
    system = await pipeline({ rules: { quietGapMs: 100 } })
    const { batcher } = system
    await batcher.pause(CHAT, LONG_MS)
    await batcher.append(CHAT, message('m1'))
    await batcher.append('shop/other@c.us', message('m2'))
    await system.received(1)
    await batcher.resume(CHAT)
    await batcher.append(CHAT, message('m3'))
    await system.received(2)
    expect(texts()).to.deep.equal(['m2', 'm3'])
  })

  it('lets an answer that is under way go on', async () => {
    let finish = () => {}
    const finished = new Promise<void>(resolve => {
      finish = resolve
    })
    system = await pipeline({ rules: { quietGapMs: 100 }, handle: () => finished })
    const { batcher } = system
    await batcher.append(CHAT, message('m1'))
    await until(async () => (await batcher.conversation(CHAT)).heldBy?.state === 'answering')
    await batcher.pause(CHAT, LONG_MS)
    finish()
    await until(async () => (await batcher.history({ conversationId: CHAT, limit: 1 }))[0]?.step === 'answered')
    expect(await batcher.paused()).to.have.length(1)
  })

  it('that collects is released by a flush, and goes on', async () => {
    system = await pipeline({ rules: { quietGapMs: 100 } })
    const { batcher } = system
    await batcher.pause(CHAT, LONG_MS, { keep: 'collect' })
    await batcher.append(CHAT, message('m1'))
    await batcher.flush(CHAT)
    expect((await system.received(1))[0]?.releasedBy).to.equal('flush')
    expect(await batcher.append(CHAT, message('m2'))).to.include({ paused: 1 })
  })
})

describe('lull pause and lull resume', function () {
  this.timeout(60_000)
  let env: Record<string, string>
  let batcher: Batcher
  const running: LullProcess[] = []

  before(() => build())

  beforeEach(async () => {
    const redis = await testRedis()
    const prefix = uniquePrefix()
    env = { REDIS_URL: redis, LULL_PREFIX: prefix, LULL_QUIET_GAP_MS: '50000' }
    batcher = new Batcher({ redis, prefix, quietGapMs: 50_000 })
  })

  afterEach(async () => {
    for (const command of running.splice(0)) await command.kill()
    await batcher.close()
  })

  const run = async (...args: string[]) => {
    const command = await lull(args, env)
    running.push(command)
    const { code } = await command.exit
    return { code, stdout: command.stdout, stderr: command.stderr }
  }
  const pausedNow = async () => (await batcher.conversation(CHAT)).paused
  const TIME = String.raw`(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d`

  it('pause and resume a conversation, with one line about it', async () => {
    await batcher.append(CHAT, { messageId: 'm1' })
    const paused = await run('pause', CHAT, '--for', '1h30m')
    expect(paused).to.deep.include({ code: 0, stderr: [] })
    expect(paused.stdout).to.have.length(1)
    expect(paused.stdout[0]).to.match(
      new RegExp(`^paused ${CHAT} for 1 h 30 min, until ${TIME}: dropped 1 message; what comes is dropped, too$`),
    )
    expect((await pausedNow())?.inMs).to.be.within(5_300_000, 5_400_000)
    const again = await run('pause', CHAT, '--keep', 'collect')
    expect(again.stdout[0]).to.match(/ for 30 min, until .*: what waits and what comes is handed over then$/)
    await batcher.append(CHAT, { messageId: 'm2' })
    const resumed = await run('resume', CHAT)
    expect(resumed.stdout[0]).to.match(new RegExp(`^resumed ${CHAT}: 1 message waits, due in \\d+\\.\\d s$`))
    expect(await pausedNow()).to.equal(undefined)
  })

  it('pause says that the answer under way still goes out', async () => {
    await batcher.append(CHAT, { messageId: 'm1' }, { direct: true })
    const { batches } = await batcher.store.claim({ owner: 'test', maxBatches: 1, maxBytes: 1e6 })
    const { stdout } = await run('pause', CHAT)
    expect(stdout[0]).to.match(
      new RegExp(`: what comes is dropped; batch ${batches[0]?.batchId} is under way: its answer still goes out$`),
    )
  })

  it('pause lists the paused conversations, the first to go on first', async () => {
    expect(await run('pause')).to.deep.equal({ code: 0, stdout: ['no conversation is paused'], stderr: [] })
    await batcher.pause(CHAT, 7_200_000)
    const { untilMs } = await batcher.pause('other', 60_000)
    const { stdout } = await run('pause')
    expect(stdout).to.have.length(2)
    expect(stdout[0]).to.match(new RegExp(`^${'other'.padEnd(CHAT.length)}  until ${TIME}, in [\\d.]+ s$`))
    expect(stdout[1]).to.match(new RegExp(`^${CHAT}  until ${TIME}, in (?:2 h|1 h \\d+ min)$`))
    const json = (await run('pause', '--json')).stdout.map(line => JSON.parse(line))
    expect(json.map(({ conversationId }) => conversationId)).to.deep.equal(['other', CHAT])
    expect(json[0]).to.include({ untilMs })
  })

  it('resume fails for a conversation that is not paused, and guesses at the one that was meant', async () => {
    const failed = (line: string) => ({ code: 1, stdout: [], stderr: [line] })
    expect(await run('resume', CHAT)).to.deep.equal(
      failed(`lull: ${CHAT} is not paused: lull pause lists the conversations that are`),
    )
    await batcher.pause(CHAT, 60_000)
    expect(await run('resume', '79990000011')).to.deep.equal(
      failed(`lull: 79990000011 is not paused: did you mean ${CHAT}?`),
    )
  })

  it('pause refuses a time that is none', async () => {
    for (const time of ['2', 'soon', '0s', '1.5h', '31d']) {
      const { code, stderr } = await run('pause', CHAT, '--for', time)
      expect([code, stderr[0]], time).to.deep.equal([
        2,
        `error: option '--for <time>' argument '${time}' is invalid. Give a time from 1s to 30d, such as 45s, 30m, 2h, 1h30m or 2d.`,
      ])
    }
    expect((await run('pause', '--for', '2h')).code).to.equal(2)
    expect(await pausedNow()).to.equal(undefined)
  })
})

/**
 * Guarantee **dead batches**: a batch whose handover failed for good is kept, listed, and handed over again on request,
 * in front of what came later.
 */
import { createServer, type Server } from 'node:http'
import { expect } from 'chai'
import { z } from 'zod'
import { Batcher } from '../../src/batcher.js'
import { type LullProcess, lull } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const SICK = 'sick@c.us'
const WELL = 'well@c.us'

describe('dead batches', function () {
  this.timeout(60_000)
  let env: Record<string, string>
  let batcher: Batcher
  let running: LullProcess[]
  /** Refuses what comes for SICK while it is; `received` is what it took. */
  let receiver: { server: Server; isSick: boolean; received: string[] }

  beforeEach(async () => {
    const redis = await testRedis()
    const prefix = uniquePrefix()
    running = []
    receiver = { server: createServer(), isSick: true, received: [] }
    receiver.server.on('request', async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(Buffer.from(chunk))
      const batch = z
        .object({ conversationId: z.string(), text: z.string() })
        .parse(JSON.parse(String(Buffer.concat(chunks))))
      const isRefused = receiver.isSick && batch.conversationId === SICK
      if (!isRefused) receiver.received.push(`${batch.conversationId} ${batch.text}`)
      response.statusCode = isRefused ? 500 : 200
      response.end(isRefused ? `no \u001b[2J today: ${batch.text}` : '')
    })
    await new Promise<void>(resolve => receiver.server.listen(0, '127.0.0.1', resolve))
    const { port } = z.object({ port: z.number() }).parse(receiver.server.address())
    env = {
      REDIS_URL: redis,
      LULL_PREFIX: prefix,
      LULL_QUIET_GAP_MS: '50',
      LULL_MAX_ATTEMPTS: '1',
      LULL_HANDOVER: 'http',
      LULL_HANDOVER_URL: `http://127.0.0.1:${port}/batches?token=hush`,
    }
    batcher = new Batcher({ redis, prefix, quietGapMs: 50 })
  })

  afterEach(async () => {
    for (const command of running) await command.kill()
    await batcher.close()
    receiver.server.closeAllConnections()
    await new Promise(resolve => receiver.server.close(resolve))
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

  /** Dies of its only attempt. */
  const die = async (text: string) => {
    const { length } = await batcher.dead()
    await batcher.append(SICK, { messageId: text, text })
    await until(async () => (await batcher.dead()).length > length, { what: `${text} to die` })
  }

  it('are listed by `lull dead` with id, time, attempts, messages, conversation and the receiver’s error', async () => {
    expect(await ended('dead')).to.deep.equal({ code: 0, stdout: ['no dead batches'], stderr: [] })
    expect(await ended('dead', '--json')).to.deep.equal({ code: 0, stdout: [], stderr: [] })
    const processor = await start('processor')
    await processor.line(/processor started/)
    await die('1')
    await die('2')
    const [second, first] = await batcher.dead()
    const { code, stdout } = await ended('dead')
    expect(code).to.equal(0)
    expect(stdout).to.have.length(3)
    const at = new Date(first!.diedAtMs).toISOString()
    expect(stdout[0]).to.match(
      new RegExp(`^${first?.batchId}  ${at}  1 attempt  1 message  ${SICK}  http://127\\S+ answered 500$`),
    )
    expect(stdout[1]).to.match(new RegExp(`^${second?.batchId}  `))
    expect(stdout[2]).to.equal('2 dead batches: lull dead redrive|discard <batchId|--all>')
    // Neither the receiver nor its address may speak to the terminal, or tell a secret.
    expect(stdout.join())
      .not.to.match(/\p{Cc}/u)
      .and.not.to.include('hush')
    const json = (await ended('dead', '--json')).stdout.map(line => JSON.parse(line))
    expect(json).to.deep.equal([first, second])
  })

  it('keep their id when they are redriven, and go before later messages', async () => {
    const processor = await start('processor')
    await processor.line(/processor started/)
    await die('1')
    const [one] = await batcher.dead()
    await processor.stop()
    await batcher.append(SICK, { messageId: '2', text: '2' })
    receiver.isSick = false
    expect(await ended('dead', 'redrive', one!.batchId)).to.deep.equal({
      code: 0,
      stdout: [`batch ${one?.batchId} of ${SICK} is handed over again`],
      stderr: [],
    })
    await start('processor')
    await until(() => receiver.received.length === 2, { what: 'both' })
    expect(receiver.received).to.deep.equal([`${SICK} 1`, `${SICK} 2`])
    expect(await batcher.dead()).to.deep.equal([])
  })

  it('redriven together go in the order in which they died, beside running processors, and hold up no other batch', async () => {
    const processor = await start('processor')
    await processor.line(/processor started/)
    for (let n = 1; n <= 5; n++) await die(String(n))
    await batcher.append(WELL, { messageId: '1', text: 'hi' })
    await until(() => receiver.received.length === 1, { what: 'the well one' })
    expect(receiver.received).to.deep.equal([`${WELL} hi`])
    receiver.isSick = false
    const redriving = ended('dead', 'redrive', '--all')
    await batcher.append(SICK, { messageId: '6', text: '6' })
    expect(await redriving).to.deep.equal({ code: 0, stdout: ['5 dead batches handed over again'], stderr: [] })
    await until(() => receiver.received.length === 7, { what: () => `seven (${receiver.received})` })
    const sick = receiver.received.slice(1).map(line => Number(line.split(' ')[1]))
    expect(sick.filter(n => n < 6)).to.deep.equal([1, 2, 3, 4, 5])
    expect(sick.toSorted()).to.deep.equal([1, 2, 3, 4, 5, 6])
    expect(await ended('dead', 'redrive', '--all')).to.deep.equal({ code: 0, stdout: ['no dead batches'], stderr: [] })
  })

  it('that fail again are dead again, with the new error', async () => {
    const processor = await start('processor')
    await processor.line(/processor started/)
    await die('1')
    const [one] = await batcher.dead()
    await ended('dead', 'redrive', one!.batchId)
    const again = await until(async () => (await batcher.dead()).find(({ diedAtMs }) => diedAtMs > one!.diedAtMs), {
      what: 'it to die again',
    })
    expect(again).to.include({ batchId: one?.batchId, attempts: 1 })
    receiver.isSick = false
    await ended('dead', 'redrive', one!.batchId)
    await until(() => receiver.received.length === 1, { what: 'it to be taken' })
  })

  it('are erased by `lull dead discard`, one or all, and never handed over afterwards', async () => {
    const processor = await start('processor')
    await processor.line(/processor started/)
    for (const text of ['1', '2', '3']) await die(text)
    const [, , oldest] = await batcher.dead()
    expect(await ended('dead', 'discard', oldest!.batchId)).to.deep.equal({
      code: 0,
      stdout: [`batch ${oldest?.batchId} is discarded`],
      stderr: [],
    })
    expect((await batcher.dead()).map(({ batch }) => batch.text)).to.deep.equal(['3', '2'])
    expect(await ended('dead', 'discard', '--all')).to.deep.equal({
      code: 0,
      stdout: ['2 dead batches discarded'],
      stderr: [],
    })
    expect(await ended('dead', 'discard', '--all')).to.deep.equal({ code: 0, stdout: ['no dead batches'], stderr: [] })
    receiver.isSick = false
    await batcher.append(SICK, { messageId: '4', text: '4' })
    await until(() => receiver.received.length > 0, { what: 'the next message' })
    expect(receiver.received).to.deep.equal([`${SICK} 4`])
    const trace = await ended('trace', SICK)
    expect(trace.stdout.join('\n')).to.match(/discarded.*1 message/)
  })

  it('make redrive and discard exit 1 for an unknown id, and 2 without an id and --all or with both', async () => {
    expect(await ended('dead', 'redrive', 'gone')).to.deep.equal({
      code: 1,
      stdout: [],
      stderr: ['lull: no dead batch has the id gone: lull dead lists them'],
    })
    for (const args of [[], ['gone', '--all'], ['a', 'b']]) {
      const { code, stdout, stderr } = await ended('dead', 'redrive', ...args)
      expect({ args, code, stdout }).to.deep.equal({ args, code: 2, stdout: [] })
      expect(stderr[0]).to.match(/^error: /)
    }
    expect(await ended('dead', 'discard', 'gone')).to.deep.equal({
      code: 1,
      stdout: [],
      stderr: ['lull: no dead batch has the id gone: lull dead lists them'],
    })
    for (const args of [[], ['gone', '--all'], ['a', 'b']])
      expect((await ended('dead', 'discard', ...args)).code, args.join()).to.equal(2)
    const { code, stderr } = await ended('dead', 'redrvie')
    expect(code).to.equal(2)
    expect(stderr.join('\n')).to.include("unknown command 'redrvie' (Did you mean redrive?)")
    expect((await ended('dead', '--help')).stdout[0]).to.match(/^Usage: lull dead/)
  })
})

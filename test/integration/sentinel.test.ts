/**
 * Guarantee **Sentinel**: when the primary dies, is frozen or is replaced as planned, API, processor and worker go on
 * with the next primary by themselves. What the next primary has is handed over, once. A planned switch behind a pause
 * of writes, as docs/operations.md has it, loses nothing. Every command runs on the address of Sentinels.
 */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { addressOf, connect, createClient, disconnect } from '../../src/store/redis/connection.js'
import { noCluster } from '../support/cluster.js'
import { type Parts, parts } from '../support/parts.js'
import { type LullProcess, lull } from '../support/processes.js'
import { uniquePrefix } from '../support/redis.js'
import { startSentinels, type TestSentinels } from '../support/sentinel.js'
import type { TestNode } from '../support/test-node.js'
import { until } from '../support/wait.js'

const CHAT = 'a@c.us'
const POST_EVERY_MS = 20
const SHORT_MS = 50
/** Nothing is claimed yet when the primary is lost: the loss of a claim or of an answer's end costs up to 30 s. */
const OPEN_MS = 3000

const missing = await noCluster()

describe(`Sentinel${missing ? ` (${missing})` : ''}`, function () {
  this.timeout(90_000)
  let trio: TestSentinels
  let running: Parts | undefined

  before(async function () {
    if (missing) this.skip()
    trio = await startSentinels({ downAfterMs: 1500 })
  })
  after(() => trio?.stop())

  beforeEach(() => trio.settled())
  afterEach(async () => {
    await running?.stop()
    running = undefined
    for (const node of trio.nodes) {
      if (node.state === 'killed') await trio.restart(node)
      if (node.state === 'frozen') await trio.thaw(node)
    }
  })

  describe('a new primary', () => {
    let now: Parts
    let posted: number
    let accepted: string[]
    let posting: { stop(): Promise<void> } | undefined

    const begin = async (quietGapMs: number) => {
      now = await parts(trio.url, { quietGapMs })
      running = now
      posted = 0
      accepted = []
    }
    afterEach(() => posting?.stop())

    const postOne = async () => {
      const id = `m${posted++}`
      const { status } = await now.post(`${posted % 5}@c.us`, id)
      if (status === 200) accepted.push(id)
      else expect(status).to.equal(503)
      return status
    }

    /** Posts message after message until it is stopped. */
    const keepPosting = () => {
      let stopped = false
      const loop = (async () => {
        while (!stopped) {
          await postOne()
          await new Promise(resolve => setTimeout(resolve, POST_EVERY_MS))
        }
      })()
      posting = {
        stop: async () => {
          stopped = true
          await loop
        },
      }
    }

    const acceptsAgain = () => until(async () => (await postOne()) === 200, { what: 'a webhook to be answered 200' })

    /** All that was accepted comes out, each message once. */
    const comesOutOnce = async (ids: string[]) => {
      await now.had(...ids)
      const counts = now.counts()
      expect(ids.filter(id => counts[id] !== 1)).to.deep.equal([])
    }

    const saysOnce = (log: string[]) => {
      const said = log.filter(line => /Redis at .* is (away|back)/.test(line))
      expect(said, said.join('\n')).to.have.length(2)
      return said
    }

    it('after a kill takes what was accepted and replicated, and what comes then', async () => {
      await begin(OPEN_MS)
      const old = await trio.primary()
      for (let i = 0; i < 20; i++) await postOne()
      await replicated(trio)
      await trio.kill(old)
      await until(async () => (await postOne()) === 503, { what: 'a webhook to be answered 503' })
      const next = await trio.takenOver(old)
      await acceptsAgain()
      await comesOutOnce(accepted)
      await until(() => now.logs.processor.some(line => /is back after/.test(line)), { what: 'the end of the outage' })
      const [, back] = saysOnce(now.logs.processor)
      expect(back).to.include(`redis+sentinel://mymaster (127.0.0.1:${next.port})`)
    })

    it('as planned, behind a pause of writes, loses nothing', async () => {
      await begin(SHORT_MS)
      keepPosting()
      await until(() => accepted.length > 20, { what: 'messages' })
      await trio.pausedFailover()
      const before = accepted.length
      await until(() => accepted.length > before + 20, { what: 'messages after the switch' })
      await posting?.stop()
      await comesOutOnce(accepted)
    })

    it('as planned, without a pause, takes all that is accepted once it has taken over', async () => {
      await begin(SHORT_MS)
      for (let i = 0; i < 20; i++) await postOne()
      await comesOutOnce(accepted)
      // An end of an answer that the switch loses holds its conversation until the next check, 30 s later.
      await until(async () => (await now.batcher.store.totals()).held === 0, { what: 'the answers' })
      await replicated(trio)
      await trio.failover()
      await acceptsAgain()
      for (let i = 0; i < 20; i++) await postOne()
      await comesOutOnce(accepted)
    })

    it('after a freeze takes over, and nobody stays connected to the old one', async () => {
      await begin(OPEN_MS)
      const old = await trio.primary()
      for (let i = 0; i < 20; i++) await postOne()
      await replicated(trio)
      await trio.freeze(old)
      await until(async () => (await postOne()) === 503, { what: 'a webhook to be answered 503' })
      await trio.takenOver(old)
      await acceptsAgain()
      await comesOutOnce(accepted)
      await trio.thaw(old)
      await trio.settled()
      await until(async () => (await connectedTo(old)) === 0, { what: 'the old primary to be left' })
      await acceptsAgain()
      await comesOutOnce(accepted)
    })
  })

  it('an idle connection leaves a primary that cannot even close it', async () => {
    const client = createClient(trio.url, 'lull.test.idle')
    client.on('error', () => {}) // It reconnects.
    try {
      await connect(client)
      const old = await trio.primary()
      await trio.freeze(old)
      const next = await trio.takenOver(old)
      await until(() => addressOf(client) === `redis+sentinel://mymaster (127.0.0.1:${next.port})`, {
        what: 'the connection to the next primary',
      })
    } finally {
      await disconnect(client)
    }
  })

  describe('commands', () => {
    let env: Record<string, string>
    let up: LullProcess | undefined

    beforeEach(() => {
      const prefix = uniquePrefix()
      const own = { LULL_PREFIX: prefix, LULL_QUEUE: `queue-${prefix}`, LULL_QUIET_GAP_MS: '100', PORT: '0' }
      env = { REDIS_URL: trio.url, LULL_API_TOKEN: 'test-token', ...own }
    })
    afterEach(() => up?.stop())

    const ended = async (args: string[], more: Record<string, string> = {}) => {
      const command = await lull(args, { ...env, ...more })
      const { code } = await command.exit
      return { code, output: [...command.stdout, ...command.stderr].join('\n') }
    }

    const post = async (messageId: string) => {
      const url = /http:\/\/[\d.]+:\d+/.exec((await up?.line(/api listens on/)) ?? '')?.[0]
      const response = await fetch(`${url}/webhook/whatsapp/batched/generic`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ chatId: CHAT, messageId, text: messageId }),
      })
      expect(response.status).to.equal(200)
    }

    it('run on the address of the Sentinels', async function () {
      this.timeout(300_000)
      const primary = `redis+sentinel://mymaster (127.0.0.1:${(await trio.primary()).port})`
      up = await lull(['up'], env)
      expect(await up.line(/api started on/)).to.include(primary)
      const watch = await lull(['watch'], env)
      expect(await watch.line(/^watching /)).to.include(primary)
      await post('m1')
      await up.line(/the handler is done/)
      const doctor = await ended(['doctor'])
      expect(doctor.output).to.include(`Redis at ${primary}`)
      expect(doctor).to.include({ code: 0 })
      expect((await ended(['trace', CHAT])).output).to.match(/answered +completed/)
      await watch.line(/answered .*completed/)
      await watch.stop('SIGINT')
      const works = async (...args: string[]) => {
        const { code, output } = await ended(args)
        expect(code, `${args.join(' ')}: ${output}`).to.equal(0)
      }
      await works('settings', 'set', CHAT, 'quietGapMs=60000')
      await works('settings', CHAT)
      await post('m2')
      await works('flush', CHAT)
      await post('m3')
      await works('drop', CHAT)
      await works('pause', CHAT)
      await works('resume', CHAT)
      await works('dead')
      await works('forget', CHAT)
    })

    const REFUSED: [what: string, env: () => Record<string, string>, says: RegExp][] = [
      [
        'a service that the Sentinels do not watch',
        () => ({ REDIS_URL: trio.url.replace('mymaster', 'other') }),
        /redis\+sentinel:\/\/other .* watch no service of this name: check name= in REDIS_URL/,
      ],
      [
        'Sentinels that are away',
        () => ({ REDIS_URL: 'redis+sentinel://127.0.0.1:1?name=mymaster' }),
        /redis\+sentinel:\/\/mymaster .* none of its Sentinels answers/,
      ],
    ]
    for (const [what, given, says] of REFUSED)
      it(`end with one line for ${what}`, async () => {
        const { code, output } = await ended(['flush', CHAT], given())
        expect(output, output).to.match(says)
        expect(output.split('\n')).to.have.length(1)
        expect(code).to.equal(1)
      })
  })
})

/** Resolves when the replicas have all that the primary has written. */
async function replicated(trio: TestSentinels): Promise<void> {
  const primary = await trio.primary()
  const client = new Redis(primary.url)
  try {
    // WAIT goes by what its own connection has written.
    await client.publish('replicated', '')
    const replicas = (await trio.replicas()).length
    await until(async () => (await client.wait(replicas, 1000)) === replicas, { what: 'the replicas' })
  } finally {
    client.disconnect()
  }
}

/** Connections of Lull that a server has. */
async function connectedTo(node: TestNode): Promise<number> {
  const list = String(await node.ask('CLIENT', 'LIST'))
  return list.split('\n').filter(line => line.includes(' name=lull.')).length
}

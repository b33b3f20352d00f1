/**
 * Guarantee **frameworks**: the programs of docs/recipes/ that mount a webhook in a web framework make one batch of what a
 * person wrote, refuse what is not signed, and lose nothing when they are stopped.
 */
import { expect } from 'chai'
import { META, metaConversation, metaHandshake, metaWebhook } from '../support/meta-webhook.js'
import { type Compiled, compileNest } from '../support/nest-example.js'
import { example, freePort, type LullProcess, nodeProgram } from '../support/processes.js'
import { testRedis } from '../support/redis.js'
import { until } from '../support/wait.js'

type Environment = Record<string, string>

const COMPILE_TIMEOUT_MS = 180_000

describe('frameworks', function () {
  this.timeout(60_000)
  let nest: Compiled
  let running: LullProcess[]

  before(async function () {
    this.timeout(COMPILE_TIMEOUT_MS)
    nest = await compileNest()
  })
  after(() => nest?.remove())

  beforeEach(() => {
    running = []
  })
  afterEach(async () => {
    for (const program of running.reverse()) await program.stop()
  })

  const PROGRAMS: Record<string, (env: Environment) => Promise<LullProcess>> = {
    Express: env => example('express.mjs', env),
    Fastify: env => example('fastify.mjs', env),
    Hono: env => example('hono.mjs', env),
    Koa: env => example('koa.mjs', env),
    NestJS: env => nodeProgram(nest.program, env),
  }

  for (const [name, run] of Object.entries(PROGRAMS)) {
    const start = async () => {
      const port = await freePort()
      const program = await run({
        REDIS_URL: await testRedis(),
        PORT: String(port),
        WHATSAPP_APP_SECRET: META.appSecret,
        WHATSAPP_VERIFY_TOKEN: META.verifyToken,
      })
      running.push(program)
      await program.line(/^listening/)
      return { program, url: `http://127.0.0.1:${port}` }
    }
    const linesOf = (from: string) =>
      running.flatMap(({ stdout }) => stdout.filter(line => line.startsWith(`${metaConversation(from)}: `)))

    it(`${name}: two signed webhooks become one batch, and what is not signed is refused`, async () => {
      const { url } = await start()
      const from = '79000000021'
      const post = async (text: string, secret?: string) => {
        const { status } = await fetch(`${url}/webhook`, metaWebhook({ from, text, ...(secret && { secret }) }))
        return status
      }
      expect(await (await fetch(`${url}/webhook${metaHandshake('42')}`)).text()).to.equal('42')
      expect(await post('forged', 'another secret')).to.equal(401)
      expect(await post('Привет 👋')).to.equal(200)
      expect(await post('a/b?')).to.equal(200)
      await until(() => linesOf(from).length > 0, { what: 'the batch' })
      expect(linesOf(from)).to.deep.equal([`${metaConversation(from)}: Привет 👋 · a/b?`])
    })

    it(`${name}: what waits when the program is stopped comes after the next start, once`, async () => {
      const from = '79000000022'
      const first = await start()
      expect((await fetch(`${first.url}/webhook`, metaWebhook({ from, text: 'kept' }))).status).to.equal(200)
      const { code, signal } = await first.program.stop()
      // Nest ends itself with the signal that it got, when everything is closed.
      expect(signal ?? code).to.equal(name === 'NestJS' ? 'SIGTERM' : 0)
      const second = await start()
      await until(() => linesOf(from).length > 0, { what: 'the batch' })
      await second.program.stop()
      expect(linesOf(from)).to.deep.equal([`${metaConversation(from)}: kept`])
    })
  }

  it('a program without its secret ends, and names it', async () => {
    const program = await example('express.mjs', { REDIS_URL: await testRedis() })
    running.push(program)
    expect((await program.exit).code).to.equal(1)
    expect(program.stderr.join('\n')).to.match(/meta\.appSecret/i)
  })
})

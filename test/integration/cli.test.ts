/**
 * The commands as users run them: exit codes, one line for each error, and a stop that is clean, bounded, and loses
 * nothing.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { answersAtTheUsualPlace } from '../support/no-private-redis.js'
import { build, type LullProcess, lull, runCommand, supportScript } from '../support/processes.js'
import { freePort, privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { findRedisBinary, isNewEnough } from '../support/redis-servers.js'
import { until } from '../support/wait.js'

const TOKEN = 'test-token'
const CHAT = '79000000001@c.us'
/** Longer than a clean stop takes, and shorter than the bound of a stop. */
const PROMPTLY_MS = 15_000

const COMMANDS = [
  'up',
  'api',
  'processor',
  'worker',
  'doctor',
  'watch',
  'trace',
  'flush',
  'drop',
  'forget',
  'pause',
  'resume',
  'dead',
  'token',
]

const HANDLER_THAT_HANGS = 'export default () => new Promise(() => setInterval(() => {}, 1000))\n'

/** The exit code and the output of a command that ends by itself. */
async function ended(command: LullProcess) {
  const { code } = await command.exit
  return { code, stdout: command.stdout, stderr: command.stderr }
}

async function post(url: string, messageId: string, text = 'hi', chatId = CHAT) {
  const response = await fetch(`${url}/webhook/whatsapp/batched/generic`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ chatId, messageId, text }),
  })
  expect(response.status).to.equal(200)
}

/** The address on which an API listens, from its log. */
async function urlOf(api: LullProcess): Promise<string> {
  const line = await api.line(/api listens on/)
  return /http:\/\/[\d.]+:\d+/.exec(line)?.[0] ?? ''
}

const conversationAt = async (url: string, chatId = CHAT) => {
  const response = await fetch(`${url}/conversations/${encodeURIComponent(chatId)}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  })
  return String(await response.text())
}

describe('cli', function () {
  this.timeout(60_000)
  let env: Record<string, string | undefined>
  let directory: string
  let running: LullProcess[]

  before(() => build())

  beforeEach(async () => {
    const prefix = uniquePrefix()
    directory = mkdtempSync(join(tmpdir(), 'lull-cli-'))
    running = []
    env = {
      REDIS_URL: await testRedis(),
      LULL_PREFIX: prefix,
      LULL_QUEUE: `queue-${prefix}`,
      LULL_API_TOKEN: TOKEN,
      LULL_QUIET_GAP_MS: '200',
      PORT: '0',
    }
  })

  afterEach(async () => {
    for (const command of running) await command.kill()
    rmSync(directory, { recursive: true, force: true })
  })

  const start = async (args: string[], more: Record<string, string | undefined> = {}, cwd?: string) => {
    const command = await lull(args, { ...env, ...more }, cwd === undefined ? {} : { cwd })
    running.push(command)
    return command
  }

  const handlerFile = (source: string) => {
    const file = join(directory, 'handler.mjs')
    writeFileSync(file, source)
    return file
  }

  describe('exit codes', () => {
    it('--help succeeds for every command, and prints to standard output', async () => {
      for (const args of [['--help'], ...COMMANDS.map(command => [command, '--help'])]) {
        const { code, stdout, stderr } = await ended(await start(args))
        expect({ args, code, stderr }).to.deep.equal({ args, code: 0, stderr: [] })
        expect(stdout[0]).to.match(/^Usage: lull/)
      }
    })

    it('--version prints the version of the package', async () => {
      const { code, stdout } = await ended(await start(['--version']))
      expect(code).to.equal(0)
      expect(stdout).to.deep.equal([JSON.parse(readFileSync('package.json', 'utf8')).version])
    })

    it('a usage error exits with 2', async () => {
      for (const args of [[], ['upp'], ['up', '--prot', '1'], ['flush'], ['drop', 'a', 'b'], ['up', '--port']]) {
        const { code, stdout, stderr } = await ended(await start(args))
        expect({ args, code, stdout }).to.deep.equal({ args, code: 2, stdout: [] })
        expect(stderr.length).to.be.greaterThan(0)
      }
    })

    it('an invalid setting exits with 1 and one line, for every command', async () => {
      for (const args of [['up'], ['api'], ['processor'], ['worker'], ['flush', 'x'], ['drop', 'x']]) {
        const result = await ended(await start(args, { LULL_QUIET_GAP_MS: 'soon' }))
        expect(result).to.deep.equal({
          code: 1,
          stdout: [],
          stderr: ['lull: LULL_QUIET_GAP_MS=soon: must be a whole number from 10 to 3600000'],
        })
      }
    })

    it('a port in use exits with 1 and one line that names the setting', async () => {
      const url = await urlOf(await start(['api']))
      const port = new URL(url).port
      const api = await ended(await start(['api'], { PORT: port }))
      expect(api.code).to.equal(1)
      expect(api.stderr).to.have.length(1)
      expect(api.stderr[0]).to.match(new RegExp(`^lull: PORT=${port} .*taken`))
      const probes = await ended(await start(['processor'], { LULL_OPS_PORT: port }))
      expect(probes.code).to.equal(1)
      expect(probes.stderr[0]).to.match(new RegExp(`^lull: LULL_OPS_PORT=${port} .*taken`))
    })

    it('a missing handler exits with 1 and one line', async () => {
      for (const args of [['worker'], ['up'], ['up', '--embedded']]) {
        const { code, stderr } = await ended(await start(args, { LULL_WORKER_HANDLER: './none.mjs' }))
        expect(code).to.equal(1)
        expect(stderr).to.have.length(1)
        expect(stderr[0]).to.match(/^lull: handler .*none\.mjs does not exist: correct its path$/)
      }
    })

    it('an API that other machines can reach does not start if webhooks need no proof', async () => {
      const { code, stderr } = await ended(await start(['api'], { HOST: '0.0.0.0' }))
      expect(code).to.equal(1)
      expect(stderr).to.have.length(1)
      expect(stderr[0]).to.match(/^lull: HOST=0\.0\.0\.0 .*LULL_ALLOW_UNSIGNED/)
    })

    it('the command runs through a symlink, as npm installs a bin', async () => {
      const link = join(directory, 'lull')
      symlinkSync(fileURLToPath(new URL('../../dist/esm/bin.js', import.meta.url)), link)
      expect(await runCommand(process.execPath, [link, '--version'])).to.match(/^\d+\.\d+\.\d+/)
    })
  })

  describe('settings', () => {
    it('.env in the working directory adds settings and overrides none', async () => {
      writeFileSync(join(directory, '.env'), 'LULL_QUIET_GAP_MS=lost\nLULL_MAX_MESSAGES=none\n')
      const { stderr } = await ended(await start(['api'], {}, directory))
      expect(stderr).to.deep.equal(['lull: LULL_MAX_MESSAGES=none: must be a whole number from 1 to 10000'])
    })

    it('an unknown LULL_ variable is warned about, with the name that was probably meant', async () => {
      const api = await start(['api'], { LULL_QUIET_GAP: '1' })
      await api.line(/LULL_QUIET_GAP is no setting .* did you mean LULL_QUIET_GAP_MS\?/)
      await api.stop()
    })

    it('no secret and no stack is logged', async () => {
      const api = await start(['api'], { LOG_LEVEL: 'trace', WHATSAPP_APP_SECRET: 'hush-1', LULL_API_TOKEN: 'hush-2' })
      const url = await urlOf(api)
      await fetch(`${url}/conversations`, { headers: { authorization: 'Bearer hush-2' } })
      await api.stop()
      expect(api.stdout.join()).not.to.include('hush')
    })
  })

  describe('roles', () => {
    it('each logs its Redis with database, prefix and run_id, and names its connections', async () => {
      const redis = new Redis(env['REDIS_URL'] ?? '')
      try {
        const runId = /run_id:(\w+)/.exec(await redis.info('server'))?.[1]
        for (const role of ['api', 'processor', 'worker']) {
          const process = await start([role])
          const line = await process.line(new RegExp(`${role} started on`))
          const address = (env['REDIS_URL'] ?? '').replace(/\/\d*$/, '')
          expect(line).to.include(
            `${role} started on ${address}, database 0, prefix ${env['LULL_PREFIX']}, run_id ${runId}`,
          )
          const clients = String(await redis.client('LIST'))
          expect(clients).to.match(new RegExp(`name=lull\\.${role}\\.\\S+\\.${process.pid} `))
          expect(await process.stop()).to.deep.equal({ code: 0, signal: null })
        }
      } finally {
        redis.disconnect()
      }
    })

    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      it(`${signal} stops each role cleanly, with exit code 0 and no warning`, async () => {
        for (const args of [['api'], ['processor'], ['worker'], ['up'], ['up', '--embedded']]) {
          const process = await start(args)
          await process.line(args[0] === 'up' ? /Ctrl-C stops it/ : / started on /)
          const since = performance.now()
          expect(await process.stop(signal), args.join(' ')).to.deep.equal({ code: 0, signal: null })
          expect(performance.now() - since).to.be.below(PROMPTLY_MS)
          expect(process.stderr).to.deep.equal([])
          const warnings = process.stdout.filter(line => /"level":[45]0/.test(line) && !/embedded: messages/.test(line))
          expect(warnings, args.join(' ')).to.deep.equal([])
        }
      })

    it('LULL_OPS_PORT serves health for every role, without a token', async () => {
      for (const role of ['api', 'processor', 'worker', 'up']) {
        const process = await start([role], { LULL_OPS_PORT: '0' })
        const line = await process.line(/\/metrics are served on/)
        const url = /http:\/\/[\d.]+:\d+/.exec(line)?.[0]
        expect((await fetch(`${url}/livez`)).status).to.equal(200)
        await until(async () => (await fetch(`${url}/readyz`)).status === 200, { what: `${role} to be ready` })
        await process.stop()
      }
    })

    it('the log goes through process.stdout in cluster mode, where PM2 captures it', async () => {
      const process = await supportScript('like-pm2.mjs')
      running.push(process)
      expect(await process.line(/here I am/)).to.match(/^KEPT \{/)
    })

    it('a process survives an outage, and logs its begin and its end once', async () => {
      const server = await privateRedis()
      const api = await start(['api'], { REDIS_URL: server.url })
      const url = await urlOf(api)
      await server.kill()
      await api.line(/is away/)
      await until(async () => (await fetch(`${url}/readyz`)).status === 503, { what: '/readyz to say no' })
      await server.restart()
      await api.line(/is back after/)
      await until(async () => (await fetch(`${url}/readyz`)).status === 200, { what: '/readyz to say yes' })
      await api.stop()
      await server.stop()
      expect(api.stdout.filter(line => line.includes('is away'))).to.have.length(1)
      expect(api.stdout.filter(line => line.includes('is back after'))).to.have.length(1)
    })

    it('an API without a processor hands over direct messages itself, in concurrent order, and warns about it', async () => {
      const settings = { LULL_ORDER: 'concurrent' }
      const api = await start(['api'], settings)
      const worker = await start(['worker'], settings)
      await worker.line(/worker started on/)
      const response = await fetch(`${await urlOf(api)}/webhook/whatsapp/generic`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ messages: ['m1', 'm2'].map(id => ({ chatId: `${id}@c.us`, messageId: id, text: id })) }),
      })
      expect(response.status).to.equal(200)
      await worker.line(/1 message by direct: m1/)
      await worker.line(/1 message by direct: m2/)
      await api.line(/no processor is subscribed/)
      expect((await api.stop()).code).to.equal(0)
      await worker.stop()
    })

    it('an uncaught error ends the process with one line and exit code 1', async () => {
      const handler = handlerFile('export default () => { setTimeout(() => { throw new Error("boom\\nmore") }) }\n')
      const up = await start(['up', '--embedded', '--handler', handler])
      await post(await urlOf(up), 'm1')
      expect((await up.exit).code).to.equal(1)
      expect(up.stderr).to.have.length(1)
      expect(up.stderr[0]).to.match(/^lull: boom: an uncaught error ended this process/)
    })
  })

  describe('stop', () => {
    it('loses nothing under load: this run or the next one handles every batch', async () => {
      const file = join(directory, 'done')
      const handler = handlerFile(`
        import { appendFileSync } from 'node:fs'
        import { setTimeout } from 'node:timers/promises'
        export default async (batch, { signal }) => {
          await setTimeout(300, undefined, { signal })
          appendFileSync(${JSON.stringify(file)}, batch.conversationId + ' ' + batch.messages.length + '\\n')
        }`)
      const done = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [])
      const settings = {
        LULL_WORKER_HANDLER: handler,
        LULL_WORKER_CONCURRENCY: '2',
        LULL_ANSWER_ATTEMPTS: '5',
        LULL_QUIET_GAP_MS: '1000',
      }
      const chats = Array.from({ length: 12 }, (_, i) => `7900000${1000 + i}@c.us`)
      const first = await start(['up'], settings)
      const url = await urlOf(first)
      for (const chatId of chats) for (const n of [1, 2]) await post(url, `${chatId}-${n}`, 'hi', chatId)
      await until(() => done().length >= 2, { what: 'the first batches' })
      expect((await first.stop()).code).to.equal(0)
      const second = await start(['up'], settings)
      await until(() => new Set(done()).size >= chats.length, { timeoutMs: 40_000, what: () => `all of ${done()}` })
      await second.stop()
      expect([...new Set(done())].toSorted()).to.deep.equal(chats.map(chatId => `${chatId} 2`))
    })

    for (const args of [['up'], ['up', '--embedded']])
      it(`${args.join(' ')} ends within LULL_SHUTDOWN_MS, whatever the handler does`, async () => {
        const settings = { LULL_SHUTDOWN_MS: '1500', LULL_WORKER_HANDLER: handlerFile(HANDLER_THAT_HANGS) }
        const up = await start(args, settings)
        await post(await urlOf(up), 'm1')
        await until(async () => (await conversationAt(await urlOf(up))).includes('heldBy'), { what: 'the claim' })
        const since = performance.now()
        await up.stop()
        expect(performance.now() - since).to.be.below(1500 + PROMPTLY_MS)
      })

    it('is cut short by a second signal, with exit code 1', async () => {
      const settings = { LULL_SHUTDOWN_MS: '60000', LULL_WORKER_HANDLER: handlerFile(HANDLER_THAT_HANGS) }
      const up = await start(['up', '--embedded'], settings)
      await post(await urlOf(up), 'm1')
      await until(async () => (await conversationAt(await urlOf(up))).includes('heldBy'), { what: 'the claim' })
      up.send('SIGTERM')
      await up.line(/SIGTERM: stopping/)
      const since = performance.now()
      // npm forwards a Ctrl-C as a second signal, so signals that come together count as one.
      await until(() => performance.now() - since > 150, { what: 'the second signal to be another one' })
      up.send('SIGTERM')
      expect((await up.exit).code).to.equal(1)
      expect(performance.now() - since).to.be.below(PROMPTLY_MS)
    })

    it('is not cut short by one Ctrl-C that npm forwards as a second signal', async () => {
      const up = await start(['up', '--embedded'])
      await up.line(/Ctrl-C stops it/)
      up.send('SIGINT')
      up.send('SIGINT')
      expect((await up.exit).code).to.equal(0)
    })
  })

  describe('flush and drop', () => {
    it('flush releases the open batch and drop discards it, each with one line about it', async () => {
      const api = await start(['api'], { LULL_QUIET_GAP_MS: '50000' })
      const url = await urlOf(api)
      for (const id of ['m1', 'm2']) await post(url, id)
      const settings = { LULL_QUIET_GAP_MS: '50000' }
      const flushed = await ended(await start(['flush', CHAT], settings))
      expect(flushed).to.include({ code: 0 })
      expect(flushed.stdout).to.have.length(1)
      expect(flushed.stdout[0]).to.match(/^released batch \S+ \(2 messages\)$/)
      await post(url, 'm3')
      const dropped = await ended(await start(['drop', CHAT], settings))
      expect(dropped).to.deep.equal({ code: 0, stdout: [`dropped 3 messages of ${CHAT}`], stderr: [] })
      for (const command of ['flush', 'drop']) {
        const nothing = await ended(await start([command, CHAT], settings))
        expect(nothing.code).to.equal(1)
        expect(nothing.stderr).to.have.length(1)
        expect(nothing.stderr[0]).to.match(
          new RegExp(`^lull: nothing (is open|waits) for ${CHAT}: lull trace ${CHAT} `),
        )
        const past = await ended(await start([command, '79000000001'], settings))
        expect(past.stderr[0]).to.match(new RegExp(`: did you mean ${CHAT}\\?$`))
        const unknown = await ended(await start([command, 'nobody'], settings))
        expect(unknown.stderr[0]).to.match(/ for nobody: ids are <chatId> or .*, as lull watch shows them$/)
      }
      await post(url, 'm4')
      const half = await ended(await start(['flush', '79000000001'], settings))
      expect(half.stderr).to.deep.equal([`lull: nothing is open for 79000000001: did you mean ${CHAT}?`])
      await api.stop()
    })
  })

  describe('up', () => {
    it('embedded warns that messages are lost at its end, and the command that it prints makes one batch of four', async () => {
      const up = await start(['up', '--embedded'], { LULL_QUIET_GAP_MS: '2000', LOG_LEVEL: 'debug' })
      await up.line(/embedded: messages are kept in memory, and are lost when this process ends/)
      const line = await up.line(/^ {2}for text in/)
      expect(await runCommand('sh', ['-c', line])).to.equal('{"accepted":1,"duplicates":0,"ignored":0}\n'.repeat(4))
      await up.line(/4 messages by gap: try-/)
      await up.line(/hi · I would like to order · a cake · for Saturday/)
      await up.stop()
    })

    it('prints a command that shows the conversations, with the token made for this run', async () => {
      const up = await start(['up', '--embedded'], { LULL_API_TOKEN: undefined })
      const line = await up.line(/^What waits now: /)
      expect(JSON.parse(await runCommand('sh', ['-c', line.replace('What waits now:', '')]))).to.deep.equal({
        conversations: [],
        paused: [],
      })
      await up.stop()
    })

    it('waits for the Redis at REDIS_URL if that is away, and takes no other', async () => {
      const dead = `redis://127.0.0.1:${await freePort()}`
      const up = await start(['up'], { REDIS_URL: dead })
      expect(await up.line(/waiting for Redis/))
        .to.include(dead)
        .and.to.match(/start it there, or set REDIS_URL/)
      expect((await up.stop()).code).to.equal(0)
    })

    describe('without REDIS_URL, and none at 127.0.0.1:6379', () => {
      before(async function () {
        if (await answersAtTheUsualPlace()) this.skip()
      })

      beforeEach(() => {
        env['REDIS_URL'] = ''
      })

      it('runs embedded if there is no redis-server', async () => {
        const up = await start(['up'], { PATH: directory })
        await up.line(/no Redis: none runs at 127\.0\.0\.1:6379, and none is installed/)
        await up.line(/lost when this process ends/)
        await up.stop()
      })

      it('starts a private Redis whose data survive a stop and a SIGKILL, and stops it', async function () {
        const binary = await findRedisBinary()
        if (!binary || !isNewEnough(binary)) this.skip()
        const settings = { LULL_QUIET_GAP_MS: '3000000', LULL_MAX_WAIT_MS: '3000000', LULL_BATCH_TTL_MS: '4000000' }
        const socket = join(directory, '.lull/redis.sock')
        const upAgain = async () => {
          const up = await start(['up'], settings, directory)
          await up.line(/started a private/)
          await up.line(/Ctrl-C stops it/)
          return up
        }
        const first = await upAgain()
        await post(await urlOf(first), 'm1')
        const second = await ended(await start(['up'], settings, directory))
        expect(second.code).to.equal(1)
        expect(second.stderr).to.have.length(1)
        expect(second.stderr[0]).to.match(
          new RegExp(`another lull up \\(process ${first.pid}\\) runs in this directory`),
        )
        const processor = await ended(await start(['processor'], settings, directory))
        expect(processor.stderr).to.have.length(1)
        expect(processor.stderr[0]).to.match(
          /ECONNREFUSED.*: set REDIS_URL=\.lull\/redis\.sock for the Redis that lull up has/,
        )
        expect((await first.stop()).code).to.equal(0)
        expect(existsSync(socket), 'the socket of a Redis that has ended').to.equal(false)

        const killed = await upAgain()
        expect(await conversationAt(await urlOf(killed))).to.include('"waiting":1')
        await post(await urlOf(killed), 'm2')
        await killed.kill()
        expect(existsSync(socket), 'the Redis outlives a SIGKILL').to.equal(true)

        const last = await upAgain()
        expect(await conversationAt(await urlOf(last))).to.include('"waiting":2')
        last.send('SIGTERM')
        expect((await last.exit).code).to.equal(0)
        expect(existsSync(socket)).to.equal(false)
      })

      it('ends with one line if its private Redis dies', async function () {
        const binary = await findRedisBinary()
        if (!binary || !isNewEnough(binary)) this.skip()
        const up = await start(['up'], {}, directory)
        await up.line(/Ctrl-C stops it/)
        const redis = new Redis({ path: join(directory, '.lull/redis.sock') })
        const pid = Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1])
        redis.on('error', () => {})
        process.kill(pid, 'SIGKILL')
        expect((await up.exit).code).to.equal(1)
        redis.disconnect()
        expect(up.stderr).to.have.length(1)
        expect(up.stderr[0]).to.match(/^lull: the private Redis ended by itself \(SIGKILL\); see .*redis\.log/)
      })
    })
  })
})

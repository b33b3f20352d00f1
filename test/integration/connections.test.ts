/**
 * Guarantee **connections**: processes on different servers, databases or prefixes do not touch each other's batches,
 * and their logs name which they use. A process that cannot use its Redis says why in one line.
 */

import { createServer } from 'node:http'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { type LullProcess, lull } from '../support/processes.js'
import { freePort, privateRedis, type RedisServer, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const TOKEN = 'test-token'
const CHAT = '79000000001@c.us'

describe('connections', function () {
  this.timeout(60_000)
  let redisUrl: string
  let env: Record<string, string | undefined>
  let running: LullProcess[]

  beforeEach(async () => {
    redisUrl = (await testRedis()).replace(/\/\d*$/, '')
    const prefix = uniquePrefix()
    running = []
    env = {
      REDIS_URL: `${redisUrl}/0`,
      LULL_PREFIX: prefix,
      LULL_QUEUE: `queue-${prefix}`,
      LULL_API_TOKEN: TOKEN,
      LULL_QUIET_GAP_MS: '100',
      PORT: '0',
    }
  })

  afterEach(async () => {
    for (const command of running) await command.kill()
  })

  const start = async (args: string[], more: Record<string, string | undefined> = {}) => {
    const command = await lull(args, { ...env, ...more })
    running.push(command)
    return command
  }

  const started = async (role: string, more: Record<string, string | undefined> = {}) => {
    const process = await start([role], more)
    await process.line(new RegExp(`${role} started on`))
    return process
  }

  const post = async (api: LullProcess, messageId: string) => {
    const url = /http:\/\/[\d.]+:\d+/.exec(await api.line(/api listens on/))?.[0]
    const response = await fetch(`${url}/webhook/whatsapp/batched/generic`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ chatId: CHAT, messageId, text: messageId }),
    })
    return { status: response.status, body: await response.text() }
  }

  const logged = ({ stdout }: LullProcess, text: string) => stdout.filter(line => line.includes(text))

  it('processes on another database do not touch a batch, and their processor logs both database numbers', async () => {
    const there = await started('processor', { REDIS_URL: `${redisUrl}/5` })
    const api = await started('api')
    const worker = await started('worker')
    await post(api, 'm1')
    const line = await there.line(/next-due comes from database/)
    expect(line).to.include('next-due comes from database 0, and this processor works on database 5')
    // It received `next-due` and left the batch to a processor on the batch's database.
    const here = await started('processor')
    await worker.line(/1 message by gap: m1/)
    expect(logged(here, 'comes from database')).to.deep.equal([])
    const redis = new Redis(`${redisUrl}/5`)
    expect(await redis.exists(`${env['LULL_PREFIX']}.history`, `${env['LULL_PREFIX']}.due`)).to.equal(0)
    redis.disconnect()
  })

  it('processes with another prefix do not touch a batch, and get no event of it', async () => {
    const other = await started('processor', { LULL_PREFIX: uniquePrefix() })
    const api = await started('api')
    const worker = await started('worker')
    await post(api, 'm1')
    await api.line(/no processor is subscribed/)
    await started('processor')
    await worker.line(/1 message by gap: m1/)
    expect(other.stdout.filter(line => line.includes('"level":40'))).to.deep.equal([])
  })

  it('an API and a processor on two servers both log their server, and the API warns that no processor is subscribed', async () => {
    const server = await privateRedis()
    const processor = await started('processor', { REDIS_URL: server.url })
    const api = await started('api')
    expect(logged(processor, `processor started on ${server.url}, database 0`)).to.have.length(1)
    expect(logged(api, `api started on ${redisUrl}, database 0`)).to.have.length(1)
    await post(api, 'm1')
    const warning = await api.line(/no processor is subscribed/)
    expect(warning).to.include(`on ${redisUrl}, database 0, prefix ${env['LULL_PREFIX']}`).and.to.include('REDIS_URL')
    await processor.stop()
    await server.stop()
  })

  it('every connection is named by role, host and process, and uses the configured database', async () => {
    const server = await privateRedis()
    const roles = ['api', 'processor', 'worker']
    const processes: LullProcess[] = []
    for (const role of roles)
      processes.push(await started(role, { REDIS_URL: `${server.url}/5`, LULL_QUEUE_REDIS_URL: `${server.url}/6` }))
    const redis = new Redis(server.url)
    const all = String(await redis.client('LIST').finally(() => redis.disconnect()))
    const clients = all.trim().split('\n')
    const theirs = clients.filter(client => !client.includes(' cmd=client|list '))
    const names = processes.map(({ pid }, i) => new RegExp(` name=lull\\.${roles[i]}\\.\\S+\\.${pid} `))
    for (const name of names) expect(theirs.filter(client => name.test(client)).length).to.be.greaterThan(0)
    expect(theirs.filter(client => !names.some(name => name.test(client)))).to.deep.equal([])
    expect(theirs.filter(client => !/ db=[56] /.test(client))).to.deep.equal([])
    for (const process of processes) await process.stop()
    await server.stop()
  })

  describe('one clear line, and exit code 1, for', () => {
    const ROLES = [['api'], ['processor'], ['worker'], ['flush', CHAT]]

    /** The one line of each. */
    const lines = async (more: Record<string, string | undefined>, commands = ROLES) => {
      const said: string[] = []
      for (const args of commands) {
        const command = await start(args, more)
        const { code } = await command.exit
        expect({ args, code, lines: command.stderr.length }, command.stderr.join('\n')).to.deep.equal({
          args,
          code: 1,
          lines: 1,
        })
        said.push(command.stderr[0] ?? '')
      }
      return said
    }

    it('a dead Redis, by a command: a role waits for it (away-at-start)', async () => {
      const REDIS_URL = `redis://:hush@127.0.0.1:${await freePort()}`
      for (const line of await lines({ REDIS_URL }, [['flush', CHAT]]))
        expect(line)
          .to.match(/^lull: Redis at redis:\/\/127\.0\.0\.1:\d+ can not be reached .*start it there, or set REDIS_URL/)
          .and.not.to.include('hush')
    })

    it('a wrong or missing password', async () => {
      const server = await privateRedis({ args: ['--requirepass', 'sesame'] })
      const REDIS_URL = server.url.replace(/\/\/.*@/, '//')
      for (const REDIS_PASSWORD of ['hush', undefined])
        for (const line of await lines({ REDIS_URL, REDIS_PASSWORD }))
          expect(line)
            .to.match(
              /^lull: Redis at redis:.* answers .*: check the user and the password in REDIS_URL or REDIS_PASSWORD/,
            )
            .and.not.to.match(/hush|sesame/)
      const right = await start(['processor'], { REDIS_URL, REDIS_PASSWORD: 'sesame' })
      await right.line(/processor started on/)
      await right.stop()
      await server.stop()
    })

    it('a port on which something else than Redis listens', async () => {
      const other = createServer((_request, response) => response.end('hello'))
      await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
      const address = other.address()
      const port = typeof address === 'object' ? address?.port : 0
      for (const line of await lines({ REDIS_URL: `redis://127.0.0.1:${port}` }))
        expect(line).to.match(/^lull: .*is it Redis that listens there\? Check the host and the port in REDIS_URL/)
      other.close()
      other.closeAllConnections()
    })

    it('a database that does not exist', async () => {
      for (const line of await lines({ REDIS_URL: `${redisUrl}/9999` }))
        expect(line).to.match(/^lull: REDIS_URL names a database that this Redis does not have/)
    })

    it('a node of a Cluster that has no slots, by a command: for a role it may be a Cluster that is being made', async () => {
      const server: RedisServer = await privateRedis({
        // The default, its port plus 10,000, may be in use.
        args: ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())],
      })
      for (const line of await lines({ REDIS_URL: server.url }, [['flush', CHAT]]))
        expect(line).to.match(/^lull: no node of the Cluster at .* serves slot \d+/)
      await server.stop()
    })
  })

  describe('a key of another type, left by an older system', () => {
    let redis: Redis

    beforeEach(() => {
      redis = new Redis(redisUrl)
    })
    afterEach(() => redis.disconnect())

    it('is named with its type and the remedy, in the log and by flush, and nothing is half written', async () => {
      const key = `${env['LULL_PREFIX']}:${CHAT}`
      await redis.set(key, '[]')
      const api = await started('api')
      expect((await post(api, 'm1')).status).to.equal(503)
      const line = await api.line(/holds a string where Lull keeps a hash/)
      expect(line).to.include(key).and.to.include('RENAME it').and.to.include('LULL_PREFIX')
      const flush = await start(['flush', CHAT])
      expect((await flush.exit).code).to.equal(1)
      expect(flush.stderr).to.have.length(1)
      expect(flush.stderr[0]).to.include(`lull: Redis key ${key} holds a string where Lull keeps a hash`)
      expect(await redis.exists(`${env['LULL_PREFIX']}.messages:${CHAT}`, `${env['LULL_PREFIX']}.due`)).to.equal(0)

      await redis.del(key)
      expect((await post(api, 'm1')).body).to.equal('{"accepted":1,"duplicates":0,"ignored":0}')
    })

    it('is named by the processor that meets it in a claim, which goes on with all other conversations', async () => {
      const prefix = env['LULL_PREFIX']
      await redis.set(`${prefix}.messages:old`, 'what is this')
      await redis.zadd(`${prefix}.due`, 1, 'old')
      const processor = await started('processor')
      const worker = await started('worker')
      const api = await started('api')
      const line = await processor.line(/holds a string where Lull keeps a list/)
      expect(line).to.include(`${prefix}.messages:old`)
      await post(api, 'm1')
      await worker.line(/1 message by gap: m1/)
      await until(async () => (await redis.zcard(`${prefix}.due`)) === 1, { what: 'only the old one to be left' })
    })
  })
})

/**
 * Guarantee **Redis in trouble**: whatever Redis answers, or does not, a webhook is answered 503 with Retry-After within a
 * bound and its message is kept nowhere; what was answered 200 comes out once when the trouble is over, by itself; and
 * a processor says once that there is trouble, and once, with its length, that it has ended.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { hangingProxy } from '../support/hanging-proxy.js'
import { type Parts, parts } from '../support/parts.js'
import { privateRedis, type RedisServer } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = 'a@c.us'
/** Longer than it takes to get Redis into trouble. */
const GAP_MS = 500

describe('Redis in trouble', function () {
  this.timeout(60_000)
  let server: RedisServer
  let admin: Redis
  let running: Parts

  const begin = async (args: string[] = [], url?: (server: RedisServer) => string) => {
    server = await privateRedis({ args })
    admin = new Redis(server.url, { maxRetriesPerRequest: null })
    admin.on('error', () => {}) // It comes back with its server.
    running = await parts(url?.(server) ?? server.url, { quietGapMs: GAP_MS })
  }

  afterEach(async () => {
    await running?.stop()
    admin?.disconnect()
    await server?.kill() // It would not end by itself with a disk that it can not save to.
    await server?.stop()
  })

  /** Holds a message answered 200 and one that was refused. @returns what the processor said of the trouble */
  const goThrough = async (trouble: () => Promise<unknown>, end: () => Promise<unknown>, reason: RegExp) => {
    expect(await running.post('before@c.us', 'm0')).to.include({ status: 200 })
    await running.had('m0')
    // Due in the middle of the trouble.
    expect(await running.post(CHAT, 'm1')).to.include({ status: 200 })
    await trouble()
    const refused = await until(
      async () => {
        const answer = await running.post(CHAT, 'm2')
        return answer.status === 503 && answer
      },
      { what: 'a 503' },
    )
    expect(refused.retryAfter).to.match(/^\d+$/)
    expect(refused.body).to.match(reason)
    await until(() => running.logs.processor.some(line => /is away/.test(line)), {
      what: 'the processor to say that there is trouble',
    })
    await end()
    await running.had('m1')
    await until(() => running.logs.processor.some(line => /is back after [\d.]+ s$/.test(line)), {
      what: 'the processor to say that it has ended',
    })
    // What was refused is kept nowhere: it is new when it comes again.
    await until(async () => (await running.post(CHAT, 'm3')).status === 200, { what: 'a 200' })
    await running.post(CHAT, 'm2')
    await running.had('m2', 'm3')
    expect(running.counts()).to.deep.equal({ m0: 1, m1: 1, m2: 1, m3: 1 })
    expect(await running.batcher.dead()).to.deep.equal([])
    for (const log of Object.values(running.logs)) {
      const said = log.filter(line => /Redis at .* is (away|back)/.test(line))
      expect(said.length, said.join('\n')).to.be.at.most(2)
      const ofQueue = log.filter(line => /Redis of queue .* is (away|back)/.test(line))
      expect(ofQueue.length, ofQueue.join('\n')).to.be.at.most(2)
    }
    return running.logs.processor.filter(line => /Redis at .* is (away|back)/.test(line))
  }

  it('READONLY: a primary that has become a replica', async () => {
    await begin()
    const said = await goThrough(
      () => admin.call('REPLICAOF', '127.0.0.1', '1'),
      () => admin.call('REPLICAOF', 'NO', 'ONE'),
      /readonly/,
    )
    expect(said[0]).to.include('point REDIS_URL at the primary')
    expect(said).to.have.length(2)
  })

  it('MISCONF: a disk that can not be written', async () => {
    await begin(['--dbfilename', 'blocked.rdb'])
    const [, dir = ''] = z.array(z.string()).parse(await admin.config('GET', 'dir'))
    const blocked = join(dir, 'blocked.rdb')
    const said = await goThrough(
      async () => {
        // A folder in the place of the file: it can not be renamed to that.
        mkdirSync(blocked)
        writeFileSync(join(blocked, 'full'), '')
        await admin.config('SET', 'save', '3600 1')
        await admin.bgsave()
        await until(async () => /rdb_last_bgsave_status:err/.test(await admin.info('persistence')), {
          what: 'BGSAVE to fail',
        })
      },
      async () => {
        rmSync(blocked, { recursive: true })
        await admin.bgsave()
      },
      /misconf/,
    )
    expect(said[0]).to.include('can not save')
    expect(said).to.have.length(2)
  })

  it('BUSY: a script that does not end, until it is killed', async () => {
    await begin(['--busy-reply-threshold', '100'])
    const stuck = new Redis(server.url)
    stuck.on('error', () => {})
    const said = await goThrough(
      async () => {
        stuck.eval('while true do end', 0).catch(() => {}) // It is killed.
        await until(
          () =>
            admin.ping().then(
              () => false,
              error => /BUSY/.test(String(error)),
            ),
          { what: 'BUSY' },
        )
      },
      () => admin.script('KILL'),
      /busy/,
    )
    stuck.disconnect()
    expect(said[0]).to.include('SCRIPT KILL')
    expect(said).to.have.length(2)
  })

  it('LOADING: data that take their time', async () => {
    await begin(['--enable-debug-command', 'yes'])
    const filling = admin.pipeline()
    for (let i = 0; i < 2000; i++) filling.set(`other:${i}`, 'x'.repeat(100))
    await filling.exec()
    const reloader = new Redis(server.url)
    const said = await goThrough(
      async () => {
        await admin.config('SET', 'loading-process-events-interval-bytes', '1024')
        await admin.config('SET', 'key-load-delay', '1000')
        reloader.call('DEBUG', 'RELOAD').catch(() => {}) // What it answers does not matter.
        await until(
          () =>
            admin.get('x').then(
              () => false,
              error => /LOADING/.test(String(error)),
            ),
          { what: 'LOADING' },
        )
      },
      async () => {},
      /loading/,
    )
    reloader.disconnect()
    expect(said[0]).to.include('when its data is loaded')
    expect(said).to.have.length(2)
  })

  it('a connection that hangs without closing', async () => {
    server = await privateRedis()
    const proxy = await hangingProxy(server.url)
    admin = new Redis(server.url)
    running = await parts(proxy.url, { quietGapMs: GAP_MS })
    expect(await running.post(CHAT, 'm1')).to.include({ status: 200 })
    proxy.hang()
    const refused = await running.post(CHAT, 'm2')
    expect(refused).to.include({ status: 503 })
    expect(refused.retryAfter).to.match(/^\d+$/)
    await until(() => running.logs.processor.some(line => /Redis at .* is away/.test(line)), {
      what: 'the processor to notice',
    })
    proxy.goOn()
    await running.had('m1')
    await until(() => running.logs.processor.some(line => /Redis at .* is back after [\d.]+ s$/.test(line)), {
      what: 'the processor to say that it has ended',
    })
    await until(async () => (await running.post(CHAT, 'm3')).status === 200, { what: 'a 200' })
    // Whether it was written when nobody could be told, its id says when it comes again.
    await running.post(CHAT, 'm2')
    await running.had('m2', 'm3')
    expect(running.counts()).to.deep.equal({ m1: 1, m2: 1, m3: 1 })
    expect(await running.batcher.dead()).to.deep.equal([])
    for (const log of Object.values(running.logs)) {
      const said = log.filter(line => /Redis at .* is (away|back)/.test(line))
      expect(said.length, said.join('\n')).to.be.at.most(2)
    }
    await running.stop()
    await proxy.stop()
  })

  describe('scripts that Redis has forgotten', () => {
    const works = async (messageId: string) => {
      expect(await running.post(CHAT, messageId)).to.include({ status: 200 })
      await running.had(messageId)
    }

    it('are sent again, after SCRIPT FLUSH', async () => {
      await begin()
      await works('m1')
      await admin.script('FLUSH')
      await works('m2')
      expect(running.logs.processor.filter(line => /^(warn|error)/.test(line))).to.deep.equal([])
    })

    it('and what was not answered yet goes on, after a restart with its log', async () => {
      await begin(['--appendonly', 'yes', '--appendfsync', 'always'])
      await works('m1')
      await running.post(CHAT, 'm2')
      await server.kill()
      await server.restart()
      await running.had('m2')
      await until(async () => (await running.post(CHAT, 'm3')).status === 200, { what: 'a 200' })
      await running.had('m3')
      expect(running.counts()).to.deep.equal({ m1: 1, m2: 1, m3: 1 })
    })
  })

  it('a Redis that comes up empty: what it lost is lost, and everything goes on', async () => {
    await begin()
    await running.post(CHAT, 'm1')
    await running.had('m1')
    await running.post(CHAT, 'lost')
    await server.kill()
    await server.restart()
    await until(async () => (await running.post(CHAT, 'm2')).status === 200, { what: 'a 200' })
    await running.had('m2')
    expect(running.counts()).to.deep.equal({ m1: 1, m2: 1 })
    // The notifications that the processor had asked for went with it, and are asked for again.
    const [, flags = ''] = z.array(z.string()).parse(await admin.config('GET', 'notify-keyspace-events'))
    expect(flags).to.match(/E/).and.to.match(/x/)
  })

  it('one that refuses CONFIG: it is said once, with the remedy, and all works', async () => {
    await begin(['--rename-command', 'CONFIG', ''])
    await running.post(CHAT, 'm1')
    await running.had('m1')
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await running.post(CHAT, 'm2')
    await running.had('m2')
    const warnings = running.logs.processor.filter(line => line.includes('notify-keyspace-events'))
    expect(warnings).to.have.length(1)
    expect(warnings[0]).to.match(/^warn .* may not be changed here: it works all the same/)
  })
})

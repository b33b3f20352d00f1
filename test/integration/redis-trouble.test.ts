/**
 * Guarantee **Redis in trouble**: whether Redis answers with an error or not at all, a webhook is answered 503 with
 * Retry-After within a bound, and its message is not stored. Messages that were answered 200 are handed over once, by
 * themselves, when the trouble is over. A processor logs once that the trouble began, and once, with its length, that
 * it ended.
 */
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { type RuleOptions, rulesFrom } from '../../src/rules.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { hangingProxy } from '../support/hanging-proxy.js'
import { type Parts, parts } from '../support/parts.js'
import { privateRedis, type RedisServer, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = 'a@c.us'
const GAP_MS = 500
/** Longer than it takes to get Redis into trouble. */
const IN_TROUBLE_BY_MS = 1500

describe('Redis in trouble', function () {
  this.timeout(60_000)
  let server: RedisServer
  let admin: Redis
  let running: Parts

  const begin = async (args: string[] = [], rules: RuleOptions = {}) => {
    server = await privateRedis({ args })
    admin = new Redis(server.url, { maxRetriesPerRequest: null })
    admin.on('error', () => {}) // It comes back with its server.
    running = await parts(server.url, { quietGapMs: GAP_MS, ...rules })
  }

  afterEach(async () => {
    await running?.stop()
    admin?.disconnect()
    await server?.kill() // It would not end by itself with a disk that it can not save to.
    await server?.stop()
  })

  /** Accepts one message before the trouble and refuses one during it. @returns the processor's log lines about it */
  const goThrough = async (trouble: () => Promise<unknown>, end: () => Promise<unknown>, reason: RegExp) => {
    expect(await running.post('before@c.us', 'm0')).to.include({ status: 200 })
    await running.batcher.flush('before@c.us')
    await running.had('m0')
    // It becomes due during the trouble.
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
    // The refused message was not stored: it is new when it is sent again.
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
    await begin([], { quietGapMs: IN_TROUBLE_BY_MS })
    const said = await goThrough(
      () => admin.call('REPLICAOF', '127.0.0.1', '1'),
      () => admin.call('REPLICAOF', 'NO', 'ONE'),
      /readonly/,
    )
    expect(said[0]).to.include('point REDIS_URL at the primary')
    expect(said).to.have.length(2)
  })

  it('MISCONF: a disk that cannot be written', async () => {
    await begin(['--dbfilename', 'blocked.rdb'], { quietGapMs: IN_TROUBLE_BY_MS })
    const [, dir = ''] = z.array(z.string()).parse(await admin.config('GET', 'dir'))
    const blocked = join(dir, 'blocked.rdb')
    const said = await goThrough(
      async () => {
        // A folder in the file's place, so that the rename fails.
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
    expect(said[0]).to.include('cannot save')
    expect(said).to.have.length(2)
  })

  it('BUSY: a script that does not end, until it is killed', async () => {
    await begin(['--busy-reply-threshold', '100'], { quietGapMs: IN_TROUBLE_BY_MS })
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

  it('LOADING: data that take long to load', async () => {
    await begin(['--enable-debug-command', 'yes'], { quietGapMs: IN_TROUBLE_BY_MS })
    // It loads for 6 s, answering meanwhile: long enough for a batch to become due.
    const KEYS = 2000
    const KEY_LOAD_MICROSECONDS = 3000
    const filling = admin.pipeline()
    for (let i = 0; i < KEYS; i++) filling.set(`other:${i}`, 'x'.repeat(100))
    await filling.exec()
    const reloader = new Redis(server.url)
    const said = await goThrough(
      async () => {
        await admin.config('SET', 'loading-process-events-interval-bytes', '1024')
        await admin.config('SET', 'key-load-delay', KEY_LOAD_MICROSECONDS)
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
    running = await parts(proxy.url, { quietGapMs: IN_TROUBLE_BY_MS })
    // A message that came this way has come to the processor too: it knows m1 and will claim it in time.
    const alike = new Redis(proxy.url)
    alike.on('error', () => {}) // It ends with its proxy.
    await alike.psubscribe('*.next-due')
    const heard = once(alike, 'pmessage')
    expect(await running.post(CHAT, 'm1')).to.include({ status: 200 })
    await heard
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
    // It may have been written without a reply. Its id makes it a duplicate then when it is sent again.
    await running.post(CHAT, 'm2')
    await running.had('m2', 'm3')
    expect(running.counts()).to.deep.equal({ m1: 1, m2: 1, m3: 1 })
    expect(await running.batcher.dead()).to.deep.equal([])
    for (const log of Object.values(running.logs)) {
      const said = log.filter(line => /Redis at .* is (away|back)/.test(line))
      expect(said.length, said.join('\n')).to.be.at.most(2)
    }
    alike.disconnect()
    await running.stop()
    await proxy.stop()
  })

  it('a failover: connections that the old primary keeps are replaced by connections to the new one', async () => {
    server = await privateRedis({ args: ['--repl-diskless-sync-delay', '0'] })
    const second = await privateRedis()
    admin = new Redis(server.url)
    const replica = new Redis(second.url)
    for (const client of [admin, replica]) client.on('error', () => {}) // They end before their servers do.
    const proxy = await hangingProxy(server.url)
    running = await parts(proxy.url, { quietGapMs: GAP_MS })
    await replica.call('REPLICAOF', '127.0.0.1', server.port)
    await admin.set('marker', '')
    await until(async () => (await replica.exists('marker')) === 1, { what: 'replication' })
    await admin.del('marker')
    await until(async () => (await replica.exists('marker')) === 0, { what: 'what is written now to come through' })
    expect(await running.post(CHAT, 'm1')).to.include({ status: 200 })
    // Messages that the replica does not have yet are lost with the primary.
    await until(async () => (await replica.exists(`${running.prefix}.due`)) === 1, { what: 'm1 on the replica' })
    proxy.pointAt(second.url)
    await replica.call('REPLICAOF', 'NO', 'ONE')
    await admin.call('REPLICAOF', '127.0.0.1', second.port)
    await running.had('m1')
    await until(async () => (await running.post(CHAT, 'm2')).status === 200, { what: 'a 200' })
    await running.had('m2')
    expect(running.counts()).to.deep.equal({ m1: 1, m2: 1 })
    expect(await replica.exists(`${running.prefix}.history`)).to.equal(1)
    await running.stop()
    replica.disconnect()
    await proxy.stop()
    await second.stop()
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

    it('reject each of many calls with the reason if Redis refuses the call that would load them', async () => {
      server = await privateRedis()
      admin = new Redis(server.url)
      const store = new RedisStore({
        redis: server.url,
        prefix: uniquePrefix(),
        rules: rulesFrom({ quietGapMs: GAP_MS }),
      })
      await store.open()
      const append = (i: number) =>
        store.append({ conversationId: CHAT, messages: [{ messageId: `m${i}`, type: 'text', text: 'hi' }] })
      await append(0)
      await admin.script('FLUSH')
      await admin.config('SET', 'maxmemory', '1')
      const all = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => append(i + 1)))
      const names = all.map(each =>
        each.status === 'rejected' && each.reason instanceof Error ? each.reason.name : '',
      )
      expect(new Set(names)).to.deep.equal(new Set(['StoreUnavailable']))
      await store.close()
    })

    it('are sent again after a restart with an AOF, and answers that were under way go on', async () => {
      await begin(['--appendonly', 'yes', '--appendfsync', 'always'], { quietGapMs: IN_TROUBLE_BY_MS })
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

  it('a Redis that comes up empty: what it lost is lost, and all processes go on', async () => {
    await begin([], { quietGapMs: IN_TROUBLE_BY_MS })
    await running.post(CHAT, 'm1')
    await running.had('m1')
    await running.post(CHAT, 'lost')
    await server.kill()
    await server.restart()
    await until(async () => (await running.post(CHAT, 'm2')).status === 200, { what: 'a 200' })
    await running.had('m2')
    expect(running.counts()).to.deep.equal({ m1: 1, m2: 1 })
    // The setting for notifications is lost too, and the processor sets it again.
    const areBack = async () => {
      const [, flags = ''] = z.array(z.string()).parse(await admin.config('GET', 'notify-keyspace-events'))
      return /E/.test(flags) && /x/.test(flags)
    }
    await until(areBack, { what: 'the notifications' })
  })

  it('a Redis that refuses CONFIG: logged once, with the remedy, and everything works', async () => {
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

  describe('memory', () => {
    const LIMIT = 40_000_000
    const setLimit = (bytes: number) => admin.config('SET', 'maxmemory', bytes)
    const used = async () => Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1])

    it('nearly full: messages are refused, while claims, the queue and the workers go on', async () => {
      await begin()
      await setLimit(LIMIT)
      expect(await running.post(CHAT, 'm1')).to.include({ status: 200 })
      const ballast: string[] = []
      while ((await used()) < LIMIT * 0.92) {
        const key = `ballast:${ballast.length}`
        ballast.push(key)
        await admin.setrange(key, 100_000, 'x')
      }
      const refused = await until(
        async () => {
          const answer = await running.post('other@c.us', 'm2')
          return answer.status === 503 && answer
        },
        { what: 'a 503' },
      )
      expect(refused.body).to.include('memory')
      expect(refused.retryAfter).to.match(/^\d+$/)
      await running.had('m1')
      await until(async () => (await running.batcher.conversations()).length === 0, { what: 'its answer to be noted' })
      expect(await used()).to.be.below(LIMIT)
      expect(running.logs.api.join()).to.include(`of maxmemory=${LIMIT} bytes in use`)
      expect(running.logs.processor.join()).not.to.match(/is away/)
      await admin.del(...ballast)
      await until(async () => (await running.post('other@c.us', 'm2')).status === 200, { what: 'a 200' })
      await running.had('m2')
    })

    it('full: handovers fail without any batch dying, and everything is handed over once when memory is freed', async () => {
      await begin([], { maxAttempts: 1, quietGapMs: IN_TROUBLE_BY_MS })
      const ids = Array.from({ length: 10 }, (_, i) => `m${i}`)
      const messages = ids.map(messageId => ({ chatId: `${messageId}@c.us`, messageId }))
      expect(await running.postAll(...messages)).to.include({ status: 200 })
      await setLimit(1_000_000)
      const failed = async () => {
        const history = await running.batcher.history({ limit: 1000 })
        return history.filter(({ step }) => step === 'nacked').length
      }
      await until(async () => (await failed()) > ids.length, { timeoutMs: 20_000, what: 'handovers to fail' })
      expect(await running.post('more@c.us', 'more')).to.include({ status: 503 })
      expect(running.batches).to.deep.equal([])
      await setLimit(0)
      await running.had(...ids)
      expect(Object.values(running.counts())).to.deep.equal(ids.map(() => 1))
      expect(await running.batcher.dead()).to.deep.equal([])
      const said = running.logs.processor.filter(line => /Redis of queue .* is (away|back)/.test(line))
      expect(said).to.have.length(2)
      expect(said[0]).to.include('raise maxmemory')
      expect(said[1]).to.match(/is back after [\d.]+ s$/)
    })
  })

  it('a user with only the rights that redis.conf lists can do everything that Lull does', async () => {
    const line = /^# user (lull on >password .*)$/m.exec(readFileSync('redis.conf', 'utf8'))?.[1] ?? ''
    const prefix = uniquePrefix()
    const rights = line.replaceAll('rapid-fire', prefix).replaceAll('bull:messages', `bull:queue-${prefix}`)
    server = await privateRedis({ args: ['--notify-keyspace-events', 'Ex'] })
    admin = new Redis(server.url)
    await admin.call('ACL', 'SETUSER', ...rights.split(' '))
    running = await parts(server.url.replace('//', '//lull:password@'), { quietGapMs: GAP_MS, maxAttempts: 1 }, prefix)
    const { batcher, processor } = running
    await running.post(CHAT, 'm1')
    await batcher.typing(CHAT)
    await batcher.flush(CHAT)
    await running.had('m1')
    await batcher.append('dropped', { messageId: '1' })
    expect(await batcher.edit('dropped', '1', 'edited')).to.equal('edited')
    expect(await batcher.revoke('dropped', '1')).to.equal('revoked')
    await batcher.append('dropped', { messageId: '2' })
    expect(await batcher.drop('dropped')).to.equal(1)
    await batcher.forget('dropped')
    await batcher.ready()
    await processor.ready()
    const store = new RedisStore({
      redis: server.url.replace('//', '//lull:password@'),
      prefix,
      rules: rulesFrom({ maxAttempts: 1 }),
    })
    await store.open()
    await batcher.conversation(CHAT)
    await batcher.conversations()
    await until(async () => (await batcher.history()).some(({ step }) => step === 'answered'), { what: 'the answer' })
    // A processor's calls after failures.
    await processor.stop()
    const claimed = async (chatId: string) => {
      await batcher.append(chatId, { messageId: '1' }, { direct: true })
      const { batches } = await store.claim({ owner: 'test', maxBatches: 10, maxBytes: 1000 })
      return batches[0]!
    }
    const { batchId, lease } = await claimed('dies')
    expect(await store.renew([{ batchId, lease }])).to.deep.equal([])
    await store.nack({ batchId, lease, delayMs: 0, counts: true, error: 'no' })
    expect(await batcher.dead()).to.have.length(1)
    expect(await batcher.redrive(batchId)).to.deep.equal({ conversationId: 'dies' })
    const other = await claimed('other')
    expect(await store.giveBack('test')).to.include(other.batchId)
    await store.ack([other.batchId])
    await store.workerStarted(other.batchId, '1')
    await store.answered(other.batchId, 'completed')
    await store.close()

    const denied: unknown = await admin.call('ACL', 'LOG')
    // It may not read `notify-keyspace-events`, and logs that.
    expect(JSON.stringify(denied).match(/"object","[^"]*"/g)).to.deep.equal(['"object","config|get"'])
    const warnings = Object.values(running.logs).flatMap(lines => lines.filter(said => /^(warn|error)/.test(said)))
    expect(warnings.filter(said => !/no processor is subscribed/.test(said))).to.have.length(1)
    expect(warnings[0]).to.match(/^warn notify-keyspace-events .* works all the same/)
    // And only Lull's.
    const lull = new Redis(server.url.replace('//', '//lull:password@'))
    for (const command of [
      ['GET', 'other'],
      ['FLUSHALL'],
      ['KEYS', '*'],
      ['CONFIG', 'GET', '*'],
      ['SHUTDOWN'],
      ['PUBLISH', 'x', 'y'],
    ])
      expect(String(await lull.call(command[0]!, ...command.slice(1)).catch(error => error))).to.include('NOPERM')
    lull.disconnect()
  })
})

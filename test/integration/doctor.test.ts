/**
 * Guarantee **doctor**: each check has a test that breaks what it checks, and expects the right mark and the right
 * remedy. Among them is the riddle of the old system: processes that "see different data".
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Batcher } from '../../src/batcher.js'
import { readConfig } from '../../src/config.js'
import { examine } from '../../src/doctor/doctor.js'
import type { Finding } from '../../src/doctor/finding.js'
import type { CommittingHandle } from '../../src/handover/function.js'
import { Processor } from '../../src/processor/processor.js'
import { startOldSystem } from '../support/old-system.js'
import { type LullProcess, lull } from '../support/processes.js'
import { freePort, privateRedis, type RedisServer } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = '79000000001@c.us'
const TOKEN = 'test-token'

describe('doctor', function () {
  this.timeout(60_000)
  let server: RedisServer
  let admin: Redis
  let env: Record<string, string>
  let running: LullProcess[]
  let directory: string
  /** Always throws. */
  let handler: string

  before(async () => {
    server = await privateRedis()
    directory = await mkdtemp(join(tmpdir(), 'lull-doctor-'))
    handler = join(directory, 'handler.mjs')
    await writeFile(handler, "export default async () => { throw new Error('no answer today') }")
  })

  after(async () => {
    await server.stop()
    await rm(directory, { recursive: true })
  })

  beforeEach(async () => {
    running = []
    admin = new Redis(server.url, { lazyConnect: true })
    await admin.connect()
    await admin.flushall()
    // Otherwise each run waits for the canary.
    await admin.config('SET', 'notify-keyspace-events', 'Ex')
    env = {
      REDIS_URL: server.url,
      LULL_PREFIX: 'doctor',
      LULL_QUEUE: 'doctored',
      LULL_API_TOKEN: TOKEN,
      LULL_QUIET_GAP_MS: '500',
      PORT: '0',
    }
  })

  afterEach(async () => {
    for (const command of running) await command.stop()
    await admin.config('SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction')
    admin.disconnect()
  })

  const start = async (args: string[], more: Record<string, string> = {}) => {
    const command = await lull(args, { ...env, ...more })
    running.push(command)
    return command
  }

  /** Resolves when the role has started; for an API, to its port. */
  const role = async (name: 'api' | 'processor' | 'worker', more: Record<string, string> = {}) => {
    const command = await start([name], more)
    const line = await command.line(name === 'api' ? /api listens on/ : new RegExp(`${name} started on`))
    if (name === 'worker') await command.line(/takes batches/)
    return /127\.0\.0\.1:(\d+)"/.exec(line)?.[1] ?? ''
  }

  const findings = (more: Record<string, string> = {}) => examine(readConfig({ ...env, ...more }))

  const find = async (check: string, more: Record<string, string> = {}): Promise<Finding> => {
    const all = await findings(more)
    const found =
      all.find(finding => finding.check === check && finding.verdict !== 'ok') ??
      all.find(finding => finding.check === check)
    if (!found) throw new Error(`no finding of ${check} among ${all.map(finding => finding.check).join(', ')}`)
    return found
  }

  const post = async (port: string, messageId: string, provider = 'generic', headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}/webhook/whatsapp/batched/${provider}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ chatId: CHAT, messageId, text: 'hi' }),
    })
    return response.status
  }

  const ended = async (command: LullProcess) => {
    const { code } = await command.exit
    return { code, stdout: command.stdout, stderr: command.stderr }
  }

  /** On a busy machine Redis may answer late, and doctor reports that. Then doctor looks again. */
  const unhurried = <T>(look: () => Promise<T>, isSlow: (found: T) => boolean) =>
    until(
      async () => {
        const found = await look()
        return isSlow(found) ? undefined : found
      },
      { what: 'Redis to answer in time' },
    )

  describe('rules of their own', () => {
    const own = async () => (await findings()).filter(({ check }) => check === 'own-rules')
    let batcher: Batcher
    beforeEach(() => {
      batcher = new Batcher({ redis: server.url, prefix: 'doctor', quietGapMs: 500 })
    })
    afterEach(() => batcher.close())

    it('are no line if no scope has any', async () => {
      expect(await own()).to.deep.equal([])
    })

    it('get ✓, with the rules of each scope, of many scopes the first', async () => {
      await batcher.settings.set('shop', { quietGapMs: 600, holdTypes: 'voice,audio' })
      expect(await own()).to.deep.equal([
        {
          check: 'own-rules',
          verdict: 'ok',
          says: '1 scope has rules of its own',
          details: ['shop: quietGapMs=600 holdTypes=voice,audio'],
        },
      ])
      for (let i = 1; i <= 12; i += 1) await batcher.settings.set(`clinic/${i}`, { batching: 'off' })
      const [found] = await own()
      expect(found?.says).to.equal('13 scopes have rules of their own')
      expect(found?.details).to.have.length(11)
      expect(found?.details?.[0]).to.equal('clinic/1: batching=off')
      expect(found?.details?.at(-1)).to.equal('and 3 more: lull settings')
    })

    it('get ! if they contradict the rules below them, or cannot be read, with the remedy', async () => {
      await batcher.settings.set('shop/1', { maxWaitMs: 700 })
      await batcher.settings.set('shop', { quietGapMs: 800 })
      await batcher.store.settings.put('clinic', '{"tomorrowsRule":1}', undefined)
      const [used, ignored] = await own()
      expect(used?.details).to.deep.equal(['shop: quietGapMs=800'])
      expect(ignored).to.deep.include({ verdict: 'degraded', says: 'the stored rules of 2 scopes are not used' })
      expect(ignored?.details?.[0]).to.include('clinic: tomorrowsRule=1: there is no such rule')
      expect(ignored?.details?.[1]).to.include('shop/1: maxWaitMs=700 is less than quietGapMs=800')
      expect(ignored?.remedy).to.include('lull settings unset clinic')
    })

    it('are in the output of the command, also as JSON', async () => {
      await batcher.settings.set('shop', { quietGapMs: 600 })
      const { stdout } = await ended(await start(['doctor']))
      const at = stdout.indexOf('✓ 1 scope has rules of its own')
      expect(stdout[at + 1]).to.equal('    shop: quietGapMs=600')
      const json = await ended(await start(['doctor', '--json']))
      expect(JSON.parse(json.stdout[0] ?? '').findings).to.deep.include({
        check: 'own-rules',
        verdict: 'ok',
        says: '1 scope has rules of its own',
        details: ['shop: quietGapMs=600'],
      })
    })
  })

  describe('paused conversations', () => {
    const paused = async () => (await findings()).filter(({ check }) => check === 'paused')
    let batcher: Batcher
    beforeEach(() => {
      batcher = new Batcher({ redis: server.url, prefix: 'doctor', quietGapMs: 500 })
    })
    afterEach(() => batcher.close())

    it('are counted, and are no line if there are none', async () => {
      expect(await paused()).to.deep.equal([])
      await batcher.pause('shop/1@c.us', 60_000)
      expect(await paused()).to.deep.equal([{ check: 'paused', verdict: 'ok', says: '1 conversation is paused' }])
      await batcher.pause('shop/2@c.us', 6 * 86_400_000)
      expect((await paused())[0]).to.include({ verdict: 'ok', says: '2 conversations are paused' })
    })

    it('get ! if a pause lasts for more than a week', async () => {
      await batcher.pause('shop/1@c.us', 60_000)
      await batcher.pause('shop/2@c.us', 9 * 86_400_000)
      const [found] = await paused()
      expect(found).to.deep.include({
        verdict: 'degraded',
        says: '2 conversations are paused; 1 pause lasts for more than a week, the longest for 8 days (shop/2@c.us)',
      })
      expect(found?.remedy).to.include('lull resume')
    })
  })

  describe('the command', () => {
    it('marks everything of a whole system with ✓ except the missing persistence of this Redis, and exits 0', async () => {
      await role('processor')
      await role('worker')
      const port = await role('api')
      const isSlow = ({ stdout }: { stdout: string[] }) => stdout.some(line => line.startsWith('! canary'))
      const look = async () => ended(await start(['doctor'], { PORT: port }))
      const { code, stdout, stderr } = await unhurried(look, isSlow)
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: [] })
      const marks = stdout.filter(line => !line.startsWith('  ')).map(line => line[0])
      expect(
        marks.filter(mark => mark !== '✓'),
        stdout.join('\n'),
      ).to.deep.equal(['!'])
      expect(marks.length).to.be.at.least(15)
    })

    it('exits 1 if a check fails, and names it in one line; --json prints one object', async () => {
      const { code, stdout, stderr } = await ended(await start(['doctor', '--json']))
      expect(code).to.equal(1)
      expect(stderr).to.have.length(1)
      expect(stderr[0]).to.match(/^lull: \d of \d+ checks failed \(processors, listeners\)$/)
      expect(stdout).to.have.length(1)
      const { ok, findings: all } = JSON.parse(stdout[0] ?? '')
      expect(ok).to.equal(false)
      expect(
        all.filter((finding: Finding) => finding.verdict !== 'ok').every((finding: Finding) => finding.remedy),
      ).to.equal(true)
    })

    it('marks a Redis that cannot be reached with ✗ and the remedy', async () => {
      const { code, stdout } = await ended(
        await start(['doctor'], { REDIS_URL: `redis://127.0.0.1:${await freePort()}` }),
      )
      expect(code).to.equal(1)
      expect(stdout[0]).to.match(/^✗ Redis at .* can not be reached \(ECONNREFUSED\): start it there, or set REDIS_URL/)
    })
  })

  describe('Redis', () => {
    it('gets ✗ for an eviction policy that loses messages, and ! for one that loses headers', async () => {
      await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
      expect(await find('eviction'))
        .to.include({ verdict: 'wrong' })
        .and.to.have.property('remedy')
        .that.includes('noeviction')
      await admin.config('SET', 'maxmemory-policy', 'volatile-ttl')
      expect((await find('eviction')).verdict).to.equal('degraded')
    })

    it('gets ! if it writes nothing to disk', async () => {
      const finding = await find('persistence')
      expect(finding.verdict).to.equal('degraded')
      expect(finding.remedy).to.include('appendonly yes')
    })

    it('gets ✓ with an append-only file', async () => {
      const other = await privateRedis({ args: ['--appendonly', 'yes'] })
      try {
        expect((await find('persistence', { REDIS_URL: other.url })).verdict).to.equal('ok')
      } finally {
        await other.stop()
      }
    })

    it('gets ! with its memory nearly full, and ✗ once messages are refused', async () => {
      // What the connections of a look take is little beside it.
      await admin.setrange('ballast', 20_000_000, 'x')
      const used = Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1])
      await admin.config('SET', 'maxmemory', String(Math.round(used / 0.8)))
      expect((await find('memory')).verdict).to.equal('degraded')
      await admin.config('SET', 'maxmemory', String(Math.round(used / 0.94)))
      const finding = await find('memory')
      expect(finding.verdict).to.equal('wrong')
      expect(finding.says).to.include('503')
    })

    it('gets ! for the setting and for the canary if it publishes no expiry', async () => {
      await admin.config('SET', 'notify-keyspace-events', '')
      const finding = await find('notifications')
      expect(finding.verdict).to.equal('degraded')
      expect(finding.remedy).to.include('notify-keyspace-events Ex').and.to.include('managed')
      const canary = await find('canary')
      expect(canary.verdict).to.equal('degraded')
      expect(canary.says).to.match(
        / is (not announced within|announced after) \d+ ms by itself, (nor|and not within \d+ ms) when/,
      )
    })

    it('gets ✓ if it publishes expiry, with the delay in ms', async () => {
      await admin.config('SET', 'notify-keyspace-events', 'Ex')
      expect((await find('notifications')).verdict).to.equal('ok')
      expect(
        await unhurried(
          () => find('canary'),
          ({ verdict }) => verdict !== 'ok',
        ),
      )
        .to.include({ verdict: 'ok' })
        .and.to.have.property('says')
        .that.matches(/after \d+ ms by itself, after \d+ ms when touched/)
    })

    it('gets ! if it refuses CONFIG and CLIENT LIST, as managed ones do, and the other checks go on', async () => {
      await admin.call('ACL', 'SETUSER', 'managed', 'on', '>secret', '~*', '&*', '+@all', '-config', '-client|list')
      try {
        const url = server.url.replace('redis://', 'redis://managed:secret@')
        const all = await findings({ REDIS_URL: url })
        for (const check of ['notifications', 'processes']) {
          const finding = all.find(one => one.check === check)
          expect(finding?.verdict, check).to.equal('degraded')
          expect(finding?.says).to.include('refused')
        }
        expect(all.some(({ check }) => check === 'dead')).to.equal(true)
      } finally {
        await admin.call('ACL', 'DELUSER', 'managed')
      }
    })

    it('gets ✗ if the Redis of the queue cannot be reached', async () => {
      const finding = await find('queue-redis', { LULL_QUEUE_REDIS_URL: `redis://127.0.0.1:${await freePort()}` })
      expect(finding.verdict).to.equal('wrong')
      expect(finding.remedy).to.include('LULL_QUEUE_REDIS_URL')
    })

    it('of the queue gets ✗ for an eviction policy that loses messages', async () => {
      await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
      const finding = await find('queue-redis', { LULL_QUEUE_REDIS_URL: `${server.url}/1`, LULL_QUEUE_SHARDS: '2' })
      await admin.config('SET', 'maxmemory-policy', 'noeviction')
      expect(finding.verdict).to.equal('wrong')
      expect(finding.says).to.match(/^the queue’s Redis at redis:\/\/127\.0\.0\.1:\d+: eviction policy allkeys-lru/)
    })
  })

  describe('processes', () => {
    it('get ✗ without a processor and a subscriber, and ! without an API or a worker', async () => {
      const all = await findings()
      const verdictOf = (check: string) => all.find(finding => finding.check === check)?.verdict
      expect(verdictOf('processors')).to.equal('wrong')
      expect(verdictOf('listeners')).to.equal('wrong')
      expect(verdictOf('apis')).to.equal('degraded')
      expect(verdictOf('workers')).to.equal('degraded')
    })

    it('get ✗ without a worker while batches wait for one', async () => {
      await admin.lpush('bull:doctored:wait', 'batch-1')
      const finding = await find('workers')
      expect(finding.verdict).to.equal('wrong')
      expect(finding.remedy).to.include('lull worker')
    })

    it('get ✗ without a worker while batches wait in any of several queues', async () => {
      await admin.lpush('{bull/1}:doctored:wait', 'batch-1')
      const finding = await find('workers', { LULL_QUEUE_SHARDS: '2' })
      expect(finding.verdict).to.equal('wrong')
      expect(finding.says).to.match(/1 batch waits for one/)
    })

    it('get ✗ if an API uses database 1 and a processor database 0', async () => {
      await role('processor')
      await role('api', { REDIS_URL: `${server.url}/1` })
      const finding = await find('databases')
      expect(finding.verdict).to.equal('wrong')
      expect(finding.says).to.match(/on database 1 of the same Redis: api\.\S+, and this is database 0/)
      expect(finding.remedy).to.include('one REDIS_URL')
      expect(finding.remedy).to.include('stay there until a processor runs on it')
      const onOne = await findings({ REDIS_URL: `${server.url}/1` })
      const wrongOnOne = (check: string) => onOne.find(one => one.check === check && one.verdict !== 'ok')
      expect(wrongOnOne('databases')?.says).to.match(/on database 0 .*processor\./)
      expect(wrongOnOne('processors')?.says).to.match(/no processor .* database 1 here.*; database 0 has processor\./)
      expect(wrongOnOne('processors')?.remedy).to.include('stay there until a processor runs on it')
      // A subscriber there is notified of appends here, and cannot see them.
      expect(wrongOnOne('listeners')?.verdict).to.equal('degraded')
      expect(wrongOnOne('listeners')?.says).to.match(/^1 listening to doctor\.next-due, of other databases/)
      expect((await find('listeners')).verdict).to.equal('ok')
    })

    it('on another database are all named, workers too', async () => {
      await role('processor')
      await role('worker')
      await role('api', { REDIS_URL: `${server.url}/1` })
      const { says } = await find('databases', { REDIS_URL: `${server.url}/1` })
      expect(says).to.match(/on database 0 of the same Redis: processor\.\S+, worker\.\S+, and this is database 1/)
    })

    it('get ✗ if they use two Redis servers', async () => {
      const other = await privateRedis()
      try {
        await role('processor')
        const port = await role('api', { REDIS_URL: other.url })
        const all = await findings({ PORT: port })
        expect(all.find(({ check }) => check === 'apis')?.verdict).to.equal('degraded')
        const here = all.find(({ check }) => check === 'api-here')
        expect(here?.verdict).to.equal('wrong')
        expect(here?.says).to.include('uses another Redis')
        expect(here?.remedy).to.include('one REDIS_URL')
        for (const command of running.splice(0)) await command.stop()
      } finally {
        await other.stop()
      }
    })

    it('keep their identity after a restart of Redis, which changes its run_id', async () => {
      const other = await privateRedis()
      try {
        const port = await role('api', { REDIS_URL: other.url })
        const here = async () =>
          (await findings({ REDIS_URL: other.url, PORT: port })).find(({ check }) => check === 'api-here')?.verdict
        expect(await here()).to.equal('ok')
        await other.kill()
        await other.restart()
        await running[0]?.line(/is back after/)
        // Until it has said again what it is, nothing is said of it.
        await until(async () => (await here()) !== undefined, { what: 'the API to be known again' })
        expect(await here()).to.equal('ok')
        for (const command of running.splice(0)) await command.stop()
      } finally {
        await other.stop()
      }
    })

    it('get ✗ if one of them uses another LULL_PREFIX', async () => {
      await role('api')
      await role('processor', { LULL_PREFIX: 'elsewhere' })
      const finding = await find('prefixes')
      expect(finding.verdict).to.equal('wrong')
      expect(finding.says).to.match(/^with LULL_PREFIX=elsewhere: processor\./)
    })

    it('get ✗ if one of them runs with an outdated environment', async () => {
      await role('api', { LULL_QUIET_GAP_MS: '400' })
      await role('processor')
      // A process says what it is soon after its start.
      const differing = async () => {
        const found = await find('settings')
        return found.verdict === 'wrong' && found
      }
      const finding = await until(differing, { what: 'both processes to have published their settings' })
      expect(finding.says).to.equal('2 processes run with 2 different settings')
      expect(finding.details).to.have.length(1)
      expect(finding.details?.[0]).to.match(/^LULL_QUIET_GAP_MS=400 in api\.\S+, 500 in processor\./)
      expect(finding.remedy).to.include('--update-env')
    })

    it('with different handovers are compared by the settings that both kinds have, a line for each', async () => {
      await role('api', { LULL_HANDOVER: 'http', LULL_HANDOVER_URL: 'http://127.0.0.1:9', LULL_ORDER: 'concurrent' })
      await role('processor')
      const { code, stdout } = await ended(await start(['doctor']))
      expect(code).to.equal(1)
      const from = stdout.findIndex(line => line.startsWith('✗ 2 processes run with 2 different settings'))
      const named = stdout.slice(from + 1, from + 4).map(line => line.replace(/\.[^\s,]+/g, ''))
      expect(named.slice(0, 2).sort()).to.deep.equal([
        '    LULL_HANDOVER=http in api, bullmq in processor',
        '    LULL_ORDER=concurrent in api, serial in processor',
      ])
      expect(named[2]).to.match(/^ {2}→ restart them/)
    })

    it('get ! if none of them runs with this environment', async () => {
      await role('processor')
      const finding = await find('settings', { LULL_MAX_WAIT_MS: '9000' })
      expect(finding.verdict).to.equal('degraded')
      expect(finding.details).to.deep.equal(['LULL_MAX_WAIT_MS=60000 there, 9000 here'])
    })

    it('that stopped or were killed do not count, nor do their settings', async () => {
      await role('processor')
      await running[0]?.kill()
      await until(async () => (await find('processors')).verdict === 'wrong', { what: 'the processor to be gone' })
      expect((await find('settings')).says).to.include('no process')
    })
  })

  describe('batches', () => {
    it('get ✗ if another program deletes headers, and it is named among the clients that could be it', async () => {
      await role('processor')
      const port = await role('api')
      const oldSystem = startOldSystem(server.url, 'doctor')
      try {
        await post(port, 'm1')
        await until(async () => (await find('vanished')).verdict === 'wrong', { what: 'the loss to show' })
        const finding = await find('vanished')
        expect(finding.says).to.match(
          /1 header was deleted before time .*Clients that could be it: 127\.0\.0\.1:\d+ without a name/,
        )
        expect(finding.remedy).to.include('of its own')
      } finally {
        await oldSystem.stop()
      }
    })

    it('get ✗ if another program deleted their messages', async () => {
      const port = await role('api', { LULL_QUIET_GAP_MS: '30000' })
      await post(port, 'm1')
      expect((await find('vanished')).verdict).to.equal('ok')
      await admin.del(`doctor.messages:${CHAT}`)
      const finding = await find('vanished')
      expect(finding.verdict).to.equal('wrong')
      expect(finding.says).to.include(`messages of 1 waiting batch are gone`).and.to.include(CHAT)
    })

    it('that were lost are shown with their age, get ! after a day, and ✓ once the conversation is forgotten', async () => {
      const HOUR_MS = 3_600_000
      const opened = async (conversationId: string, hoursAgo: number) => {
        const [seconds] = await admin.time()
        const atMs = Number(seconds) * 1000 - hoursAgo * HOUR_MS
        const step = { step: 'opened', batchId: `b${hoursAgo}`, conversationId, count: '1' }
        await admin.xadd('doctor.history', `${atMs}-0`, ...Object.entries(step).flat())
      }
      await opened('first@c.us', 25)
      const old = await find('vanished')
      expect(old.verdict).to.equal('degraded')
      expect(old.says).to.include('b25 of first@c.us): lost, the last one came 25 h ago')
      await opened('second@c.us', 3)
      const recent = await find('vanished')
      expect(recent.verdict).to.equal('wrong')
      expect(recent.says).to.include('messages of 2 waiting batches').and.to.include('came 3 h ago')
      expect(recent.remedy).to.include('lull forget <conversation>')
      for (const conversationId of ['first@c.us', 'second@c.us'])
        expect((await ended(await start(['forget', conversationId]))).code).to.equal(0)
      expect((await find('vanished')).verdict).to.equal('ok')
    })

    it('get ! with the remedy if their answers failed for good, although none is dead', async () => {
      const port = await role('api')
      await role('processor')
      await role('worker', { LULL_WORKER_HANDLER: handler, LULL_ANSWER_ATTEMPTS: '1' })
      expect((await find('answers')).says).to.equal('no answer failed in the last day')
      await post(port, 'm1')
      await until(async () => (await find('answers')).verdict === 'degraded', { what: 'the failure to show' })
      const finding = await find('answers')
      expect(finding.says).to.match(
        /^1 answer failed for good in the last day, of 1 \(\S+ of 79000000001@c\.us\), the last/,
      )
      expect(finding.remedy).to.include('worker’s log').and.to.include('/queues')
      expect((await find('dead')).verdict).to.equal('ok')
      await admin.xadd(
        'doctor.history',
        '*',
        'step',
        'answered',
        'batchId',
        'b2',
        'conversationId',
        CHAT,
        'outcome',
        'timeout',
      )
      expect((await find('answers')).says).to.match(/^1 answer failed for good and 1 answer took longer than/)
    })

    describe('with LULL_ANSWERING=supersede', () => {
      const SUPERSEDE = { LULL_ANSWERING: 'supersede', LULL_EARLY_START_MS: '30' }
      const options = () => ({
        redis: server.url,
        prefix: 'doctor',
        answering: 'supersede' as const,
        earlyStartMs: 30,
        quietGapMs: 200,
      })
      const closing: (() => Promise<void>)[] = []
      afterEach(async () => {
        for (const close of closing.splice(0).reverse()) await close()
      })

      /** Answers one batch. */
      const answer = async (handle: CommittingHandle) => {
        const processor = new Processor({ ...options(), handle })
        const batcher = new Batcher(options())
        closing.push(
          () => batcher.close(),
          () => processor.stop(),
        )
        await processor.start()
        await batcher.append(CHAT, { messageId: `m${Date.now()}`, text: 'hi' })
        const isAnswered = async () => (await batcher.history({ limit: 1 }))[0]?.step === 'answered'
        await until(isAnswered, { what: 'the answer' })
        await processor.stop()
      }

      const step = (name: string, batchId: string, ...detail: string[]) =>
        admin.xadd('doctor.history', '*', 'step', name, 'batchId', batchId, 'conversationId', CHAT, ...detail)

      it('get ✓ if their answers are committed, and nothing is said of commits in queue mode', async () => {
        await answer((_batch, { commit }) => commit())
        expect(await find('commits', SUPERSEDE)).to.deep.equal({
          check: 'commits',
          verdict: 'ok',
          says: '1 answer was committed in the last day, 0 of 1 batch superseded',
        })
        expect((await findings()).filter(({ check }) => check === 'commits')).to.deep.equal([])
      })

      it('get ! with the remedy if none was ever committed, or only those of some workers', async () => {
        await answer(() => {})
        const none = await find('commits', SUPERSEDE)
        expect(none.verdict).to.equal('degraded')
        expect(none.says).to.match(
          /^1 answer was not committed in the last day, the last one less than a minute ago \(\S+ of \S+\); none was ever/,
        )
        expect(none.remedy).to.include('commit()').and.to.include('LULL_ANSWERING=queue')
        await answer((_batch, { commit }) => commit())
        expect((await find('commits', SUPERSEDE)).says).to.include('; 1 other was: ')
      })

      it('get ! if none of many starts early although the setting is here', async () => {
        for (let i = 0; i < 20; i++) await step('claimed', `b${i}`, 'reason', 'gap')
        const finding = await find('commits', SUPERSEDE)
        expect(finding.says).to.equal(
          'LULL_EARLY_START_MS=30 is set here, and none of the last 20 batches started early',
        )
        expect(finding).to.include({ verdict: 'degraded' })
        await step('claimed', 'b20', 'reason', 'early')
        expect((await find('commits', SUPERSEDE)).verdict).to.equal('ok')
      })

      it('get ! if more than half of them are superseded', async () => {
        for (let i = 0; i < 20; i++) {
          await step('claimed', `b${i}`, 'reason', 'early')
          await step(i < 11 ? 'superseded' : 'committed', `b${i}`)
        }
        const finding = await find('commits', SUPERSEDE)
        expect(finding).to.include({
          verdict: 'degraded',
          says: '9 answers were committed in the last day, 11 of 20 batches superseded (55 %): the handler’s work on them was in vain',
        })
        expect(finding.remedy).to.match(/^raise LULL_EARLY_START_MS=30: /)
      })
    })

    it('are read from the history in one pass', async () => {
      await role('processor')
      await admin.config('RESETSTAT')
      await findings()
      const calls = /cmdstat_xrevrange:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1]
      expect(calls).to.equal('1')
    })

    it('get ! if no processor claims them', async () => {
      const port = await role('api', { LULL_QUIET_GAP_MS: '10' })
      await post(port, 'm1')
      await until(async () => (await find('overdue')).verdict === 'degraded', { what: 'the batch to be overdue' })
      expect((await find('overdue')).says).to.match(/the oldest batch has been due for \d/)
    })

    it('get ✗ if one is dead, with its error and the remedy', async () => {
      const http = {
        LULL_HANDOVER: 'http',
        LULL_HANDOVER_URL: `http://127.0.0.1:${await freePort()}`,
        LULL_MAX_ATTEMPTS: '1',
      }
      await role('processor', http)
      const port = await role('api', http)
      await post(port, 'm1')
      await until(async () => (await find('dead')).verdict === 'wrong', { what: 'the batch to die' })
      expect((await find('dead')).remedy).to.include('lull dead redrive')
    })

    it('get ! for a webhook that a proxy forwarded to an API without any secret', async () => {
      const port = await role('api', {})
      expect((await find('trust')).says).to.include('only from programs on this machine')
      expect(await post(port, 'm1', 'meta', { 'X-Forwarded-For': '203.0.113.9' })).to.equal(401)
      await until(async () => (await find('webhooks')).verdict === 'degraded', { what: 'the refusal to be known' })
      expect((await find('webhooks')).says).to.include('meta exposed 1')
    })

    it('get ! for providers that need no proof', async () => {
      await role('api', { WHATSAPP_APP_SECRET: 'shh', LULL_ALLOW_UNSIGNED: 'wppconnect' })
      const finding = await find('trust')
      expect(finding.verdict).to.equal('degraded')
      expect(finding.says).to.include('webhooks of wppconnect need no proof')
    })

    it('get ! for refused webhooks, by provider and reason, with what to do about them', async () => {
      const port = await role('api', { WHATSAPP_APP_SECRET: 'shh' })
      expect(await post(port, 'm1', 'meta')).to.equal(401)
      await until(async () => (await find('webhooks')).verdict === 'degraded', { what: 'the refusal to be known' })
      const finding = await find('webhooks')
      expect(finding.says).to.include('meta missing 1')
      expect(finding.remedy, 'of this reason alone').to.match(/^missing: compare the provider’s secret [^;:]*$/)
    })
  })
})

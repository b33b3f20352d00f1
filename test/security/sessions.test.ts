/** The page's sessions: what the cookie proves, what it does not, and how it ends. */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { MemoryStore } from '../../src/store/memory/store.js'
import { type LullProcess, lull } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const TOKEN = 'a-token'
const HTML = { Accept: 'text/html', Authorization: '' }

describe('sessions in memory', () => {
  it('end when they were not used for their time, and are renewed by use', async () => {
    let nowMs = 0
    const { sessions } = new MemoryStore({ now: () => nowMs })
    await sessions.begin('x', 100)
    for (nowMs = 90; nowMs < 900; nowMs += 90) expect(await sessions.use('x', 100)).to.equal(true)
    nowMs += 100
    expect(await sessions.use('x', 100)).to.equal(false)
  })

  it('end together by a new generation, and one by one', async () => {
    const { sessions } = new MemoryStore()
    for (const digest of ['x', 'y']) await sessions.begin(digest, 1000)
    await sessions.end('x')
    expect([await sessions.use('x', 1000), await sessions.use('y', 1000)]).to.deep.equal([false, true])
    await sessions.endAll()
    expect(await sessions.use('y', 1000)).to.equal(false)
    expect(await sessions.generation()).to.equal(1)
  })
})

describe('sessions of several APIs on one Redis', function () {
  this.timeout(60_000)
  let running: LullProcess[]
  let env: Record<string, string>
  let redis: Redis

  beforeEach(async () => {
    running = []
    const prefix = uniquePrefix()
    env = { REDIS_URL: await testRedis(), LULL_PREFIX: prefix, LULL_API_TOKEN: TOKEN, PORT: '0' }
    redis = new Redis(await testRedis())
  })
  afterEach(async () => {
    for (const command of running) await command.kill()
    redis.disconnect()
  })

  const start = async (args: string[], more: Record<string, string> = {}) => {
    const command = await lull(args, { ...env, ...more })
    running.push(command)
    return command
  }

  const api = async (more: Record<string, string> = {}) => {
    const process = await start(['api'], more)
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(await process.line(/api listens on/))?.[0] ?? ''
    return { process, url }
  }

  /** The session's id, which the cookie of one port carries. */
  const enter = async (url: string, token = TOKEN) => {
    const { headers } = await fetch(`${url}/?token=${token}`, { headers: HTML })
    return /^lull-\d+=([\w-]{43});/.exec(headers.get('set-cookie') ?? '')?.[1] ?? ''
  }

  /** As a browser would send it to several APIs behind one port. */
  const cookie = (url: string, id: string) => ({ Cookie: `lull-${new URL(url).port}=${id}` })
  const statusOf = async (url: string, id: string, path = '/page/state') =>
    (await fetch(url + path, { headers: cookie(url, id) })).status

  const rotate = async () => {
    const command = await start(['token', 'rotate'])
    expect((await command.exit).code).to.equal(0)
    return command.stdout.join('\n')
  }

  it('hold in each of them, are random, and Redis has neither their ids nor the token', async () => {
    const [one, other] = [await api(), await api()]
    const [first, second] = [await enter(one.url), await enter(one.url)]
    expect(first).to.match(/^[\w-]{43}$/)
    expect(first).not.to.equal(second)
    for (const { url } of [one, other]) expect(await statusOf(url, first)).to.equal(200)
    expect(
      await statusOf(
        other.url,
        first.replace(/^./, c => (c === 'a' ? 'b' : 'a')),
      ),
    ).to.equal(401)
    const values = await redis.mget(`${env['LULL_PREFIX']}.session:${first}`, `${env['LULL_PREFIX']}.session:${TOKEN}`)
    expect(values).to.deep.equal([null, null])
  })

  it('end everywhere by lull token rotate, open streams included', async () => {
    const [one, other] = [await api(), await api()]
    const id = await enter(one.url)
    const stream = await fetch(`${other.url}/events`, { headers: cookie(other.url, id) })
    expect(stream.status).to.equal(200)
    const ended = stream.text().then(
      () => 'ended',
      () => 'ended',
    )
    expect(await rotate()).to.match(/all sessions of the page have ended; LULL_API_TOKEN is still valid/)
    for (const { url } of [one, other]) expect(await statusOf(url, id)).to.equal(401)
    expect(await ended).to.equal('ended')
    expect(await statusOf(one.url, await enter(one.url))).to.equal(200)
  })

  it('end by a restart with another token, and outlast one with the same', async () => {
    const one = await api()
    const id = await enter(one.url)
    await one.process.stop()
    const same = await api()
    expect(await statusOf(same.url, id)).to.equal(200)
    const other = await api({ LULL_API_TOKEN: 'another-token' })
    expect(await statusOf(other.url, id)).to.equal(401)
  })

  it('end by the page’s button, which another site cannot press', async () => {
    const { url } = await api()
    const id = await enter(url)
    const leave = (headers: Record<string, string>) =>
      fetch(`${url}/page/session`, { method: 'DELETE', headers: { ...cookie(url, id), ...headers } })
    expect((await leave({ 'Sec-Fetch-Site': 'same-site' })).status).to.equal(403)
    expect(await statusOf(url, id)).to.equal(200)
    const left = await leave({ 'Sec-Fetch-Site': 'same-origin' })
    expect(left.status).to.equal(204)
    expect(left.headers.get('set-cookie')).to.match(/=; .*Max-Age=0/)
    expect(await statusOf(url, id)).to.equal(401)
  })

  it('end in Redis by their TTL, which each use renews', async () => {
    const { url } = await api()
    const id = await enter(url)
    const { createHmac } = await import('node:crypto')
    const key = `${env['LULL_PREFIX']}.session:${createHmac('sha256', TOKEN).update(id).digest('base64url')}`
    expect(await redis.pttl(key)).to.be.within(11 * 3_600_000, 12 * 3_600_000)
    await redis.pexpire(key, 60_000)
    expect(await statusOf(url, id)).to.equal(200)
    expect(await redis.pttl(key)).to.be.above(11 * 3_600_000)
    await redis.pexpire(key, 1)
    await until(async () => (await redis.exists(key)) === 0)
    expect(await statusOf(url, id)).to.equal(401)
  })

  it('lull token rotate replaces a token that lull up made, and lull up prints the new link', async () => {
    delete env['LULL_API_TOKEN']
    const up = await start(['up'])
    const [, url = '', token = ''] = /(http:\/\/\S+?)\/\?token=(\S+)/.exec(await up.line(/\?token=/)) ?? []
    const id = await enter(url, token)
    expect(await statusOf(url, id)).to.equal(200)
    expect(await rotate()).to.include('prints the new link')
    expect(await statusOf(url, id)).to.equal(401)
    const [, next = ''] = /\?token=(\S+)/.exec(await up.line(/The token was replaced/)) ?? []
    expect(next).not.to.equal(token)
    const asked = (bearer: string) => fetch(`${url}/dead`, { headers: { authorization: `Bearer ${bearer}` } })
    expect((await asked(token)).status).to.equal(401)
    expect((await asked(next)).status).to.equal(200)
    expect(await statusOf(url, await enter(url, next))).to.equal(200)
  })
})

/** Who is let in to the page, with what, and what a browser may do with it. */
import { once } from 'node:events'
import { get, IncomingMessage } from 'node:http'
import { expect } from 'chai'
import { Comparisons } from '../../../src/api/comparison.js'
import type { DashboardOptions } from '../../../src/api/dashboard.js'
import { LiveEvents } from '../../../src/api/events.js'
import { rulesFrom } from '../../../src/rules.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { StoreUnavailable } from '../../../src/store/store.js'
import { until } from '../../support/wait.js'
import { type Serving, serve, TOKEN } from './serving.js'

const HTML = { Accept: 'text/html', Authorization: '' }
const MESSAGE = { messageId: 'm1', text: 'hi' }

describe('page', () => {
  let serving: Serving
  let live: LiveEvents

  const start = async (options: Parameters<typeof serve>[0] = {}) => {
    live = new LiveEvents(new MemoryStore())
    const comparisons = new Comparisons(rulesFrom())
    const dashboard: DashboardOptions = { live, comparisons, version: '1.2.3', batching: true, isOwnWorker: false }
    serving = await serve({ dashboard, ...options })
  }

  afterEach(async () => {
    await live.close()
    await serving.close(1000)
  })

  /** The cookie that the link with the token is traded for, with what belongs to it. */
  const enter = async () => {
    const { headers } = await serving.call('GET', `/?token=${TOKEN}`, undefined, HTML)
    return headers.get('set-cookie') ?? ''
  }

  const withCookie = async (more: Record<string, string> = {}) => ({
    ...HTML,
    Cookie: (await enter()).split(';')[0] ?? '',
    ...more,
  })

  it('says at /queues why there is no queue, to those who have the token', async () => {
    live = new LiveEvents(new MemoryStore())
    const comparisons = new Comparisons(rulesFrom())
    const parts = { live, comparisons, version: '1.2.3', batching: true, isOwnWorker: false }
    serving = await serve({ dashboard: { ...parts, noQueue: 'no queue: a batch is POSTed' } })
    const { status, json } = await serving.call('GET', '/queues')
    expect([status, json]).to.deep.equal([404, { error: 'no queue: a batch is POSTed' }])
    const stranger = await serving.call('GET', '/queues', undefined, { Authorization: '' })
    expect(stranger.status).to.equal(401)
    expect(stranger.text).not.to.include('POSTed')
  })

  it('trades the link’s token for a cookie that is HttpOnly and SameSite=Strict', async () => {
    await start()
    const cookie = await enter()
    const { port } = new URL(serving.url)
    expect(cookie).to.match(new RegExp(`^lull-${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`))
    expect(cookie).not.to.include(TOKEN)
    const entered = await serving.call('GET', `/?token=${TOKEN}`, undefined, HTML)
    expect(entered.text).to.include('url=./"').and.not.to.include(TOKEN)
    expect(entered.headers.get('referrer-policy')).to.equal('no-referrer')
    const page = await serving.call('GET', '/', undefined, await withCookie())
    expect(page.status).to.equal(200)
    expect(page.text).to.include('page/app.js')
  })

  it('the cookie is Secure if the browser came through an https LULL_PUBLIC_URL', async () => {
    await start({ publicUrl: 'https://lull.example' })
    expect(await enter()).not.to.include('Secure')
    // fetch sends the host of the address, whatever header it is given.
    const outside = get(`${serving.url}/?token=${TOKEN}`, { headers: { Host: 'lull.example' } })
    const [response]: unknown[] = await once(outside, 'response')
    if (!(response instanceof IncomingMessage)) throw new Error('no response')
    response.resume()
    expect(response.headers['set-cookie']?.[0]).to.match(/^lull=.*; Secure$/)
  })

  it('a browser without the token gets the login form, a program JSON', async () => {
    await start()
    for (const [path, isTried] of [
      ['/', false],
      ['/?token=', false],
      ['/?token=wrong', true],
    ] as const) {
      const asked = await serving.call('GET', path, undefined, HTML)
      expect(asked.status).to.equal(401)
      expect(asked.text).to.include('<form method="post" action="./">')
      expect(asked.headers.get('set-cookie')).to.equal(null)
      expect(asked.headers.get('content-security-policy')).to.include("default-src 'none'")
      expect(asked.text, path).to.match(isTried ? /role="alert">That is not the token</ : /role="alert" hidden>/)
      expect(asked.text, 'what was tried').not.to.include('wrong')
    }
    const response = await serving.call('GET', '/', undefined, { Authorization: '' })
    expect([response.status, response.json]).to.deep.equal([
      401,
      { error: 'send the header "Authorization: Bearer <LULL_API_TOKEN>"' },
    ])
  })

  it('tells a browser in words that Redis is away, and a program in JSON', async () => {
    await start()
    const cookie = await withCookie()
    const fail = async () => {
      throw new StoreUnavailable('connection', 'Redis at 127.0.0.1:1 can not be reached')
    }
    const { sessions } = serving.store
    sessions.begin = fail
    sessions.use = fail
    const form = { ...HTML, 'content-type': 'application/x-www-form-urlencoded', Origin: serving.url }
    for (const [method, path, body, headers] of [
      ['GET', `/?token=${TOKEN}`, undefined, HTML],
      ['GET', '/', undefined, cookie],
      ['POST', '/', `token=${TOKEN}`, form],
    ] as const) {
      const away = await serving.call(method, path, body, headers)
      expect([away.status, away.headers.get('retry-after')], `${method} ${path}`).to.deep.equal([503, '5'])
      expect(away.text)
        .to.match(/role="alert">\s*Redis cannot be used now/)
        .and.not.include('127.0.0.1:1')
      expect(away.text).to.include('role="alert" hidden>That is not the token')
    }
    const program = await serving.call('GET', `/?token=${TOKEN}`, undefined, { Authorization: '' })
    expect(program.json).to.have.property('error').that.includes('Redis cannot be used now')
  })

  it('accepts the token from its own form, and refuses another site’s', async () => {
    await start()
    const form = { ...HTML, 'content-type': 'application/x-www-form-urlencoded' }
    const post = (token: string, origin: string) =>
      serving.call('POST', '/', `token=${token}`, { ...form, Origin: origin })
    expect((await post(TOKEN, serving.url)).headers.get('set-cookie')).to.include('HttpOnly')
    const refused = await post('wrong', serving.url)
    expect(refused.status).to.equal(401)
    expect(refused.text).to.include('role="alert">That is not the token')
    expect((await post(TOKEN, 'https://elsewhere.example')).status).to.equal(403)
  })

  it('a cookie changes something only if the request comes from the page itself', async () => {
    await start()
    const append = async (headers: Record<string, string>) =>
      (await serving.call('POST', '/conversations/a/messages', MESSAGE, await withCookie(headers))).status
    const drop = async (headers: Record<string, string>) =>
      (await serving.call('DELETE', '/conversations/a', undefined, await withCookie(headers))).status
    for (const change of [append, drop]) {
      expect(await change({})).to.equal(403)
      expect(await change({ Origin: 'http://127.0.0.1:1' })).to.equal(403)
      expect(await change({ Origin: 'null' })).to.equal(403)
      expect(await change({ 'Sec-Fetch-Site': 'same-site', Origin: serving.url })).to.equal(403)
      expect(await change({ 'Sec-Fetch-Site': 'cross-site' })).to.equal(403)
      expect(await change({ Origin: serving.url })).to.equal(200)
      expect(await change({ 'Sec-Fetch-Site': 'same-origin' })).to.equal(200)
    }
    // A program with the token has no origin.
    expect((await serving.call('POST', '/conversations/a/messages', MESSAGE)).status).to.equal(200)
  })

  it('refuses requests with neither token nor cookie, on all of its routes', async () => {
    await start()
    for (const path of ['/page/state', '/page/history', '/page/lives', '/events', '/conversations', '/dead'])
      for (const Cookie of ['', 'lull=x; lull-80=y']) {
        const headers = { Authorization: '', Cookie }
        expect((await serving.call('GET', path, undefined, headers)).status, path).to.equal(401)
      }
  })

  it('refuses every request if no token is set', async () => {
    await start({ apiToken: '' })
    expect((await serving.call('GET', '/?token=', undefined, HTML)).status).to.equal(401)
    const response = await serving.call('GET', '/page/state', undefined, { Authorization: '' })
    expect(response.text).to.include('set LULL_API_TOKEN')
  })

  it('its Content-Security-Policy allows only its own files, and it has nothing inline', async () => {
    await start()
    const { headers, text } = await serving.call('GET', '/', undefined, await withCookie())
    const policy = headers.get('content-security-policy')
    expect(policy).to.include("default-src 'none'").and.include("script-src 'self';").and.include("style-src 'self';")
    expect(policy).to.include("frame-ancestors 'none'").and.not.to.include('unsafe')
    expect(text).not.to.match(/<script(?![^>]* src=)|<style| style=| on\w+=/)
  })

  it('has only relative addresses, and names only files that exist', async () => {
    await start()
    const { text } = await serving.call('GET', '/', undefined, await withCookie())
    const addresses = [...text.matchAll(/(?:href|src)="([^"#][^"]*)"/g)].map(([, address = '']) => address)
    expect(addresses).to.include.members(['page/app.js', 'page/base.css'])
    const seen = new Set<string>()
    const follow = async (address: string) => {
      if (seen.has(address)) return
      seen.add(address)
      expect(address).not.to.match(/^\/|:/)
      const file = await serving.call('GET', `/${address}`, undefined, { Authorization: '' })
      expect(file.status, address).to.equal(200)
      const imports = [...file.text.matchAll(/(?:from|import) ?['"](\.[^'"]+)['"]/g)].map(([, path = '']) => path)
      for (const path of imports) await follow(new URL(path, `http://page/${address}`).pathname.slice(1))
      const links = [...file.text.matchAll(/ (?:href|src)="([^"#$][^"]*)"/g)].map(([, link = '']) => link)
      expect(
        links.filter(link => /^\/|:/.test(link)),
        address,
      ).to.deep.equal([])
    }
    for (const address of addresses) await follow(address)
    expect(seen.size).to.be.greaterThan(30)
    expect((await serving.call('GET', '/page/..%2f..%2fpackage.json')).status).to.equal(404)
  })

  it('a file that has not changed is 304', async () => {
    await start()
    const first = await serving.call('GET', '/page/app.js')
    const again = await serving.call('GET', '/page/app.js', undefined, {
      'If-None-Match': first.headers.get('etag') ?? '',
      // Else fetch asks for a fresh one itself.
      'Cache-Control': 'max-age=0',
      Pragma: '',
    })
    expect([again.status, again.text]).to.deep.equal([304, ''])
  })

  it('shows each provider’s last accepted webhook, and its last refused one with the reason', async () => {
    await start({ providers: { meta: { appSecret: 'hush' }, allowUnsigned: ['generic'] } })
    await serving.call('POST', '/webhook/whatsapp/batched/generic', { chatId: 'a', ...MESSAGE })
    await serving.call('POST', '/webhook/whatsapp/batched/generic', { chatId: 'a', ...MESSAGE })
    await serving.call('POST', '/webhook/whatsapp/batched/meta', {})
    await serving.call('POST', '/webhook/whatsapp/batched/waha', {})
    const { json } = await serving.call('GET', '/page/state')
    const said = JSON.stringify(json)
    expect(said).to.match(/"provider":"generic","accepted":\{"atMs":\d+,"counts":\{"accepted":0,"duplicates":1/)
    expect(said).to.match(/"provider":"meta","refused":\{"atMs":\d+,"reason":"missing","count":1/)
    expect(said).to.match(/"provider":"waha","refused":\{"atMs":\d+,"reason":"unsigned","count":1/)
    expect(said).not.to.include('hush')
  })

  it('with texts hidden, no route shows what people wrote', async () => {
    await start({ showTexts: false })
    const secret = { messageId: 'm1', text: 'a secret', senderName: 'Irina', media: { fileName: 'passport.jpg' } }
    await serving.call('POST', '/conversations/a/messages', secret)
    await serving.store.flush('a')
    for (let attempt = 1; attempt <= serving.store.rules.maxAttempts; attempt++)
      await until(async () => {
        const { batches } = await serving.store.claim({ owner: 'p', maxBatches: 1, maxBytes: 1e6 })
        for (const { batchId, lease } of batches)
          await serving.store.nack({ batchId, lease, delayMs: 0, counts: true, error: 'no' })
        return batches.length > 0
      })
    await serving.call('POST', '/conversations/a/messages', { ...secret, messageId: 'm2' })
    const conversation = await serving.call('GET', '/conversations/a')
    const dead = await serving.call('GET', '/dead')
    const state = await serving.call('GET', '/page/state')
    const history = await serving.call('GET', '/page/history')
    expect(conversation.text).to.include('"messageId":"m2"')
    expect(dead.text).to.include('"messageId":"m1"')
    expect(state.text).to.include('"showTexts":false')
    for (const { text } of [conversation, dead, state, history])
      expect(text).not.to.include('secret').and.not.to.include('Irina').and.not.to.include('passport')
  })
})

/** Who may post without proof: only programs on this machine, and only while nothing says otherwise. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import type { AppOptions } from '../../src/api/app.js'
import { silent } from '../../src/logger.js'
import { PROVIDERS } from '../../src/providers/registry.js'
import { FORWARDING_HEADERS } from '../../src/webhook/exposure.js'
import { Rejections } from '../../src/webhook/rejections.js'
import { type Serving, serve } from '../unit/api/serving.js'
import { headOf, rawRequest } from './raw-request.js'

const PATHS = ['/webhook/whatsapp', '/webhook/whatsapp/batched']
const META = readFileSync('test/fixtures/webhooks/meta/text.json', 'utf8')

describe('webhooks without any secret', () => {
  let api: Serving
  let rejections: Rejections
  async function start(options: Partial<AppOptions> = {}) {
    rejections = new Rejections(silent)
    api = await serve({ rejections, ...options })
  }
  afterEach(() => api.close(0))

  const post = (path: string, headers: Record<string, string> = {}, body = META) => {
    const head = headOf(path, headers, Buffer.byteLength(body))
    return rawRequest(api.url, head + body)
  }

  it('are accepted from a program on this machine', async () => {
    await start()
    for (const path of PATHS) expect((await post(path)).status, path).to.equal(200)
  })

  it('are refused, and counted, if a proxy forwards them, whatever header shows it', async () => {
    await start()
    for (const name of FORWARDING_HEADERS)
      for (const value of ['203.0.113.9', ''])
        for (const path of PATHS.flatMap(path => [path, `${path}/meta`, `${path}/generic`]))
          expect((await post(path, { [name]: value })).status, `${name}: ${value} ${path}`).to.equal(401)
    const counts = FORWARDING_HEADERS.length * 2
    expect(rejections.all.map(({ provider, reason, count }) => [provider, reason, count])).to.deep.equal([
      ['unknown', 'exposed', counts * 2],
      ['meta', 'exposed', counts * 2],
      ['generic', 'exposed', counts * 2],
    ])
    expect(api.store.appended).to.equal(0)
  })

  for (const options of [{ isExposed: true }, { publicUrl: 'https://bot.example' }])
    it(`are refused if the API is exposed: ${JSON.stringify(options)}`, async () => {
      await start(options)
      for (const { name } of PROVIDERS)
        for (const path of PATHS) expect((await post(`${path}/${name}`)).status, name).to.equal(401)
      for (const path of PATHS) expect((await post(path)).status).to.equal(401)
    })

  it('are accepted of the providers that are named, exposed or not, and of no other one', async () => {
    for (const isExposed of [true, false]) {
      await start({ isExposed, providers: { allowUnsigned: ['wppconnect'] } })
      const [file = ''] = readdirSync('test/fixtures/webhooks/wppconnect')
      const body = readFileSync(`test/fixtures/webhooks/wppconnect/${file}`, 'utf8')
      const forwarded = { 'X-Forwarded-For': '203.0.113.9' }
      for (const headers of [{}, forwarded])
        for (const path of PATHS) {
          expect((await post(path, headers, body)).status).to.equal(200)
          expect((await post(path, headers)).status, 'Meta’s').to.equal(401)
          expect((await post(`${path}/generic`, headers)).status, 'generic').to.equal(401)
        }
      await api.close(0)
    }
    await start()
  })
})

describe('webhooks from a web page', () => {
  let api: Serving
  const rejections = new Rejections(silent)
  beforeEach(async () => {
    api = await serve({ rejections, providers: { allowUnsigned: 'all' } })
  })
  afterEach(() => api.close(0))

  const PAGES: Record<string, string>[] = [
    { Origin: 'http://evil.example' },
    { Origin: 'null' },
    { Origin: '' },
    { Origin: 'http://127.0.0.1:3000', 'Sec-Fetch-Site': 'none' },
    ...['cross-site', 'same-site', 'same-origin', ''].map(site => ({ 'Sec-Fetch-Site': site })),
  ]

  for (const path of PATHS.flatMap(path => [path, `${path}/`, ...PROVIDERS.map(({ name }) => `${path}/${name}`)]))
    it(`${path} refuses them before the body, by any method, and counts them`, async () => {
      const before = rejections.all.reduce((sum, { count }) => sum + count, 0)
      for (const headers of PAGES)
        for (const method of ['POST', 'GET', 'OPTIONS', 'PUT']) {
          const head = headOf(path, headers).replace('POST', method)
          expect((await rawRequest(api.url, head)).status, `${method} ${JSON.stringify(headers)}`).to.equal(403)
        }
      expect(rejections.all.reduce((sum, { count }) => sum + count, 0) - before).to.equal(PAGES.length * 4)
      expect(rejections.all.every(({ reason }) => reason === 'browser')).to.equal(true)
      expect(api.store.appended).to.equal(0)
    })

  it('a person who types the address into the browser gets the reason of the handshake', async () => {
    const response = await rawRequest(
      api.url,
      headOf(PATHS[0] ?? '', { 'Sec-Fetch-Site': 'none' }, 0).replace('POST', 'GET'),
    )
    expect(response.status).to.equal(400)
  })
})

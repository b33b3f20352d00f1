/** What is refused before a byte of the body is read: only the head is sent, and the response comes all the same. */
import type { RequestListener } from 'node:http'
import { expect } from 'chai'
import Fastify from 'fastify'
import Koa from 'koa'
import { DEFAULT_MAX_BODY_BYTES as MAX_BODY_BYTES } from '../../src/http/body-bounds.js'
import { type Listening, listen } from '../../src/http/listen.js'
import { PROVIDERS, type ProvidersOptions } from '../../src/providers/registry.js'
import { toFastify } from '../../src/webhook/fastify.js'
import { webhook } from '../../src/webhook/fetch.js'
import { toKoa } from '../../src/webhook/koa.js'
import { toNode } from '../../src/webhook/node.js'
import { type Serving, serve } from '../unit/api/serving.js'
import { Recorder } from '../unit/webhook/recorder.js'
import { headOf, rawRequest } from './raw-request.js'

const providers: ProvidersOptions = {
  meta: { appSecret: 'hush' },
  greenApi: { webhookToken: 'hush' },
  waha: { hmacKey: 'hush' },
  evolution: { apiKey: 'hush' },
  twilio: { authToken: 'hush', publicUrl: 'https://bot.example' },
  wazzup: { crmKey: 'hush' },
  wwebjs: { apiKey: 'hush' },
}

/** Per provider: headers that only pretend to be a proof, as far as that shows without the body. */
const WRONG: Record<string, Record<string, string>[]> = {
  meta: [{ 'X-Hub-Signature-256': 'sha256=abc' }, { 'X-Hub-Signature-256': '' }],
  'green-api': [{ Authorization: 'Bearer other' }, { Authorization: 'Basic other' }],
  waha: [{ 'X-Webhook-Hmac': 'abc' }],
  evolution: [{ apikey: 'other' }, { Authorization: 'Bearer a.b.c' }, { Authorization: 'Bearer other' }],
  twilio: [{ 'X-Twilio-Signature': 'abc' }],
  wazzup: [{ Authorization: 'Bearer other' }],
  wwebjs: [{ 'x-api-key': 'other' }],
}

const SIGNED = PROVIDERS.filter(provider => 'signature' in provider).map(({ name }) => name)

describe('before the body is read', () => {
  let api: Serving
  beforeEach(async () => {
    api = await serve({ providers })
  })
  afterEach(() => api.close(0))

  for (const direct of ['', '/batched']) {
    const path = `/webhook/whatsapp${direct}`

    for (const name of SIGNED)
      it(`POST ${path}/${name} without its header, or with a wrong one, is 401`, async () => {
        expect(WRONG, 'an entry for each provider that signs').to.have.property(name)
        for (const headers of [{}, ...(WRONG[name] ?? [])])
          expect((await rawRequest(api.url, headOf(`${path}/${name}`, headers))).status).to.equal(401)
      })

    it(`POST ${path} without the header of any provider is 401`, async () => {
      for (const headers of [{}, ...Object.values(WRONG).flat()])
        expect((await rawRequest(api.url, headOf(path, headers))).status).to.equal(401)
    })

    it(`POST ${path} of a provider without a secret is 401, of an unknown provider 404`, async () => {
      expect((await rawRequest(api.url, headOf(`${path}/wppconnect`, {}))).status).to.equal(401)
      expect((await rawRequest(api.url, headOf(`${path}/telegraph`, {}))).status).to.equal(404)
    })

    it(`POST ${path} with a Content-Length over the limit is 413, compressed 415`, async () => {
      const headers = { 'X-Hub-Signature-256': `sha256=${'a'.repeat(64)}` }
      expect((await rawRequest(api.url, headOf(`${path}/meta`, headers, MAX_BODY_BYTES + 1))).status).to.equal(413)
      const compressed = { ...headers, 'Content-Encoding': 'gzip' }
      expect((await rawRequest(api.url, headOf(`${path}/meta`, compressed))).status).to.equal(415)
    })

    it(`PUT ${path} is 405`, async () => {
      const head = headOf(`${path}/meta`, {}).replace('POST', 'PUT')
      expect((await rawRequest(api.url, head)).status).to.equal(405)
    })
  }

  it('a right header alone is not refused: the body is waited for', async () => {
    for (const [name, headers] of [
      ['meta', { 'X-Hub-Signature-256': `sha256=${'a'.repeat(64)}` }],
      ['wwebjs', { 'x-api-key': 'hush' }],
      ['evolution', { apikey: 'hush' }],
      ['green-api', { Authorization: 'Bearer hush' }],
    ] as const)
      for (const path of ['/webhook/whatsapp/batched', `/webhook/whatsapp/batched/${name}`]) {
        const head = headOf(path, headers, 1)
        const outcome = await rawRequest(api.url, head, 200).catch(() => 'waits')
        expect(outcome, `${name} ${path}`).to.equal('waits')
        expect((await rawRequest(api.url, `${head}x`)).status).to.be.oneOf([400, 401])
      }
  })
})

describe('before the body is read, in servers of the library’s users', () => {
  let server: Listening | undefined
  afterEach(() => server?.close(0))

  const receive = () => webhook({ batcher: new Recorder(), providers, provider: 'meta' })
  const listeners: Record<string, () => RequestListener> = {
    toNode: () => {
      const handle = toNode(receive())
      return (req, res) => void handle(req, res)
    },
    toKoa: () => new Koa().use(toKoa(receive())).callback(),
    toFastify: () => {
      const app = Fastify()
      app.register(toFastify(receive()), { prefix: '/hook' })
      return (req, res) => void app.ready().then(() => app.routing(req, res))
    },
  }
  for (const [name, listener] of Object.entries(listeners))
    it(`${name}: a missing signature is 401, a web page 403`, async () => {
      server = await listen(listener(), { host: '127.0.0.1', port: 0 })
      expect((await rawRequest(server.url, headOf('/hook', {}))).status).to.equal(401)
      expect((await rawRequest(server.url, headOf('/hook', { Origin: 'null' }))).status).to.equal(403)
    })

  it('fetch: the body’s stream is not touched', async () => {
    let pulled = 0
    const body = new ReadableStream(
      {
        pull(controller) {
          pulled += 1
          controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    const init: RequestInit & { duplex: 'half' } = { method: 'POST', body, duplex: 'half' }
    expect((await receive()(new Request('http://localhost/hook', init))).status).to.equal(401)
    expect(pulled).to.equal(0)
  })
})

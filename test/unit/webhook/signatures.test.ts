/** Every provider with a secret: only what it signed is accepted, on every path. */
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import jsonwebtoken from 'jsonwebtoken'
import { Refusal } from '../../../src/http/refusal.js'
import type { Observer } from '../../../src/observer.js'
import { providers as known, type ProvidersOptions } from '../../../src/providers/registry.js'
import { Receiver } from '../../../src/webhook/receive.js'
import { Rejections } from '../../../src/webhook/rejections.js'
import { Recorder } from './recorder.js'

const fixture = (file: string) => readFileSync(new URL(`../../fixtures/webhooks/${file}`, import.meta.url))
const SECRET = 'the-secret-that-is-set'
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

interface Case {
  name: string
  file: string
  options: ProvidersOptions
  /** Headers of a genuine webhook of this body. */
  headers(body: Buffer, secret: string): Record<string, string> | Promise<Record<string, string>>
}

const hmac = (algorithm: string, body: Buffer, secret: string) =>
  createHmac(algorithm, secret).update(body).digest('hex')
const jwt = (secret: string, expiresInS = 600) =>
  jsonwebtoken.sign({ app: 'evolution', action: 'webhook' }, secret, { algorithm: 'HS256', expiresIn: expiresInS })

const cases: Case[] = [
  {
    name: 'meta',
    file: 'meta/text.json',
    options: { meta: { appSecret: SECRET } },
    headers: (body, secret) => ({ 'x-hub-signature-256': `sha256=${hmac('sha256', body, secret)}` }),
  },
  {
    name: 'green-api',
    file: 'green-api/text.json',
    options: { greenApi: { webhookToken: SECRET } },
    headers: (_, secret) => ({ authorization: `Bearer ${secret}` }),
  },
  {
    name: 'waha',
    file: 'waha/message-text.json',
    options: { waha: { hmacKey: SECRET } },
    headers: (body, secret) => ({
      'x-webhook-hmac': hmac('sha512', body, secret),
      'x-webhook-hmac-algorithm': 'sha512',
    }),
  },
  {
    name: 'evolution',
    file: 'evolution/text.json',
    options: { evolution: { apiKey: SECRET } },
    headers: (_, secret) => ({ apikey: secret }),
  },
  {
    name: 'evolution',
    file: 'evolution/text.json',
    options: { evolution: { apiKey: SECRET } },
    headers: (_, secret) => ({ authorization: `Bearer ${jwt(secret)}` }),
  },
  {
    name: 'wazzup',
    file: 'wazzup/multi-messages.json',
    options: { wazzup: { crmKey: SECRET } },
    headers: (_, secret) => ({ authorization: `Bearer ${secret}` }),
  },
  {
    name: 'wwebjs',
    file: 'wwebjs/message-text.json',
    options: { wwebjs: { apiKey: SECRET } },
    headers: (_, secret) => ({ 'x-api-key': secret }),
  },
]

interface Sent {
  headers?: Record<string, string>
  provider?: string
  url?: string
}

function setUp(providers: ProvidersOptions) {
  const batcher = new Recorder()
  const reported: string[] = []
  const lines: string[] = []
  const note = (_: object, line: string) => void lines.push(line)
  const log = { debug: () => {}, info: note, warn: note, error: note }
  const rejections = new Rejections(log)
  const observer: Observer = { rejected: (provider, reason) => void reported.push(`${provider} ${reason}`) }
  const receiver = new Receiver({ batcher, providers, log, rejections, observer })
  const status = (body: Buffer, { headers = {}, provider, url }: Sent = {}): Promise<number> =>
    receiver.deliver({ body, header: name => headers[name], provider, url }).then(
      answer => answer.status,
      (error: unknown) => {
        if (error instanceof Refusal) return error.status
        throw error
      },
    )
  return { batcher, rejections, status, reported, lines }
}

describe('signatures', () => {
  for (const { name, file, options, headers } of cases) {
    it(`${name}: only what it signed is accepted`, async () => {
      const body = fixture(file)
      const { status, batcher, rejections, reported, lines } = setUp(options)
      const right = await headers(body, SECRET)
      expect(await status(body, { headers: right })).to.equal(200)
      expect(await status(body, { headers: right, provider: name })).to.equal(200)
      const taken = batcher.noted.length
      expect(await status(body)).to.equal(401)
      expect(await status(body, { provider: name })).to.equal(401)
      expect(await status(body, { headers: await headers(body, `${SECRET}x`) })).to.equal(401)
      expect(batcher.noted).to.have.length(taken)
      expect(reported).to.deep.equal([`${name} missing`, `${name} missing`, `${name} mismatch`])
      expect(rejections.all.map(({ lastAtMs: _, ...counted }) => counted)).to.deep.equal([
        { provider: name, reason: 'missing', count: 2 },
        { provider: name, reason: 'mismatch', count: 1 },
      ])
      expect(lines).to.have.length(2)
      for (const line of lines)
        expect(line)
          .to.match(/[A-Z]+_[A-Z_]+ \(providers\./)
          .and.not.include(SECRET)
    })

    it(`${name}: neither another shape nor another name avoids its secret`, async () => {
      const body = fixture(file)
      const { status, batcher } = setUp(options)
      for (const other of known.names)
        if (other !== name) expect(await status(body, { provider: other }), other).to.equal(401)
      for (const shape of cases)
        if (shape.name !== name) expect(await status(fixture(shape.file)), shape.file).to.equal(401)
      const generic = Buffer.from('{"messageId":"1","chatId":"a","text":"words in somebody’s mouth"}')
      expect(await status(generic)).to.equal(401)
      expect(batcher.noted).to.deep.equal([])
    })
  }

  it('evolution: a token that has expired or has another signature is refused', async () => {
    const body = fixture('evolution/text.json')
    const { status } = setUp({ evolution: { apiKey: SECRET } })
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{}').toString('base64url')}.`
    for (const token of [jwt(SECRET, -600), jwt('another-secret'), unsigned, 'a.b.c', '..'])
      expect(await status(body, { headers: { authorization: `Bearer ${token}` } }), token).to.equal(401)
    expect(await status(body, { headers: { authorization: `Bearer ${SECRET}` } })).to.equal(200)
    expect(await status(body, { headers: { authorization: jwt(SECRET) } })).to.equal(200)
  })

  it('with several secrets each provider is checked by its own', async () => {
    const options: ProvidersOptions = Object.assign({}, ...cases.map(each => each.options))
    const { status } = setUp(options)
    for (const { name, file, headers } of cases) {
      const body = fixture(file)
      expect(await status(body, { headers: await headers(body, SECRET), provider: name })).to.equal(200)
      expect(await status(body, { provider: name })).to.equal(401)
    }
  })

  it('an empty secret does not count as a secret', () => {
    expect(known.isAnySigned({ waha: { hmacKey: '' }, meta: { appSecret: '' }, wazzup: { crmKey: '' } })).to.equal(
      false,
    )
    expect(known.isAnySigned({ wwebjs: { apiKey: 'x' } })).to.equal(true)
  })
})

describe('signatures: Twilio, by its own library', () => {
  const body = fixture('twilio/text.txt')
  const token = 'test-auth-token'
  const signature = 'w1fsf6N7YrHeRKJnLg6YPxsWSkA='
  const headers = { ...FORM, 'x-twilio-signature': signature }
  const url = '/webhook/whatsapp'
  const options = (publicUrl: string): ProvidersOptions => ({ twilio: { authToken: token, publicUrl } })

  it('signs the public address and the form', async () => {
    const { status, reported } = setUp(options('https://example.com'))
    expect(await status(body, { headers, url })).to.equal(200)
    expect(await status(body, { headers, url, provider: 'twilio' })).to.equal(200)
    expect(await status(body, { headers, url: `http://10.0.0.7:3000${url}` })).to.equal(200)
    expect(await status(body, { headers, url: `${url}?x=1` })).to.equal(401)
    expect(await status(Buffer.from(`${body}&Body=other`), { headers, url })).to.equal(401)
    expect(await status(body, { headers: FORM, url })).to.equal(401)
    expect(reported).to.deep.equal(['twilio mismatch', 'twilio mismatch', 'twilio missing'])
  })

  it('finds the address, whether or not a proxy strips the public URL’s path', async () => {
    expect(await setUp(options('https://example.com/webhook/')).status(body, { headers, url: '/whatsapp' })).to.equal(
      200,
    )
    expect(await setUp(options('https://example.com/webhook')).status(body, { headers, url })).to.equal(200)
    expect(await setUp(options('https://evil.example')).status(body, { headers, url })).to.equal(401)
  })

  it('its token without the public URL is refused at the start', () => {
    expect(() => setUp({ twilio: { authToken: token } })).to.throw(TypeError, 'LULL_PUBLIC_URL')
  })
})

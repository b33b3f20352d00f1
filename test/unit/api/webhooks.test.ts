import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { expect } from 'chai'
import { ForeignKey, StoreUnavailable } from '../../../src/store/store.js'
import { type Serving, serve } from './serving.js'

const fixture = (file: string) => readFileSync(new URL(`../../fixtures/webhooks/${file}`, import.meta.url), 'utf8')

const BATCHED = '/webhook/whatsapp/batched'
const DIRECT = '/webhook/whatsapp'
const hi = { messageId: '1', chatId: '79000000011', text: 'hi' }

describe('API: webhooks', () => {
  let api: Serving
  beforeEach(async () => {
    api = await serve({ providers: { meta: { verifyToken: 'vibecoding' } } })
  })
  afterEach(() => api.close(0))

  /** The status of a request whose first line is written by hand. */
  const raw = async (firstLine: string, body: string) => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1')
    socket.end(
      `${firstLine}\r\nHost: x\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    let answer = ''
    for await (const chunk of socket) answer += chunk
    return Number(answer.split(' ')[1])
  }

  it('answers {"accepted","duplicates","ignored"} once the messages are stored, without a token', async () => {
    const headers = { Authorization: '' }
    const first = await api.call('POST', BATCHED, hi, headers)
    expect([first.status, first.json]).to.deep.equal([200, { accepted: 1, duplicates: 0, ignored: 0 }])
    const again = await api.call('POST', BATCHED, hi, headers)
    expect(again.json).to.deep.equal({ accepted: 0, duplicates: 1, ignored: 0 })
    expect((await api.store.conversation('79000000011@c.us')).waiting).to.equal(1)
  })

  it('reads the provider from the path on both routes', async () => {
    for (const route of [BATCHED, DIRECT]) {
      const body = fixture('waha/message-text.json').replace('3ACA576E679D5E846FA7', route.slice(-4))
      expect((await api.call('POST', `${route}/waha`, body)).json).to.include({ accepted: 1 })
      expect((await api.call('POST', `${route}/meta`, body)).status).to.equal(400)
      expect((await api.call('POST', `${route}/nobody`, body)).status).to.equal(404)
    }
  })

  it('the direct path makes a batch of each message, due at once; the batched one collects', async () => {
    await api.call('POST', DIRECT, [hi, { ...hi, messageId: '2' }])
    const claimed = await api.store.claim({ owner: 'test', maxBatches: 10, maxBytes: 1e6 })
    expect(claimed.batches.map(({ batch }) => batch.releasedBy)).to.deep.equal(['direct'])
    await api.call('POST', BATCHED, { ...hi, chatId: 'other' })
    expect((await api.store.claim({ owner: 'test', maxBatches: 10, maxBytes: 1e6 })).batches).to.have.length(0)
  })

  it('accepts its path in every spelling, and no other path', async () => {
    const statusOf = (path: string) => raw(`POST ${path} HTTP/1.1`, JSON.stringify(hi))
    for (const path of [
      BATCHED,
      `${BATCHED}/`,
      '/Webhook/WhatsApp/Batched',
      `${BATCHED}/gen%65ric`,
      `${DIRECT}/generic?a=b`,
      `${BATCHED}/generic/an-event`,
      `${DIRECT}/generic/an-event/`,
    ])
      expect(await statusOf(path), path).to.equal(200)
    expect(await statusOf(`${api.url}${BATCHED}`), 'as a proxy writes it').to.equal(200)
    expect(await statusOf(`${BATCHED}/%zz`), 'a % that encodes nothing').to.equal(400)
    for (const path of [`${BATCHED}/generic/an-event/more`, `${BATCHED}x`, '/webhook', `/x${BATCHED}`])
      expect(await statusOf(path), path).to.equal(404)
  })

  it('every response has the safe headers and the mark of its process', async () => {
    const own = await serve({ mark: 'a-mark' })
    try {
      for (const body of [hi, '{']) {
        const { headers } = await own.call('POST', BATCHED, body)
        expect(headers.get('x-content-type-options')).to.equal('nosniff')
        expect(headers.get('cache-control')).to.equal('no-store')
        expect(headers.get('content-type')).to.equal('application/json; charset=utf-8')
        expect(headers.get('x-lull-mark')).to.equal('a-mark')
      }
    } finally {
      await own.close(0)
    }
  })

  it('HEAD gets what GET gets, without a body; other methods are refused', async () => {
    const { status, text, headers } = await api.call('HEAD', BATCHED)
    expect([status, text]).to.deep.equal([400, ''])
    expect(Number(headers.get('content-length'))).to.be.greaterThan(0)
    expect((await api.call('DELETE', BATCHED)).status).to.equal(405)
  })

  it('a client that disconnects during the append does not affect others', async () => {
    const going = request(api.url + BATCHED, { method: 'POST' })
    going.on('error', () => {})
    let answered = () => {}
    const isAnswered = new Promise<void>(resolve => {
      answered = resolve
    })
    api.store.gate = async () => {
      delete api.store.gate
      going.destroy()
      // A later response shows that the server has noticed the disconnect.
      await api.call('GET', '/livez')
      setImmediate(answered)
    }
    going.end(JSON.stringify(hi))
    await isAnswered
    expect((await api.store.conversation('79000000011@c.us')).waiting).to.equal(1)
    expect((await api.call('POST', BATCHED, { ...hi, messageId: '2' })).status).to.equal(200)
  })

  it('Meta’s handshake works on all four routes', async () => {
    const line = fixture('meta/verify-get.txt')
    const query = line.slice(line.indexOf('?'), line.indexOf(' HTTP'))
    for (const route of [BATCHED, DIRECT, `${BATCHED}/meta`, `${DIRECT}/meta`]) {
      const { status, text, headers } = await api.call('GET', route + query)
      expect([status, text]).to.deep.equal([200, '1158201444'])
      expect(headers.get('content-type')).to.match(/^text\/plain/)
    }
    expect((await api.call('GET', BATCHED + query.replace('vibecoding', 'x'))).status).to.equal(403)
    expect((await api.call('GET', BATCHED)).status).to.equal(400)
  })

  it('a store that cannot be written is 503 with Retry-After, one line, no address', async () => {
    api.store.trouble = new StoreUnavailable('connection', 'Redis at redis://10.1.2.3:6379 can not be reached')
    const { status, headers, json, text } = await api.call('POST', BATCHED, hi)
    expect(status).to.equal(503)
    expect(Number(headers.get('retry-after'))).to.be.greaterThan(0)
    expect(json).to.have.property('error').that.is.a('string')
    expect(text).to.not.match(/10\.1\.2\.3|\n/)
  })

  it('a foreign key is 503, and its name stays in the log', async () => {
    api.store.trouble = new ForeignKey('Redis key rapid-fire:x holds a string where Lull keeps a hash')
    const { status, text } = await api.call('POST', BATCHED, hi)
    expect(status).to.equal(503)
    expect(text).to.not.include('rapid-fire')
  })

  it('refuses an unreadable body with 400, 413 or 415', async () => {
    for (const body of ['', '{', '"hello"', '{}']) expect((await api.call('POST', BATCHED, body)).status).to.equal(400)
    expect((await api.call('POST', BATCHED, hi, { 'Content-Encoding': 'br' })).status).to.equal(415)
    const { status, json } = await api.call('POST', BATCHED, `[${' '.repeat(16 * 1024 * 1024)}]`)
    expect(status).to.equal(413)
    expect(json).to.have.property('error')
  })

  it('accepts a chunked body, and refuses an endless one with 413', async () => {
    const send = (chunks: string[]) =>
      new Promise<number | undefined>((resolve, reject) => {
        const req = request(api.url + BATCHED, { method: 'POST' }, res => {
          res.resume()
          resolve(res.statusCode)
        })
        req.on('error', reject)
        for (const chunk of chunks) req.write(chunk)
        req.end()
      })
    expect(await send(['[', JSON.stringify(hi), ']'])).to.equal(200)
    expect(await send(Array(17 * 16).fill('x'.repeat(65_536)))).to.equal(413)
  })

  it('refuses a body that nests a hundred thousand levels deep, ignores a thousand, and accepts the next one', async () => {
    const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
    expect((await api.call('POST', BATCHED, deep(100_000))).status).to.equal(400)
    expect((await api.call('POST', BATCHED, deep(1000))).json).to.deep.equal({ accepted: 0, duplicates: 0, ignored: 1 })
    expect((await api.call('POST', BATCHED, hi)).status).to.equal(200)
  })

  it('an append that notifies no processor is reported each time, and logged once a minute', async () => {
    const lines: string[] = []
    let reported = 0
    const warn = (_fields: object, line: string) => void lines.push(line)
    const nothing = () => {}
    const log = { debug: nothing, info: nothing, warn, error: warn }
    const onNoProcessor = () => {
      reported += 1
    }
    const own = await serve({ log, onNoProcessor })
    try {
      own.store.listeners = 1
      await own.call('POST', BATCHED, hi)
      expect(reported).to.equal(0)
      own.store.listeners = 0
      await own.call('POST', BATCHED, { ...hi, messageId: '2' })
      await own.call('POST', '/conversations/a/messages', hi)
      expect(reported).to.equal(2)
      expect(lines).to.have.length(1)
      expect(lines[0]).to.match(/no processor is subscribed on memory, database 0, prefix .*LULL_PREFIX/)
    } finally {
      await own.close(0)
    }
  })
})

import { connect } from 'node:net'
import { expect } from 'chai'
import { createApp } from '../../../src/api/app.js'
import { Batcher } from '../../../src/batcher.js'
import { listen } from '../../../src/http/listen.js'
import { silent } from '../../../src/logger.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { StoreUnavailable } from '../../../src/store/store.js'
import { type Serving, serve } from './serving.js'

const ID = 'a/b%2Fc@c.us'
const PATH = `/conversations/${encodeURIComponent(ID)}`
const message = { messageId: '1', text: 'hi' }

describe('API: conversations and batches', () => {
  let api: Serving
  beforeEach(async () => {
    api = await serve()
  })
  afterEach(() => api.close(0))

  it('appends one message or many to a conversation whose id is URL-encoded once', async () => {
    const { status, json } = await api.call('POST', `${PATH}/messages`, message)
    expect(status).to.equal(200)
    expect(json).to.include({ accepted: 1, duplicates: 0, tooOld: 0 }).and.to.have.property('batchId')
    const more = { messages: [message, { messageId: '2', text: 'again', timestamp: '2026-01-01T10:15:00Z' }] }
    expect((await api.call('POST', `${PATH}/messages`, more)).json).to.include({ accepted: 1, duplicates: 1 })
    const state = await api.store.conversation(ID)
    expect(state.messages.map(each => each.message.text)).to.deep.equal(['hi', 'again'])
    expect(state.messages[1]?.message.sentAtMs).to.equal(1767262500000)
  })

  it('appends all messages or none', async () => {
    for (const body of [[message, {}], [null], 'x', 7, undefined, { text: 'no id' }])
      expect((await api.call('POST', `${PATH}/messages`, body)).status, JSON.stringify(body)).to.equal(400)
    expect((await api.store.conversation(ID)).waiting).to.equal(0)
  })

  it('refuses a field of the query that no route has, with the one that is meant, and does nothing', async () => {
    await api.call('POST', `${PATH}/messages`, message)
    const REFUSED: [method: string, path: string, error: RegExp][] = [
      ['DELETE', `${PATH}/messages/1?auther=someone`, /^"auther" is no field of a query here: did you mean author\?$/],
      ['GET', '/conversations?limt=5', /^"limt" is no field .*: did you mean limit\?$/],
      ['GET', '/dead?limit=5&somethingElseAltogether=1', /^"somethingElseAltogether" is no field .*: leave it out$/],
      ['POST', `/conversations/flush?ID=${encodeURIComponent(ID)}`, /^"ID" is no field .*: did you mean id\?$/],
    ]
    for (const [method, path, error] of REFUSED) {
      const reply = await api.call(method, path)
      expect(reply.status, path).to.equal(400)
      expect(reply.json, path).to.have.property('error').that.matches(error)
    }
    expect((await api.store.conversation(ID)).waiting).to.equal(1)
  })

  it('shows, extends, flushes and drops, by path and by ?id=', async () => {
    const query = `?id=${encodeURIComponent(ID)}`
    await api.call('POST', `/conversations/messages${query}`, message)
    for (const path of [PATH, `/conversations${query}`])
      expect((await api.call('GET', path)).json).to.include({ conversationId: ID, waiting: 1 })
    for (const path of [`${PATH}/history`, `/conversations/history${query}`])
      expect((await api.call('GET', path)).json)
        .to.have.property('history')
        .that.is.an('array').that.is.not.empty
    expect((await api.call('POST', `${PATH}/typing`, { ms: 20_000 })).json).to.include({ extended: true })
    expect((await api.call('POST', `/conversations/typing${query}`)).json).to.include({ extended: true })
    expect((await api.call('POST', `${PATH}/flush`)).json).to.include({ count: 1 })
    expect((await api.call('POST', `/conversations/flush${query}`)).status).to.equal(404)
    expect((await api.call('DELETE', PATH)).json).to.deep.equal({ dropped: 1 })
    expect((await api.call('DELETE', `/conversations${query}`)).json).to.deep.equal({ dropped: 0 })
    expect((await api.call('POST', `${PATH}/typing`)).json).to.deep.equal({ extended: false })
  })

  it('lists the conversations with messages', async () => {
    await api.call('POST', `${PATH}/messages`, message)
    const { json } = await api.call('GET', '/conversations?limit=5')
    expect(json).to.have.nested.property('conversations[0].conversationId', ID)
    for (const limit of ['0', '1001', 'x', '-1', '1e3'])
      expect((await api.call('GET', `/conversations?limit=${limit}`)).status, limit).to.equal(400)
  })

  it('a conversation may have the id history', async () => {
    expect((await api.call('GET', '/conversations/history')).json).to.include({ conversationId: 'history' })
  })

  it('answers a batch, and says whether that freed its conversation', async () => {
    await api.call('POST', `${PATH}/messages`, message)
    await api.call('POST', `${PATH}/flush`)
    const { batches } = await api.store.claim({ owner: 'test', maxBatches: 1, maxBytes: 1e6 })
    const batchId = batches[0]?.batchId ?? ''
    await api.store.ack([batchId])
    expect((await api.call('POST', `/batches/${batchId}/answered`, { outcome: 'strange' })).status).to.equal(400)
    expect((await api.call('POST', `/batches/${batchId}/answered`)).json).to.include({ freed: true })
    expect((await api.call('POST', `/batches/${batchId}/answered`)).json).to.include({ freed: false })
  })

  /** A batch of `message` dies of its last attempt. */
  const die = async () => {
    await api.call('POST', `${PATH}/messages`, message)
    await api.call('POST', `${PATH}/flush`)
    for (let attempt = 1; attempt <= api.store.rules.maxAttempts; attempt += 1) {
      const [claimed] = (await api.store.claim({ owner: 'test', maxBatches: 1, maxBytes: 1e6 })).batches
      const { batchId = '', lease = 0 } = claimed ?? {}
      await api.store.nack({ batchId, lease, delayMs: 0, counts: true, error: 'no' })
    }
  }

  it('lists the dead and redrives one', async () => {
    await die()
    const { json } = await api.call('GET', '/dead')
    const [dead] = await api.store.dead(1)
    expect(json).to.have.nested.property('dead[0].batchId', dead?.batchId)
    const redriven = await api.call('POST', `/dead/${dead?.batchId}/redrive`)
    expect(redriven.json).to.deep.equal({ batchId: dead?.batchId, conversationId: ID })
    expect((await api.call('POST', `/dead/${dead?.batchId}/redrive`)).status).to.equal(404)
  })

  it('discards one dead batch', async () => {
    await die()
    const [dead] = await api.store.dead(1)
    expect((await api.call('DELETE', `/dead/${dead?.batchId}`)).json).to.deep.equal({ discarded: 1 })
    expect(await api.store.dead(1)).to.deep.equal([])
    const again = await api.call('DELETE', `/dead/${dead?.batchId}`)
    expect(again.status).to.equal(404)
    expect(again.json).to.deep.equal({ error: `no dead batch has the id "${dead?.batchId}": GET /dead lists them` })
  })

  it('forgets a conversation, by path and by ?id=', async () => {
    for (const path of [`${PATH}/forget`, `/conversations/forget?id=${encodeURIComponent(ID)}`]) {
      await api.call('POST', `${PATH}/messages`, message)
      const { status, json } = await api.call('POST', path)
      expect(status).to.equal(200)
      expect(json).to.deep.include({ messages: 1, deadBatches: 0 })
      expect((await api.store.history({ conversationId: ID, limit: 1 })).length).to.equal(0)
    }
    expect((await api.call('POST', `${PATH}/messages`, message)).json).to.include({ accepted: 1, duplicates: 0 })
  })

  it('an empty or very long id is refused', async () => {
    expect((await api.call('POST', '/conversations/flush')).status).to.equal(400)
    expect((await api.call('GET', '/conversations?id=')).status).to.equal(400)
    expect((await api.call('DELETE', '/conversations')).status).to.equal(400)
    expect((await api.call('GET', `/conversations/${'x'.repeat(5000)}`)).status).to.equal(400)
  })

  it('a path with a % that encodes nothing is 400', async () => {
    for (const path of ['/conversations/%', '/conversations/%E0%A4%A', '/%ff'])
      expect((await api.call('GET', path)).status, path).to.equal(400)
  })
})

describe('API: access', () => {
  const guarded: [string, string][] = [
    ['GET', '/conversations'],
    ['GET', '/conversations/a'],
    ['GET', '/conversations/a/history'],
    ['POST', '/conversations/a/messages'],
    ['POST', '/conversations/a/flush'],
    ['POST', '/conversations/a/typing'],
    ['POST', '/conversations/a/hold'],
    ['POST', '/conversations/a/release'],
    ['POST', '/conversations/a/forget'],
    ['POST', '/conversations/a/pause'],
    ['POST', '/conversations/pause?id=a'],
    ['POST', '/conversations/a/resume'],
    ['POST', '/conversations/resume?id=a'],
    ['POST', '/conversations/a/sent'],
    ['DELETE', '/conversations/a'],
    ['PUT', '/conversations/a/messages/m'],
    ['PUT', '/conversations/messages?id=a&messageId=m'],
    ['DELETE', '/conversations/a/messages/m'],
    ['DELETE', '/conversations/messages?id=a&messageId=m'],
    ['POST', '/batches/b/commit'],
    ['POST', '/batches/b/answered'],
    ['GET', '/settings'],
    ['GET', '/settings/shop'],
    ['PUT', '/settings/shop'],
    ['DELETE', '/settings/shop'],
    ['PUT', '/settings?scope=shop'],
    ['DELETE', '/settings?scope=shop'],
    ['GET', '/dead'],
    ['POST', '/dead/b/redrive'],
    ['DELETE', '/dead/b'],
  ]

  for (const apiToken of ['a-token', undefined, ''])
    it(`all routes but webhooks, health and the description need the token, with LULL_API_TOKEN=${JSON.stringify(apiToken)}`, async () => {
      const api = await serve({ apiToken })
      try {
        for (const Authorization of ['', 'Bearer', 'Bearer ', 'Bearer wrong', 'Basic a-token', 'Bearer a-token x'])
          for (const [method, path] of guarded) {
            const { status, text } = await api.call(method, path, undefined, { Authorization })
            expect(status, `${method} ${path} ${Authorization}`).to.equal(401)
            if (!apiToken) expect(text).to.include('set LULL_API_TOKEN')
          }
        const given = await api.call('GET', '/conversations', undefined, { Authorization: 'bearer a-token' })
        expect(given.status).to.equal(apiToken ? 200 : 401)
        expect((await api.call('GET', '/livez', undefined, { Authorization: '' })).status).to.equal(200)
      } finally {
        await api.close(0)
      }
    })
})

describe('API: health and unknown paths', () => {
  let api: Serving
  let reason: Error | undefined
  beforeEach(async () => {
    reason = undefined
    api = await serve({
      readiness: async () => {
        if (reason) throw reason
      },
    })
  })
  afterEach(() => api.close(0))

  it('is always live, and ready when its store and its readiness check are, else it says why', async () => {
    expect((await api.call('GET', '/readyz')).status).to.equal(200)
    reason = new Error('the processor has not started')
    const { status, json } = await api.call('GET', '/readyz')
    expect([status, json]).to.deep.equal([503, { status: 'unavailable', error: reason.message }])
    api.store.trouble = new StoreUnavailable('readonly', 'Redis is read-only')
    expect((await api.call('GET', '/readyz')).text).to.include('read-only')
    expect(await fetch(`${api.url}/readyz`).then(response => response.json())).to.deep.equal({
      status: 'unavailable',
      error: 'readonly',
    })
    expect((await api.call('GET', '/livez')).status).to.equal(200)
    expect((await api.call('HEAD', '/livez')).status).to.equal(200)
  })

  it('a wrong path is 404 and names the route that was probably meant', async () => {
    const hint = async (path: string) => {
      const { status, text } = await api.call('POST', path)
      expect(status).to.equal(404)
      return text
    }
    expect(await hint('/webhook')).to.include('POST /webhook/whatsapp/batched')
    expect(await hint('/whatsapp')).to.include('POST /webhook/whatsapp/batched')
    expect(await hint('/conversation/a')).to.include('GET /conversations')
    expect(await hint('/pause')).to.include('GET /conversations')
    expect(await hint('/setting')).to.include('GET /settings')
    expect(await hint('/healthz')).to.include('GET /readyz')
  })

  it('an unexpected error is 500 without a stack', async () => {
    api.store.trouble = new Error('secret detail')
    const { status, text } = await api.call('POST', '/conversations/a/messages', message)
    expect(status).to.equal(500)
    expect(text).to.not.match(/secret|at .*\.ts/)
  })
})

describe('API: the server', () => {
  const app = () => createApp({ batcher: new Batcher({ store: new MemoryStore() }), log: silent, providers: {} })

  it('a port in use is one line with the remedy', async () => {
    const first = await listen(app(), { host: '127.0.0.1', port: 0 })
    const port = Number(new URL(first.url).port)
    const error: unknown = await listen(app(), { host: '127.0.0.1', port }).catch(error => error)
    expect(String(error)).to.include(`PORT=${port}`).and.include('taken')
    await first.close(0)
  })

  it('close ends idle keep-alive connections, and may be called twice', async () => {
    const { url, close } = await listen(app(), { host: '127.0.0.1', port: 0 })
    await (await fetch(`${url}/livez`)).text()
    await Promise.all([close(60_000), close(60_000)])
    await close(60_000)
  })

  it('close answers the request that it is handling, and cuts off one that does not end', async () => {
    const { url, close } = await listen(app(), { host: '127.0.0.1', port: 0 })
    const { port } = new URL(url)
    const open = () =>
      new Promise<{ answer: Promise<string>; write(text: string): void }>(resolve => {
        const socket = connect(Number(port), '127.0.0.1')
        const answer = new Promise<string>(ended => {
          let text = ''
          socket.on('data', data => {
            text += data
          })
          socket.on('error', () => {})
          socket.on('close', () => ended(text))
        })
        const head = 'POST /webhook/whatsapp/batched HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n['
        socket.write(head, () => resolve({ answer, write: more => void socket.write(more) }))
      })
    const ending = await open()
    const endless = await open()
    // An answer to a later request shows that both heads have arrived.
    await (await fetch(`${url}/livez`)).text()
    const closed = close(300)
    ending.write(']')
    expect(await ending.answer).to.match(/^HTTP\/1\.1 200/)
    await closed
    expect(await endless.answer).to.equal('')
  })
})

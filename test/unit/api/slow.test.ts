import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import { createApp } from '../../../src/api/app.js'
import { Batcher } from '../../../src/batcher.js'
import { type Listening, listen } from '../../../src/http/listen.js'
import { silent } from '../../../src/logger.js'
import { MemoryStore } from '../../../src/store/memory/store.js'

const PATIENCE = { headWithinMs: 150, requestWithinMs: 300, checkEveryMs: 20 }
const AN_HOUR = 3_600_000
const HEAD = 'POST /webhook/whatsapp/batched HTTP/1.1\r\nHost: x\r\n'

describe('API: slow and half-sent requests', () => {
  let store: MemoryStore
  let api: Listening
  beforeEach(async () => {
    store = new MemoryStore()
    await serve(PATIENCE)
  })

  const serve = async (patience: typeof PATIENCE) => {
    const app = createApp({ batcher: new Batcher({ store }), log: silent, providers: {} })
    api = await listen(app, { host: '127.0.0.1', port: 0 }, patience)
  }

  afterEach(() => api.close(0))

  /** Sends this, then perhaps a character now and then, until it is cut off; resolves to what it was answered. */
  const cutOff = (start: string, { drip }: { drip?: string } = {}) =>
    new Promise<string>(resolve => {
      const socket = connect(Number(new URL(api.url).port), '127.0.0.1')
      let answer = ''
      let timer: NodeJS.Timeout | undefined
      socket.on('data', data => {
        answer += data
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        clearInterval(timer)
        resolve(answer)
      })
      socket.write(start)
      if (drip) timer = setInterval(() => socket.write(drip), 20)
    })

  it('a head that does not end is cut off, even if bytes keep coming', async () => {
    for (const drip of [undefined, 'x'])
      expect(await cutOff(`${HEAD}X-Long: `, drip ? { drip } : {})).to.match(/^(HTTP\/1\.1 408 |$)/)
  })

  it('a body that does not end is cut off, even if bytes keep coming, and stores nothing', async () => {
    const message = '{"messageId":"1","chatId":"a","text":"'
    for (const drip of [undefined, 'x']) {
      const answer = await cutOff(`${HEAD}Content-Length: 100000\r\n\r\n${message}`, drip ? { drip } : {})
      expect(answer).to.match(/^(HTTP\/1\.1 40[08] |$)/)
      expect(answer).to.not.include(' at ')
    }
    await cutOff(`${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\n{"mes\r\n`)
    expect((await store.conversation('a')).waiting).to.equal(0)
  })

  it('many slow clients do not delay another one', async () => {
    await api.close(0)
    // The good one is not to be cut off for what the machine does meanwhile.
    await serve({ headWithinMs: 1000, requestWithinMs: 1500, checkEveryMs: 20 })
    const slow = Array.from({ length: 50 }, () => cutOff(`${HEAD}Content-Length: 100000\r\n\r\n{`))
    const good = JSON.stringify({ messageId: '1', chatId: 'a', text: 'x' })
    const response = await fetch(`${api.url}/webhook/whatsapp/batched`, { method: 'POST', body: good })
    expect(await response.json()).to.deep.equal({ accepted: 1, duplicates: 0, ignored: 0 })
    await Promise.all(slow)
  })

  it('headers and errors do not name the server’s software', async () => {
    const responses = await Promise.all([
      fetch(`${api.url}/webhook/whatsapp/batched`, { method: 'POST', body: '{' }),
      fetch(`${api.url}/nothing`),
      fetch(`${api.url}/conversations`),
    ])
    for (const response of responses) {
      for (const name of ['server', 'x-powered-by', 'via']) expect(response.headers.get(name), name).to.equal(null)
      expect(await response.text())
        .to.match(/^\{"error":"[^\n]*"\}$/)
        .and.not.match(/node_modules|\.ts|\.js|koa/i)
    }
    expect(await cutOff('NONSENSE\r\n\r\n')).to.match(/^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n\r\n$/)
  })

  it('a spare connection of a browser, which has sent nothing, does not delay a stop', async () => {
    const app = createApp({ batcher: new Batcher({ store }), log: silent, providers: {} })
    const patient = await listen(app, { host: '127.0.0.1', port: 0 })
    const spare = connect(Number(new URL(patient.url).port), '127.0.0.1')
    await once(spare, 'connect')
    // Known to the server, too.
    await fetch(`${patient.url}/livez`)
    spare.on('error', () => {}).resume()
    const gone = once(spare, 'close')
    await patient.close(AN_HOUR)
    await gone
  })
})

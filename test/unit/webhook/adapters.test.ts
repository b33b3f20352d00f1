import { createServer, type RequestListener } from 'node:http'
import { expect } from 'chai'
import Koa from 'koa'
import { StoreUnavailable } from '../../../src/store/store.js'
import { webhook } from '../../../src/webhook/fetch.js'
import { toKoa } from '../../../src/webhook/koa.js'
import { type NodeRequest, toNode } from '../../../src/webhook/node.js'
import { Recorder } from './recorder.js'

const BODY = JSON.stringify({ messageId: '1', chatId: 'a', text: 'hi' })
const UNSIGNED = { generic: { unsigned: true as const } }
const post = (body: string | ReadableStream, more: RequestInit = {}): RequestInit => ({ method: 'POST', body, ...more })

describe('webhook: Request → Response', () => {
  const url = 'http://localhost/hook'

  it('answers a webhook and a handshake', async () => {
    const batcher = new Recorder()
    const receive = webhook({ batcher, providers: { meta: { verifyToken: 't' }, allowUnsigned: ['generic'] } })
    const response = await receive(new Request(url, post(BODY)))
    expect(response.status).to.equal(200)
    expect(await response.json()).to.deep.equal({ accepted: 1, duplicates: 0, ignored: 0 })
    const query = '?hub.mode=subscribe&hub.verify_token=t&hub.challenge=<b>7'
    const challenge = await receive(new Request(url + query))
    expect(challenge.headers.get('content-type')).to.match(/^text\/plain/)
    expect(await challenge.text()).to.equal('<b>7')
    expect((await receive(new Request(url, { method: 'PUT', body: BODY }))).status).to.equal(405)
  })

  it('a store that cannot be written is 503 with Retry-After, without its address', async () => {
    const batcher = new Recorder()
    batcher.failing = {
      conversationId: 'a',
      error: new StoreUnavailable('memory', 'Redis at redis://10.1.2.3:6379 answers "OOM"'),
    }
    const response = await webhook({ batcher, providers: UNSIGNED })(new Request(url, post(BODY)))
    expect(response.status).to.equal(503)
    expect(Number(response.headers.get('retry-after'))).to.be.greaterThan(0)
    expect(await response.text())
      .to.include('"error"')
      .and.not.include('10.1.2.3')
  })

  it('an unexpected error is 500 without details, and logged', async () => {
    const batcher = new Recorder()
    batcher.failing = { conversationId: 'a', error: new Error('secret detail') }
    const lines: object[] = []
    const nothing = () => {}
    const log = { debug: nothing, info: nothing, warn: nothing, error: (fields: object) => void lines.push(fields) }
    const response = await webhook({ batcher, providers: UNSIGNED, log })(new Request(url, post(BODY)))
    expect(response.status).to.equal(500)
    expect(await response.text()).to.not.include('secret')
    expect(lines).to.have.length(1)
  })

  it('reads no more of an endless body than the bound', async () => {
    let pulled = 0
    const endless = new ReadableStream({
      pull(controller) {
        pulled += 1
        controller.enqueue(new Uint8Array(65_536))
      },
    })
    const init: RequestInit & { duplex: 'half' } = { ...post(endless), duplex: 'half' }
    const response = await webhook({ batcher: new Recorder(), providers: UNSIGNED, maxBodyBytes: 3 * 1024 * 1024 })(
      new Request(url, init),
    )
    expect(response.status).to.equal(413)
    expect(pulled).to.be.lessThan(60)
  })
})

describe('webhook: in Node servers and Koa', () => {
  let close = async () => {}
  afterEach(() => close())

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    close = () => new Promise(resolve => server.close(() => resolve()))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return `http://127.0.0.1:${address.port}/hook?x=1`
  }

  /** A body parser that keeps the bytes, or does not. */
  async function parsed(req: NodeRequest, keep: boolean): Promise<NodeRequest> {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    if (keep) req.rawBody = Buffer.concat(chunks)
    return req
  }

  it('toNode handles (req, res)', async () => {
    const batcher = new Recorder()
    const handle = toNode(webhook({ batcher, providers: UNSIGNED, maxBodyBytes: 3 * 1024 * 1024 }))
    const url = await serve((req, res) => void handle(req, res))
    const response = await fetch(url, post(BODY))
    expect(await response.json()).to.deep.equal({ accepted: 1, duplicates: 0, ignored: 0 })
    expect((await fetch(url, post('{'))).status).to.equal(400)
    expect((await fetch(url, post('x'.repeat(4 * 1024 * 1024)))).status).to.equal(413)
    expect((await fetch(url)).status).to.equal(400)
  })

  it('toNode uses the bytes that a body parser kept', async () => {
    const handle = toNode(webhook({ batcher: new Recorder(), providers: UNSIGNED }))
    const url = await serve(async (req, res) => handle(await parsed(req, true), res))
    expect((await fetch(url, post(BODY))).status).to.equal(200)
  })

  it('a body that a parser has eaten is an error with the remedy, not a 401', async () => {
    const handle = toNode(webhook({ batcher: new Recorder(), providers: { meta: { appSecret: 's' } } }))
    const seen: unknown[] = []
    const url = await serve(async (req, res) => {
      if (req.headers['x-next'] === undefined) return handle(await parsed(req, false), res)
      await handle(await parsed(req, false), res, error => {
        seen.push(error)
        res.end()
      })
    })
    const response = await fetch(url, post(BODY))
    expect(response.status).to.equal(500)
    expect(await response.text()).to.include('rawBody')
    await fetch(url, post(BODY, { headers: { 'x-next': '1' } }))
    expect(seen).to.have.length(1)
    expect(String(seen[0])).to.include('rawBody')
  })

  it('toKoa returns Koa middleware', async () => {
    const batcher = new Recorder()
    const app = new Koa().use(toKoa(webhook({ batcher, providers: UNSIGNED })))
    const url = await serve(app.callback())
    const response = await fetch(url, post(BODY))
    expect(response.headers.get('content-type')).to.match(/^application\/json/)
    expect(await response.json()).to.deep.equal({ accepted: 1, duplicates: 0, ignored: 0 })
    expect((await fetch(url, post(''))).status).to.equal(400)
    expect(batcher.noted).to.have.length(1)
  })
})

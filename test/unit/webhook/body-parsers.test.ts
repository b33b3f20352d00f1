/**
 * Real frameworks with a body parser before the webhook. A signature covers the bytes as they came: where they are kept
 * the webhook is accepted, where they are gone one line names the remedy, and nowhere is the answer a false 401.
 */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa, { type Middleware } from 'koa'
import { toFastify } from '../../../src/webhook/fastify.js'
import { webhook } from '../../../src/webhook/fetch.js'
import { toKoa } from '../../../src/webhook/koa.js'
import { type NodeRequest, toNode } from '../../../src/webhook/node.js'
import { META, metaConversation, metaHandshake, metaWebhook } from '../../support/meta-webhook.js'
import { track } from '../../support/open.js'
import { Recorder } from './recorder.js'

const TEXT = 'Привет 👋 a/b'
const ACCEPTED = { accepted: 1, duplicates: 0, ignored: 0 }

describe('webhook: after a body parser', () => {
  let batcher: Recorder
  let close: () => unknown = () => {}

  beforeEach(() => {
    batcher = new Recorder()
  })
  afterEach(() => close())

  const receive = () => webhook({ batcher, provider: 'meta', providers: { meta: META } })

  /** The address of `/webhook`. */
  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const ended = () => new Promise(resolve => server.close(resolve))
    const forget = track('a server', ended)
    close = async () => {
      await ended()
      forget()
    }
    const { port } = server.address() as AddressInfo
    return `http://127.0.0.1:${port}/webhook`
  }

  async function expectAccepted(url: string) {
    expect((await fetch(url, metaWebhook({ text: 'forged', secret: 'another' }))).status).to.equal(401)
    const response = await fetch(url, metaWebhook({ text: TEXT }))
    expect(await response.json()).to.deep.equal(ACCEPTED)
    expect(batcher.texts).to.deep.equal([[metaConversation(), [TEXT]]])
    expect(await (await fetch(url + metaHandshake('42'))).text()).to.equal('42')
  }

  describe('Express', () => {
    const keepBytes = (req: NodeRequest, _res: unknown, bytes: Buffer) => {
      req.rawBody = bytes
    }
    const app = (...before: RequestHandler[]) => {
      const errors: unknown[] = []
      const onError: ErrorRequestHandler = (error, _req, res, _next) => {
        errors.push(error)
        res.sendStatus(500)
      }
      const made = express()
      if (before.length > 0) made.use(...before)
      made.all('/webhook', toNode(receive())).use(onError)
      return { made, errors }
    }

    for (const [what, parser] of [
      ['express.raw()', express.raw({ type: '*/*' })],
      ['express.json() that keeps the bytes', express.json({ verify: keepBytes })],
      ['a parser of other types', express.urlencoded()],
    ] as const)
      it(`${what} leaves the bytes`, async () => expectAccepted(await serve(app(parser).made)))

    it('without a parser the webhook reads the body itself, also below a path', async () => {
      await expectAccepted(await serve(express().use('/webhook', toNode(receive())).use(express.json())))
    })

    for (const [what, parsers] of [
      ['express.json()', [express.json()]],
      ['express.json() before express.raw()', [express.json(), express.raw({ type: '*/*' })]],
      ['express.text()', [express.text({ type: '*/*' })]],
    ] as const)
      it(`${what} leaves none: the error names the remedy`, async () => {
        const { made, errors } = app(...parsers)
        const response = await fetch(await serve(made), metaWebhook({ text: TEXT }))
        expect(response.status).to.equal(500)
        expect(errors.map(String)).to.match(/mount the webhook before the body parser.*express\.json\(\{ verify/)
        expect(errors.map(String).join()).to.not.include('\n')
      })
  })

  describe('Koa', () => {
    /** As @koa/bodyparser does: what was read is on Koa's request. */
    const parser =
      (keep: boolean): Middleware =>
      async (ctx, next) => {
        const chunks: Buffer[] = []
        for await (const chunk of ctx.req) chunks.push(chunk)
        const rawBody = Buffer.concat(chunks).toString()
        Object.assign(ctx.request, { body: rawBody && JSON.parse(rawBody), ...(keep && { rawBody }) })
        await next()
      }

    it('a parser that keeps the text leaves the bytes', async () => {
      await expectAccepted(await serve(new Koa().use(parser(true)).use(toKoa(receive())).callback()))
    })

    it('a parser that keeps nothing: the error names the remedy', async () => {
      const errors: unknown[] = []
      const app = new Koa().use(parser(false)).use(toKoa(receive()))
      app.on('error', error => errors.push(error))
      const response = await fetch(await serve(app.callback()), metaWebhook({ text: TEXT }))
      expect(response.status).to.equal(500)
      expect(errors.map(String)).to.match(/the body was parsed before Lull got it/)
    })
  })

  describe('Fastify', () => {
    const start = async (app: ReturnType<typeof Fastify>) => {
      close = () => app.close()
      return app.listen({ port: 0, host: '127.0.0.1' })
    }

    it('toFastify gets the bytes, and other routes still get JSON', async () => {
      const app = Fastify()
      app.register(toFastify(receive()), { prefix: '/webhook' })
      app.post('/echo', async request => request.body)
      const url = await start(app)
      await expectAccepted(`${url}/webhook`)
      const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' }
      expect(await (await fetch(`${url}/echo`, json)).json()).to.deep.equal({ a: 1 })
    })

    it('toFastify accepts more than Fastify’s bodyLimit, and no more than Lull’s own', async () => {
      const app = Fastify({ bodyLimit: 1000 })
      const bounded = webhook({ batcher, provider: 'meta', providers: { meta: META }, maxBodyBytes: 10_000 })
      app.register(toFastify(bounded), { prefix: '/webhook' })
      const url = `${await start(app)}/webhook`
      expect((await fetch(url, metaWebhook({ text: 'a'.repeat(5000) }))).status).to.equal(200)
      expect((await fetch(url, metaWebhook({ text: 'a'.repeat(11_000) }))).status).to.equal(413)
    })

    it('toFastify’s replies pass through the hooks of the app', async () => {
      const app = Fastify()
      app.addHook('onSend', async (_request, reply) => {
        reply.header('x-hook', 'seen')
      })
      app.register(toFastify(receive()), { prefix: '/webhook' })
      close = () => app.close()
      const { body: payload, ...request } = metaWebhook({ text: TEXT })
      const { headers } = await app.inject({ ...request, method: 'POST', url: '/webhook', payload })
      expect(headers).to.include({ 'x-hook': 'seen', 'content-type': 'application/json; charset=utf-8' })
      expect(batcher.texts).to.deep.equal([[metaConversation(), [TEXT]]])
    })

    it('toNode after Fastify’s parser: the error names toFastify', async () => {
      const app = Fastify()
      const handle = toNode(receive())
      app.all('/webhook', (request, reply) => handle(request.raw, reply.hijack().raw))
      const response = await fetch(`${await start(app)}/webhook`, metaWebhook({ text: TEXT }))
      expect(response.status).to.equal(500)
      expect(await response.text()).to.include('Fastify: toFastify')
    })
  })

  describe('Hono', () => {
    const request = () => new Request('http://localhost/webhook', metaWebhook({ text: TEXT }))

    it('the request is passed on as it is', async () => {
      const app = new Hono().all('/webhook', context => receive()(context.req.raw))
      expect(await (await app.fetch(request())).json()).to.deep.equal(ACCEPTED)
    })

    it('a body that middleware has read: the answer names the remedy, and it works', async () => {
      const reads = new Hono().use(async (context, next) => {
        await context.req.json()
        await next()
      })
      const gone = await reads.all('/webhook', context => receive()(context.req.raw)).fetch(request())
      expect(gone.status).to.equal(500)
      expect(await gone.text()).to.match(/the body was read before.*new Request\(/)
    })

    it('the bytes that Hono keeps make a request again', async () => {
      const app = new Hono()
        .use(async (context, next) => {
          await context.req.json()
          await next()
        })
        .post('/webhook', async ({ req }) =>
          receive()(new Request(req.url, { method: 'POST', headers: req.raw.headers, body: await req.arrayBuffer() })),
        )
      expect(await (await app.fetch(request())).json()).to.deep.equal(ACCEPTED)
    })
  })

  it('a body that somebody is reading is refused with the remedy', async () => {
    const request = new Request('http://localhost/webhook', metaWebhook({ text: TEXT }))
    request.body?.getReader()
    const response = await receive()(request)
    expect(response.status).to.equal(500)
    expect(await response.text()).to.include('the body was read before')
  })
})

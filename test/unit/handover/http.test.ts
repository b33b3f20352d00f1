import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { expect } from 'chai'
import { Webhook } from 'standardwebhooks'
import type { Batch } from '../../../src/batch.js'
import { Batcher } from '../../../src/batcher.js'
import type { HandoverOutcome } from '../../../src/handover/handover.js'
import { type HttpHandoverOptions, http } from '../../../src/handover/http.js'
import { type Logger, silent } from '../../../src/logger.js'
import { Processor } from '../../../src/processor/processor.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { Superseded } from '../../../src/superseded.js'
import { freePort } from '../../support/redis.js'
import { until } from '../../support/wait.js'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

const BATCH: Batch = {
  version: 1,
  batchId: 'b1',
  conversationId: 'c1',
  chatId: 'c1',
  isGroup: false,
  provider: 'generic',
  messages: [{ messageId: 'm1', type: 'text', text: 'héllo 🎂', receivedAtMs: 1 }],
  text: 'héllo 🎂',
  firstAtMs: 1,
  lastAtMs: 1,
  dueAtMs: 2,
  releasedAtMs: 3,
  releasedBy: 'gap',
}

const commit = async () => ({ again: false })

interface Received {
  headers: Record<string, string>
  body: string
}

describe('handover to a URL', () => {
  const releases: (() => unknown)[] = []
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  async function receiver(answer: (response: ServerResponse, request: IncomingMessage) => void) {
    const received: Received[] = []
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', chunk => chunks.push(chunk))
      request.on('end', () => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        )
        received.push({ headers, body: Buffer.concat(chunks).toString() })
        answer(response, request)
      })
    })
    const port = await freePort()
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    releases.push(() => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(resolve))
    })
    return { url: `http://127.0.0.1:${port}/batches?token=tell-nobody`, received, port }
  }

  async function handedOver(options: HttpHandoverOptions, signal = new AbortController().signal, log: Logger = silent) {
    const handover = http(options)
    await handover.start({ log, connectionName: 'test' }, { onAnswered() {}, onResumed() {} })
    const [outcome] = await handover.handOver([{ batch: BATCH, attempt: 1, signal, commit }])
    await handover.stop()
    if (!outcome) throw new Error('no outcome')
    return outcome
  }

  const answering = (status: number, headers: Record<string, string> = {}, body = '') =>
    receiver(response => response.writeHead(status, headers).end(body))

  const errorOf = (outcome: HandoverOutcome) => (outcome.result === 'failed' ? outcome.error.message : '')

  for (const [status, expected] of [
    [200, { result: 'answered', outcome: 'completed' }],
    [204, { result: 'answered', outcome: 'completed' }],
    [202, { result: 'taken' }],
  ] as const)
    it(`${status} is ${expected.result}`, async () => {
      const { url } = await answering(status)
      expect(await handedOver({ url })).to.deep.equal(expected)
    })

  for (const status of [201, 302, 400, 404, 429, 500, 503])
    it(`${status} is a failed attempt`, async () => {
      const { url } = await answering(status)
      expect(await handedOver({ url })).to.include({ result: 'failed', counts: true })
    })

  for (const secret of [SECRET, SECRET.slice('whsec_'.length)])
    it(`with a secret ${secret === SECRET ? 'with' : 'without'} whsec_ the POST verifies as Standard Webhooks, by its exact bytes`, async () => {
      const { url, received } = await answering(204)
      await handedOver({ url, secret })
      const [request] = received
      expect(request?.headers['webhook-id']).to.equal('b1')
      expect(new Webhook(SECRET).verify(request!.body, request!.headers)).to.deep.equal(BATCH)
      const wrong = new Webhook(Buffer.from('another').toString('base64'))
      expect(() => wrong.verify(request!.body, request!.headers)).to.throw('No matching signature')
    })

  it('lull-attempt counts the attempts of a batch from 1, and webhook-id stays', async () => {
    const { url, received } = await receiver(response =>
      response.writeHead(received.length < 3 ? 503 : 204, { 'retry-after': '0' }).end(),
    )
    const store = new MemoryStore({ quietGapMs: 10 })
    const processor = new Processor({ store, handover: http({ url }) })
    releases.push(
      () => store.close(),
      () => processor.stop({ timeoutMs: 1000 }),
    )
    await processor.start()
    const { batchId } = await new Batcher({ store }).append('79990000011@c.us', { messageId: 'm1', text: 'hi' })
    await until(() => received.length === 3, { what: 'three attempts' })
    expect(received.map(({ headers }) => headers['lull-attempt'])).to.deep.equal(['1', '2', '3'])
    expect(new Set(received.map(({ headers }) => headers['webhook-id']))).to.deep.equal(new Set([batchId]))
  })

  it('without a secret there is no signature', async () => {
    const { url, received } = await answering(204)
    await handedOver({ url })
    expect(received[0]?.headers).to.not.have.property('webhook-signature')
    expect(received[0]?.headers['content-type']).to.equal('application/json')
  })

  it('a secret that is not base64 is refused, and not shown', () => {
    expect(() => http({ url: 'http://127.0.0.1', secret: 'pass word!' }))
      .to.throw(RangeError, /base64/)
      .and.not.match(/pass word/)
  })

  it('an invalid address is refused', () => {
    for (const url of ['', 'nowhere', 'ftp://host/']) expect(() => http({ url })).to.throw(RangeError, /http:\/\//)
  })

  it('credentials in the address are sent as basic authorization, and not shown', async () => {
    const { url, received } = await answering(500)
    const outcome = await handedOver({ url: url.replace('http://', 'http://me:p%40ss@') })
    expect(received[0]?.headers['authorization']).to.equal(`Basic ${Buffer.from('me:p@ss').toString('base64')}`)
    expect(errorOf(outcome)).to.not.match(/p@ss|p%40ss|tell-nobody/)
  })

  it('the error has the status and nothing of the response’s body, which only the log at debug has', async () => {
    for (const body of ['<p>my address is 4 Privet Drive', `<html>\n\n${'x'.repeat(1_000_000)}`]) {
      const { url, port } = await answering(500, {}, body)
      const debugged: object[] = []
      const log = { ...silent, debug: (fields: object) => void debugged.push(fields) }
      expect(errorOf(await handedOver({ url }, undefined, log))).to.equal(
        `http://127.0.0.1:${port}/batches answered 500`,
      )
      expect(debugged).to.have.length(1)
      expect(debugged[0]).to.include({ batchId: 'b1', status: 500 })
      expect(JSON.stringify(debugged[0]))
        .to.match(/4 Privet Drive|xxx/)
        .and.have.length.below(300)
    }
  })

  it('the error names a redirect’s address without its credentials, query and fragment', async () => {
    for (const [location, shown] of [
      ['https://me:hush@other.example/a?token=hush#hush', 'https://other.example/a'],
      ['/b?text=hush', 'http://127.0.0.1:\\d+/b'],
      ['hush:hush', 'an invalid address'],
      ['http://[hush', 'an invalid address'],
    ] as const) {
      const { url } = await answering(307, { location })
      const error = errorOf(await handedOver({ url }))
      expect(error).to.match(new RegExp(`answered 307 to ${shown}; redirects are not followed`))
      expect(error).not.to.include('hush')
    }
    const { url } = await answering(302, { location: `/${'x'.repeat(5000)}` })
    expect(errorOf(await handedOver({ url })).length).to.be.below(300)
  })

  it('the error has the code of a connection that failed, not its message', async () => {
    const { url } = await receiver(response => response.socket?.end('hush hush\r\n\r\n'))
    const error = errorOf(await handedOver({ url }))
    expect(error).to.match(/cannot be reached: [A-Z][A-Z_]+$/)
  })

  it('a redirect is not followed, and the error names the remedy', async () => {
    const { url, received } = await answering(302, { location: 'http://127.0.0.1:1/there' })
    expect(errorOf(await handedOver({ url }))).to.match(
      /answered 302 to http:\/\/127\.0\.0\.1:1\/there; redirects are not followed/,
    )
    expect(received).to.have.length(1)
  })

  it('Retry-After of 429 and 503 is respected, up to an hour', async () => {
    for (const [value, expected] of [
      ['7', 7000],
      ['999999', 3_600_000],
    ] as const) {
      const { url } = await answering(503, { 'retry-after': value })
      expect(await handedOver({ url })).to.include({ retryAfterMs: expected })
    }
    const { url } = await answering(429, { 'retry-after': new Date(Date.now() + 10_000).toUTCString() })
    const outcome = await handedOver({ url })
    expect(outcome.result === 'failed' && outcome.retryAfterMs).to.be.within(5000, 10_000)
    const { url: other } = await answering(500, { 'retry-after': '7' })
    expect(await handedOver({ url: other })).to.not.have.property('retryAfterMs')
  })

  it('a receiver that refuses the connection is a failed attempt', async () => {
    const outcome = await handedOver({ url: `http://127.0.0.1:${await freePort()}/` })
    expect(outcome).to.include({ result: 'failed', counts: true })
    expect(errorOf(outcome)).to.match(/cannot be reached: .*ECONNREFUSED/)
  })

  it('a receiver that does not answer is a failed attempt after the timeout', async () => {
    const { url } = await receiver(() => {})
    const outcome = await handedOver({ url, timeoutMs: 50 })
    expect(outcome).to.include({ result: 'failed', counts: true })
    expect(errorOf(outcome)).to.match(/has not answered within 50 ms$/)
  })

  it('a receiver whose answer does not end is a failed attempt after the timeout', async () => {
    const { url } = await receiver(response => response.writeHead(200).write('a'))
    expect(await handedOver({ url, timeoutMs: 100 })).to.include({ result: 'failed', counts: true })
  })

  it('an aborted signal ends the POST, and costs no attempt', async () => {
    const { url, received } = await receiver(() => {})
    const controller = new AbortController()
    const outcome = handedOver({ url }, controller.signal)
    await until(() => received.length === 1)
    controller.abort(new Error('the lease was lost'))
    const ended = await outcome
    expect(ended).to.include({ result: 'failed', counts: false })
    expect(errorOf(ended)).to.match(/the lease was lost/)
  })

  it('newer messages end the POST and close its connection, and that is no failure', async () => {
    let closed = false
    const { url, received } = await receiver((response, request) => {
      request.socket.once('close', () => {
        closed = true
      })
      response.writeHead(200).write('begun')
    })
    const controller = new AbortController()
    const outcome = handedOver({ url }, controller.signal)
    await until(() => received.length === 1)
    controller.abort(new Superseded('b1', 'b2'))
    expect(await outcome).to.deep.equal({ result: 'superseded' })
    await until(() => closed)
  })

  it('a stop ends POSTs under way, and costs no attempt', async () => {
    const { url, received } = await receiver(() => {})
    const handover = http({ url })
    const outcomes = handover.handOver([{ batch: BATCH, attempt: 1, signal: new AbortController().signal, commit }])
    await until(() => received.length === 1)
    await handover.stop()
    await handover.stop()
    expect((await outcomes)[0]).to.include({ result: 'failed', counts: false })
  })
})

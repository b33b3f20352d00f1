/** Request targets that are no path: the client’s error, which costs no line in the log. */
import { expect } from 'chai'
import fc from 'fast-check'
import { opsApp } from '../../src/cli/roles/ops.js'
import { type Listening, listen } from '../../src/http/listen.js'
import { Metrics } from '../../src/metrics/metrics.js'
import { StoreUnavailable } from '../../src/store/store.js'
import { type Serving, serve } from '../unit/api/serving.js'
import { rawRequest } from './raw-request.js'

const SEED = 20261128
const TARGETS = [
  'http://[',
  'http://[::1',
  'https://[/livez',
  'http://a b',
  'http://%',
  '//[',
  'http://[]/',
  'http:///',
  'x:[',
  '[',
  '*',
  '?',
  'http://::::/livez',
]

describe('a request target that is no path', () => {
  const lines: string[] = []
  const note = (_: object, line: string) => void lines.push(line)
  const log = { debug: () => {}, info: note, warn: note, error: note }
  let servers: Listening[]
  beforeEach(async () => {
    lines.length = 0
    const ops = opsApp(log, new Metrics('0.0.0'), async () => {})
    servers = [await serve({ log }), await listen(ops, { host: '127.0.0.1', port: 0 })]
  })
  afterEach(() => Promise.all(servers.map(server => server.close(0))))

  const request = (url: string, method: string, target: string) =>
    rawRequest(url, `${method} ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`)

  it('http://[ is 400 with the safe headers, and no line in the log', async () => {
    const [api] = servers
    const { status, head } = await request(api?.url ?? '', 'GET', 'http://[')
    expect(status).to.equal(400)
    expect(head)
      .to.match(/^x-content-type-options: nosniff/im)
      .and.match(/^cache-control: no-store/im)
    expect(lines).to.deep.equal([])
  })

  it('is never a 5xx and never logged, by any method, on both ports', async () => {
    for (const { url } of servers)
      for (const target of TARGETS)
        for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS', 'DELETE']) {
          const { status } = await request(url, method, target).catch(() => ({ status: 0 }))
          expect(status, `${method} ${target}`).to.be.lessThan(500)
        }
    expect(lines).to.deep.equal([])
  })

  it('is never a 5xx for any printable characters', async () => {
    const characters = fc.string({
      unit: fc.constantFrom(...'[]:/@?#%ahtps.{}|\\^`"<>~1'),
      minLength: 1,
      maxLength: 30,
    })
    await fc.assert(
      fc.asyncProperty(characters, fc.constantFrom('', 'http://', '/', '//'), async (text, start) => {
        for (const { url } of servers) {
          const { status } = await request(url, 'GET', start + text)
          expect(status).to.be.within(200, 499)
        }
      }),
      { seed: SEED, numRuns: 150 },
    )
    expect(lines).to.deep.equal([])
  })
})

describe('/readyz', () => {
  let api: Serving
  beforeEach(async () => {
    api = await serve()
  })
  afterEach(() => api.close(0))

  it('names the reason by one word without the token, and all of it with the token', async () => {
    const line = 'Redis at redis://10.1.2.3:6379 can not be reached'
    for (const [trouble, word] of [
      [new StoreUnavailable('connection', line), 'connection'],
      [new Error(line), 'other'],
    ] as const) {
      api.store.trouble = trouble
      for (const headers of [{ Authorization: '' }, { Authorization: 'Bearer other' }]) {
        const { status, json } = await api.call('GET', '/readyz', undefined, headers)
        expect([status, json]).to.deep.equal([503, { status: 'unavailable', error: word }])
      }
      expect((await api.call('GET', '/readyz')).json).to.deep.equal({ status: 'unavailable', error: line })
    }
  })

  it('on the port for probes names the reason by one word', async () => {
    const silent = { debug() {}, info() {}, warn() {}, error() {} }
    const ops = opsApp(silent, new Metrics('0.0.0'), async () => {
      throw new StoreUnavailable('connection', 'Redis at redis://10.1.2.3:6379 can not be reached')
    })
    const server = await listen(ops, { host: '127.0.0.1', port: 0 })
    const response = await fetch(`${server.url}/readyz`, { headers: { Authorization: 'Bearer a-token' } })
    expect(await response.json()).to.deep.equal({ status: 'unavailable', error: 'connection' })
    await server.close(0)
  })
})

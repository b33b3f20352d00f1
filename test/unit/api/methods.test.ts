/** HEAD, OPTIONS and methods without a handler: one rule on every kind of route. */
import { request } from 'node:http'
import { expect } from 'chai'
import { Comparisons } from '../../../src/api/comparison.js'
import type { DashboardOptions } from '../../../src/api/dashboard.js'
import { LiveEvents } from '../../../src/api/events.js'
import { opsApp } from '../../../src/cli/roles/ops.js'
import { listen } from '../../../src/http/listen.js'
import { silent } from '../../../src/logger.js'
import { Metrics } from '../../../src/metrics/metrics.js'
import { rulesFrom } from '../../../src/rules.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { webhook } from '../../../src/webhook/fetch.js'
import { toNode } from '../../../src/webhook/node.js'
import { Recorder } from '../webhook/recorder.js'
import { serve, TOKEN } from './serving.js'

interface Got {
  status: number | undefined
  allow: string | undefined
  type: string | undefined
  length: string | undefined
  text: string
}

/** fetch() refuses to send some of these methods. */
function send(method: string, url: string): Promise<Got> {
  return new Promise((resolve, reject) => {
    const req = request(url, { method, headers: { Authorization: `Bearer ${TOKEN}` }, agent: false }, res => {
      let text = ''
      const { statusCode: status, headers } = res
      const got = () =>
        resolve({
          status,
          allow: headers.allow,
          type: headers['content-type'],
          length: headers['content-length'],
          text,
        })
      if (headers['content-type'] === 'text/event-stream; charset=utf-8') {
        got()
        req.destroy()
        return
      }
      res.on('data', data => {
        text += data
      })
      res.on('end', got)
    })
    req.on('error', reject)
    req.end()
  })
}

interface Place {
  name: string
  url: string
  allow: string
}

describe('methods', () => {
  const places: Place[] = []
  const closes: (() => Promise<void>)[] = []

  before(async () => {
    const live = new LiveEvents(new MemoryStore())
    const comparisons = new Comparisons(rulesFrom())
    const dashboard: DashboardOptions = { live, comparisons, version: '1.2.3', batching: true, isOwnWorker: false }
    const metrics = new Metrics('1.2.3')
    const api = await serve({ dashboard, metrics })
    const ops = await listen(
      opsApp(silent, metrics, async () => {}),
      { host: '127.0.0.1', port: 0 },
    )
    const handle = toNode(webhook({ batcher: new Recorder() }))
    const library = await listen((req, res) => void handle(req, res), { host: '127.0.0.1', port: 0 })
    closes.push(
      () => live.close(),
      () => api.close(1000),
      () => ops.close(1000),
      () => library.close(1000),
    )
    const inApi: [path: string, allow: string][] = [
      ['/webhook/whatsapp/batched', 'GET, HEAD, POST'],
      ['/webhook/whatsapp', 'GET, HEAD, POST'],
      ['/webhook/whatsapp/batched/meta', 'GET, HEAD, POST'],
      ['/conversations', 'DELETE, GET, HEAD'],
      ['/conversations/a', 'DELETE, GET, HEAD'],
      ['/conversations/a/history', 'GET, HEAD'],
      ['/conversations/a/messages', 'POST'],
      ['/conversations/a/forget', 'POST'],
      ['/conversations/a/typing', 'POST'],
      ['/conversations/a/hold', 'POST'],
      ['/conversations/a/release', 'POST'],
      ['/conversations/a/pause', 'POST'],
      ['/conversations/a/resume', 'POST'],
      ['/conversations/a/sent', 'POST'],
      ['/batches/b/commit', 'POST'],
      ['/batches/b/answered', 'POST'],
      ['/settings', 'DELETE, GET, HEAD, PUT'],
      ['/settings/shop', 'DELETE, GET, HEAD, PUT'],
      ['/dead', 'GET, HEAD'],
      ['/dead/b/redrive', 'POST'],
      ['/dead/b', 'DELETE'],
      ['/livez', 'GET, HEAD'],
      ['/readyz', 'GET, HEAD'],
      ['/metrics', 'GET, HEAD'],
      ['/events', 'GET, HEAD'],
      ['/', 'GET, HEAD, POST'],
      ['/page/state', 'GET, HEAD'],
      ['/page/app.js', 'GET, HEAD'],
    ]
    for (const [path, allow] of inApi) places.push({ name: path, url: api.url + path, allow })
    for (const path of ['/livez', '/readyz', '/metrics'])
      places.push({ name: `${path} on the port for probes`, url: ops.url + path, allow: 'GET, HEAD' })
    places.push({ name: 'a webhook of the library', url: `${library.url}/hook`, allow: 'GET, HEAD, POST' })
  })

  after(async () => {
    for (const close of closes) await close()
  })

  it('a method without a handler is 405 as JSON, and names those that are allowed', async () => {
    for (const { name, url, allow } of places)
      for (const method of ['PUT', 'DELETE', 'PATCH', 'PROPFIND'].filter(each => !allow.includes(each))) {
        const got = await send(method, url)
        expect([got.status, got.allow], `${method} ${name}`).to.deep.equal([405, allow])
        expect(got.type).to.equal('application/json; charset=utf-8')
        const { pathname } = new URL(url)
        expect(JSON.parse(got.text)).to.deep.equal({
          error: `method "${method}" is not allowed at "${pathname}": use ${allow}`,
        })
      }
  })

  it('OPTIONS lists the methods that are allowed', async () => {
    for (const { name, url, allow } of places) {
      const got = await send('OPTIONS', url)
      expect([got.status, got.allow, got.text], name).to.deep.equal([200, allow, ''])
    }
  })

  it('HEAD gets what GET gets, without the body', async () => {
    for (const { name, url, allow } of places) {
      const [head, get] = [await send('HEAD', url), await send('GET', url)]
      expect(head.text, name).to.equal('')
      expect([head.status, head.type], name).to.deep.equal([get.status, get.type])
      if (get.status !== 405 && !name.startsWith('/metrics')) expect(head.length, name).to.equal(get.length)
      if (!allow.includes('GET')) expect(get.status, name).to.equal(405)
    }
  })

  it('a path that is not there is 404 for every method', async () => {
    const { origin } = new URL(places[0]?.url ?? '')
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const got = await send(method, `${origin}/nothing`)
      expect([got.status, got.allow], method).to.deep.equal([404, undefined])
    }
  })
})

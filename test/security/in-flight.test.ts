/** The bytes of all bodies together have a bound, and each request gives its bytes back, however it ends. */
import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import { BodyBounds } from '../../src/http/body-bounds.js'
import { webhook } from '../../src/webhook/fetch.js'
import { until } from '../support/wait.js'
import { type Serving, serve } from '../unit/api/serving.js'
import { Recorder } from '../unit/webhook/recorder.js'
import { headOf, rawRequest } from './raw-request.js'

const KIB = 1024
const BOUNDS = { maxBodyBytes: 64 * KIB, maxBodyBytesInFlight: 256 * KIB }
const PATH = '/webhook/whatsapp/batched/generic'

describe('bytes in flight', () => {
  let api: Serving
  const sockets: Socket[] = []
  beforeEach(async () => {
    api = await serve({ ...BOUNDS, providers: { allowUnsigned: ['generic'] } })
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await api.close(0)
  })

  /** A request that announces 60 KiB, sends all but a byte of them, and waits. */
  function unfinished(): Promise<Socket> {
    const { hostname, port } = new URL(api.url)
    return new Promise(resolve => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(headOf(PATH, {}, 60 * KIB) + ' '.repeat(60 * KIB - 1), () => resolve(socket))
      })
      socket.on('error', () => {})
      sockets.push(socket)
    })
  }

  const hi = (id: string) => ({ chatId: 'a', messageId: id, text: 'x'.repeat(30 * KIB) })
  const status = async (id: string) => (await api.call('POST', PATH, hi(id))).status

  it('more than the bound is answered 503 with Retry-After, and small requests of others are not cut off', async () => {
    for (let i = 0; i < 4; i++) await unfinished()
    const refused = await until(async () => {
      const response = await api.call('POST', PATH, hi('m1'))
      return response.status === 503 && response
    })
    expect(Number(refused.headers.get('retry-after'))).to.be.greaterThan(0)
    expect(refused.json).to.have.property('error').that.is.a('string')
    expect((await api.call('GET', '/livez')).status).to.equal(200)
    expect((await api.call('POST', PATH, { chatId: 'a', messageId: 'small', text: 'hi' })).status).to.equal(200)
  })

  it('bytes are given back by requests that end, break off, are refused or fail', async () => {
    for (let i = 0; i < 4; i++) await unfinished()
    await until(async () => (await status('m1')) === 503)
    for (const socket of sockets.splice(0)) socket.destroy()
    await until(async () => (await status('m2')) === 200)
    const cases = [JSON.stringify(hi('m3')), 'x'.repeat(60 * KIB), `[${' '.repeat(70 * KIB)}]`, '{}', '{"chatId":""}']
    for (let i = 0; i < 20; i++) for (const body of cases) await api.call('POST', PATH, body)
    api.store.trouble = new Error('a defect')
    for (let i = 0; i < 20; i++) expect(await status(`t${i}`)).to.equal(500)
    delete api.store.trouble
    for (let i = 0; i < 20; i++) await api.call('POST', '/conversations/a/messages', hi(`c${i}`))
    expect(await status('last')).to.equal(200)
  })

  it('a body that is announced and does not come takes nothing', async () => {
    for (let i = 0; i < 20; i++) {
      const { hostname, port } = new URL(api.url)
      const socket = connect(Number(port), hostname, () => socket.write(headOf(PATH, {}, 60 * KIB)))
      sockets.push(socket)
    }
    expect(await status('m1')).to.equal(200)
  })

  it('a body above its own bound is 413, announced or not', async () => {
    expect((await rawRequest(api.url, headOf(PATH, {}, 65 * KIB))).status).to.equal(413)
    expect((await api.call('POST', PATH, `[${' '.repeat(70 * KIB)}]`)).status).to.equal(413)
  })

  it('the library’s webhook has the same bounds', async () => {
    let open = 0
    let finish = () => {}
    const gate = new Promise<void>(resolve => {
      finish = resolve
    })
    const batcher = Object.assign(new Recorder(), {
      append: async () => {
        open += 1
        await gate
        return { accepted: 1, duplicates: 0, tooOld: 0 }
      },
    })
    const receive = webhook({ batcher, provider: 'generic', providers: { allowUnsigned: 'all' }, ...BOUNDS })
    const post = (id: string) => receive(new Request('http://x/', { method: 'POST', body: JSON.stringify(hi(id)) }))
    const waiting = Array.from({ length: 8 }, (_, i) => post(`m${i}`))
    await until(() => open === 8)
    expect((await post('m9')).status).to.equal(503)
    finish()
    for (const response of await Promise.all(waiting)) expect(response.status).to.equal(200)
    expect((await post('m9')).status).to.equal(200)
  })

  it('a lease gives back what it took once, and takes nothing afterwards', () => {
    const bounds = new BodyBounds(BOUNDS)
    const lease = bounds.lease()
    lease.take(1000)
    expect(bounds.inFlight).to.equal(1000)
    expect(() => lease.take(64 * KIB)).to.throw('larger than 65536 bytes')
    lease.release()
    lease.release()
    lease.take(1000)
    expect(bounds.inFlight).to.equal(0)
  })

  it('bounds that contradict each other are refused', () => {
    expect(() => new BodyBounds({ maxBodyBytes: 2, maxBodyBytesInFlight: 1 })).to.throw(RangeError, 'make it at least')
  })
})

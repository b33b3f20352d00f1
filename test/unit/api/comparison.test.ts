/** The engines that the playground compares: the same messages in both modes, and nothing of them elsewhere. */
import { expect } from 'chai'
import { Comparisons, comparedRules, earlyStartOf } from '../../../src/api/comparison.js'
import { LiveEvents } from '../../../src/api/events.js'
import type { LiveReader } from '../../../src/api/live-reader.js'
import { rulesFrom } from '../../../src/rules.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { until } from '../../support/wait.js'
import { type Serving, serve, TOKEN } from './serving.js'

const RULES = rulesFrom({ quietGapMs: 300, earlyStartMs: 60, answering: 'supersede' })
const WORK_MS = 100

interface Run {
  person: string
  mode: string
  batchId: string
  event: string
  ids: string[]
}

describe('comparison', () => {
  let comparisons: Comparisons
  const readers: LiveReader[] = []

  beforeEach(() => {
    comparisons = new Comparisons(RULES)
  })

  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.destroy()
    await comparisons.close()
  })

  async function opened() {
    const reader = await comparisons.open()
    readers.push(reader)
    const runs: Run[] = []
    let id = ''
    reader.on('data', chunk => {
      for (const [, name, data = ''] of String(chunk).matchAll(/event: (\w+)\ndata: (.*)\n/g)) {
        if (name === 'run') runs.push(JSON.parse(data))
        else if (name === 'engines') id = JSON.parse(data).id
      }
    })
    await until(() => id !== '', { what: 'the engines' })
    const write = (...messageIds: string[]) => comparisons.write(id, { person: 'anna', messageIds, workMs: WORK_MS })
    const of = (mode: string, event: string) => runs.filter(run => run.mode === mode && run.event === event)
    return { reader, id, runs, of, write }
  }

  it('plays the same messages to both modes: one reply each, and a wasted run only with the early start', async () => {
    const { of, write } = await opened()
    await write('m1')
    await until(() => of('supersede', 'begun').length === 1, { what: 'the early start' })
    await write('m2')
    await until(() => of('queue', 'replied').length > 0 && of('supersede', 'replied').length > 0, { what: 'replies' })
    for (const mode of ['queue', 'supersede'])
      expect(of(mode, 'replied').map(({ person, ids }) => [person, ids])).to.deep.equal([['anna', ['m1', 'm2']]])
    expect(of('supersede', 'superseded').map(({ ids }) => ids)).to.deep.equal([['m1']])
    expect(of('queue', 'begun')).to.have.lengthOf(1)
    expect(of('queue', 'superseded')).to.deep.equal([])
  })

  it('follows the system’s rules but for what makes a mode; without an early start of its own it takes a fifth', () => {
    expect(comparedRules(RULES, 'queue')).to.include({ quietGapMs: 300, answering: 'queue', earlyStartMs: 0 })
    expect(comparedRules(RULES, 'supersede')).to.include({ answering: 'supersede', earlyStartMs: 60 })
    expect(earlyStartOf({ quietGapMs: 10_000, earlyStartMs: 0 })).to.equal(2000)
    const concurrent = comparedRules(rulesFrom({ order: 'concurrent' }), 'supersede')
    expect(() => rulesFrom(concurrent)).not.to.throw()
  })

  it('keeps apart what two pages compare', async () => {
    const [one, other] = [await opened(), await opened()]
    await one.write('m1')
    await until(() => one.of('supersede', 'begun').length > 0, { what: 'a run' })
    expect(other.runs).to.deep.equal([])
  })

  it('ends the engines with the stream, and then refuses its messages', async () => {
    const { reader, id, write } = await opened()
    await write('m1')
    reader.destroy()
    const refusal = () => comparisons.write(id, { person: 'anna', workMs: 0 }).catch(reason => reason)
    const error = await until(refusal, { what: 'a refusal' })
    expect(error).to.include({ status: 404 })
    // What is left open fails this test (test/support/open.ts).
  })

  it('takes so many pages at once, and so many messages of each, and no more', async () => {
    const { write } = await opened()
    const many = Array.from({ length: 2000 }, (_, i) => `m${i}`)
    await write(...many)
    expect(await write('more').catch(reason => reason)).to.include({ status: 429 })
    for (let i = 1; i < 20; i++) readers.push(await comparisons.open())
    expect(await comparisons.open().catch(reason => reason)).to.include({ status: 503 })
  })

  it('ends every stream at a stop, with the runs under way, and opens none afterwards', async () => {
    const { reader, id, of } = await opened()
    await comparisons.write(id, { person: 'anna', messageIds: ['m1'], workMs: 30_000 })
    await until(() => of('supersede', 'begun').length > 0, { what: 'a run' })
    // A reader that is slow: the stream is still open when the run is cut.
    reader.pause()
    await comparisons.close()
    reader.resume()
    await until(() => reader.readableEnded, { what: 'the end of the stream' })
    expect(of('supersede', 'superseded'), 'no newer message came').to.deep.equal([])
    expect(await comparisons.open().catch(reason => reason)).to.include({ status: 503 })
  })
})

describe('comparison over HTTP', () => {
  let serving: Serving
  let live: LiveEvents
  const comparisons = new Comparisons(RULES)

  before(async () => {
    live = new LiveEvents(new MemoryStore())
    serving = await serve({ dashboard: { live, comparisons, version: '1', batching: true, isOwnWorker: false } })
  })

  after(async () => {
    await comparisons.close()
    await live.close()
    await serving.close(1000)
  })

  it('needs the token, and refuses a body that is not valid', async () => {
    const url = `${serving.url}/page/comparison`
    for (const method of ['GET', 'POST']) expect((await fetch(url, { method })).status, method).to.equal(401)
    const post = async (body: unknown) => {
      const headers = { Authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
      const response = await fetch(`${url}?id=x`, { method: 'POST', headers, body: JSON.stringify(body) })
      return response.status
    }
    expect(await post({ person: 'anna', workMs: 60_000 })).to.equal(400)
    expect(await post({ person: 'anna', workMs: 2000, messageIds: ['m1'] })).to.equal(404)
  })
})

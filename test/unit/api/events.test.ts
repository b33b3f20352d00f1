/**
 * `/events`: steps as they happen, summaries for a reader that does not keep up, and bounded memory for each reader.
 */
import { expect } from 'chai'
import sinon from 'sinon'
import { z } from 'zod'
import { Comparisons } from '../../../src/api/comparison.js'
import { LiveEvents } from '../../../src/api/events.js'
import { type LiveReader, READER_BOUNDS } from '../../../src/api/live-reader.js'
import { rulesFrom } from '../../../src/rules.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import type { GrowthListener, HistoryEntry } from '../../../src/store/store.js'
import { until } from '../../support/wait.js'
import { serve, TOKEN } from './serving.js'

/** A store that has only a history, whose steps the tests make. */
class HistoryStub {
  follows = 0
  stops = 0
  listener: (entry: HistoryEntry) => void = () => {}
  trouble?: Error

  async follow(listener: (entry: HistoryEntry) => void) {
    if (this.trouble) throw this.trouble
    this.follows += 1
    this.listener = listener
    return async () => {
      this.stops += 1
    }
  }

  growthStops = 0
  growthListener: GrowthListener | undefined
  growthRefusal?: Error

  async followGrowth(listener: GrowthListener) {
    if (this.growthRefusal) throw this.growthRefusal
    this.growthListener = listener
    return async () => {
      this.growthStops += 1
    }
  }

  async ready() {
    if (this.trouble) throw this.trouble
  }

  claimed(number: number): void {
    this.listener({
      id: `${number}-0`,
      atMs: number,
      step: 'claimed',
      conversationId: 'a',
      batchId: `b${number}`,
      detail: { reason: 'gap', lateMs: String(number % 10) },
    })
  }
}

const summary = z.object({ skipped: z.number(), reasons: z.record(z.string(), z.number()) })

const taken = (reader: LiveReader): string => String(reader.read() ?? '')

describe('events', () => {
  let history: HistoryStub
  let live: LiveEvents
  let clock: sinon.SinonFakeTimers

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    history = new HistoryStub()
    live = new LiveEvents(history)
  })

  afterEach(async () => {
    await live.close()
    clock.restore()
  })

  it('sends each step as it happens, with its id in the history', async () => {
    const reader = await live.read()
    history.claimed(7)
    expect(taken(reader)).to.include(
      'id: 7-0\ndata: {"id":"7-0","atMs":7,"step":"claimed","conversationId":"a","batchId":"b7","detail":{"reason":"gap","lateMs":"7"}}\n\n',
    )
  })

  it('sends a beat every ten seconds, with whether the store can be used', async () => {
    const reader = await live.read()
    await until(() => taken(reader).includes('event: beat\ndata: {"ready":true}'))
    history.trouble = new Error('Redis is loading')
    clock.tick(10_000)
    await until(() => taken(reader).includes('event: beat\ndata: {"ready":false,"error":"Redis is loading"}'))
  })

  it('buffers a bounded amount for a slow reader, and then sends a summary of what it missed', async () => {
    const slow = await live.read()
    const quick = await live.read()
    let seen = ''
    for (let second = 0; second < 100; second++) {
      for (let i = 0; i < 100; i++) history.claimed(second * 100 + i)
      seen += taken(quick)
      clock.tick(100)
      if (second % 10 === 9) clock.tick(1000)
    }
    expect(slow.readableLength).to.be.at.most(READER_BOUNDS.bytesWaiting)
    expect(seen.length).to.be.greaterThan(READER_BOUNDS.bytesWaiting)
    let text = taken(slow)
    clock.tick(1000)
    text += taken(slow)
    const summaries = [...text.matchAll(/event: summary\ndata: (.*)\n/g)].map(([, data = '']) =>
      summary.parse(JSON.parse(data)),
    )
    const skipped = summaries.reduce((sum, one) => sum + one.skipped, 0)
    const steps = text.split('"step":"claimed"').length - 1
    expect(steps + skipped, 'nothing is left out of both').to.equal(10_000)
    expect(summaries.at(-1)?.reasons).to.deep.equal({ gap: summaries.at(-1)?.skipped })
    history.claimed(10_001)
    expect(taken(slow), 'then each step again').to.include('"batchId":"b10001"')
  })

  it('summarises steps that come too fast', async () => {
    const reader = await live.read()
    for (let i = 0; i < 1000; i++) history.claimed(i)
    const steps = taken(reader).split('"step":"claimed"').length - 1
    expect(steps).to.equal(READER_BOUNDS.stepsASecond)
    clock.tick(1000)
    expect(taken(reader)).to.include(`"skipped":${1000 - steps}`)
  })

  it('disconnects a reader that has read nothing for a minute', async () => {
    const reader = await live.read()
    reader.read()
    for (let i = 0; i < 100; i++) history.claimed(i)
    clock.tick(READER_BOUNDS.patienceMs + 2000)
    expect(reader.destroyed).to.equal(true)
  })

  it('follows the history once for all readers, and stops when the last has left', async () => {
    const readers = [await live.read(), await live.read()]
    expect(history.follows).to.equal(1)
    for (const reader of readers) reader.destroy()
    await until(() => history.stops === 1)
    const another = await live.read()
    expect(history.follows).to.equal(2)
    another.destroy()
    await until(() => history.stops === 2)
    expect(clock.countTimers()).to.equal(0)
  })

  it('accepts a hundred readers and refuses more', async () => {
    for (let i = 0; i < 100; i++) await live.read()
    const error = await live.read().then(
      () => undefined,
      failure => failure,
    )
    expect(error).to.include({ status: 503 })
  })

  it('a reader can try again after the history could not be followed', async () => {
    history.trouble = new Error('down')
    const error = await live.read().then(
      () => undefined,
      failure => failure,
    )
    expect(error).to.equal(history.trouble)
    delete history.trouble
    await live.read()
    expect(history.follows).to.equal(1)
  })

  it('close ends all streams, and refuses new readers', async () => {
    const reader = await live.read()
    await live.close()
    await live.close()
    reader.resume()
    await until(() => reader.readableEnded)
    expect(history.stops).to.equal(1)
    const error = await live.read().then(
      () => undefined,
      failure => failure,
    )
    expect(error).to.include({ status: 503 })
  })
})

describe('events: growth', () => {
  let history: HistoryStub
  let live: LiveEvents
  let clock: sinon.SinonFakeTimers
  const grow = (conversationId: string, count: number) =>
    history.growthListener?.grew({ conversationId, batchId: 'b', count, dueInMs: 10_000, db: 0 })

  beforeEach(() => {
    clock = sinon.useFakeTimers({
      toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'performance'],
    })
    history = new HistoryStub()
    live = new LiveEvents(history)
  })

  afterEach(async () => {
    await live.close()
    clock.restore()
  })

  it('is sent a few times a second, once for each conversation, with the time left until it is due', async () => {
    const reader = await live.read()
    for (let count = 1; count <= 1000; count++) grow('a', count)
    grow('c', 1)
    expect(taken(reader)).not.to.include('growth')
    clock.tick(250)
    expect(taken(reader).split('event: ').at(-1)).to.equal(
      'growth\ndata: [{"conversationId":"a","batchId":"b","count":1000,"dueInMs":9750},{"conversationId":"c","batchId":"b","count":1,"dueInMs":9750}]\n\n',
    )
  })

  it('of more conversations than the page shows sends stale', async () => {
    const reader = await live.read()
    for (let i = 0; i < 1001; i++) grow(`c${i}`, 1)
    clock.tick(250)
    const text = taken(reader)
    expect(text).to.include('"c999"').and.include('event: stale').and.not.include('"c1000"')
  })

  it('counts as skipped for a reader that does not keep up', async () => {
    const slow = await live.read()
    for (let i = 0; i < 10; i++) {
      for (let j = 0; j < 500; j++) grow(`c${j}`, i)
      clock.tick(250)
    }
    expect(slow.readableLength).to.be.at.most(READER_BOUNDS.bytesWaiting)
    taken(slow)
    clock.tick(1000)
    expect(taken(slow)).to.match(/event: summary\ndata: \{"skipped":\d+00,/)
  })

  it('that may have been missed sends stale', async () => {
    const reader = await live.read()
    history.growthListener?.missed()
    expect(taken(reader)).to.include('event: stale')
  })

  it('is not followed without readers', async () => {
    const reader = await live.read()
    grow('a', 1)
    reader.destroy()
    clock.runToLast()
    await live.close()
    expect(history.growthStops).to.equal(1)
    expect(clock.countTimers()).to.equal(0)
  })

  it('that cannot be followed sends stale now and then', async () => {
    history.growthRefusal = new Error('NOPERM')
    const blind = new LiveEvents(history)
    const reader = await blind.read()
    expect(taken(reader)).not.to.include('stale')
    clock.tick(5000)
    expect(taken(reader)).to.include('event: stale')
    await blind.close()
  })
})

const PAGE = {
  comparisons: new Comparisons(rulesFrom()),
  version: '1',
  batching: true,
  isOwnWorker: false,
}

describe('events over HTTP', () => {
  it('are a text/event-stream that ends with its reader and does not delay a stop', async () => {
    const store = new MemoryStore()
    const live = new LiveEvents(store)
    const serving = await serve({ dashboard: { ...PAGE, live } })
    const leaving = new AbortController()
    const headers = { Authorization: `Bearer ${TOKEN}` }
    const response = await fetch(`${serving.url}/events`, { headers, signal: leaving.signal })
    expect(response.headers.get('content-type')).to.include('text/event-stream')
    const staying = await fetch(`${serving.url}/events`, { headers })
    await store.append({ conversationId: 'a', messages: [{ messageId: '1', type: 'text' }] })
    const reader = staying.body?.getReader()
    let text = ''
    while (!text.includes('"step":"opened"')) text += new TextDecoder().decode((await reader?.read())?.value)
    leaving.abort()
    await live.close()
    await serving.close(5000)
    expect((await reader?.read())?.done).to.equal(true)
  })
})

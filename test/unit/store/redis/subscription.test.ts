/** When a subscription pings: a hanging connection must be found, and one that nobody depends on must send nothing. */
import { EventEmitter } from 'node:events'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import sinon from 'sinon'
import { silent } from '../../../../src/logger.js'
import { Subscription } from '../../../../src/store/redis/subscription.js'

const HEARTBEAT_MS = 30_000

describe('a subscription', () => {
  let clock: sinon.SinonFakeTimers
  const stops: (() => Promise<void>)[] = []

  beforeEach(() => {
    clock = sinon.useFakeTimers()
  })

  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
    clock.restore()
  })

  /** On a client that answers at once, or rejects pings. */
  async function subscribed({ pingsOnDemand = false, hangs = false } = {}) {
    const sent: string[] = []
    const client = Object.assign(Object.create(Redis.prototype), new EventEmitter(), {
      status: 'ready',
      on: () => client,
      subscribe: async (channel: string) => void sent.push(`subscribe ${channel}`),
      ping: async () => {
        sent.push('ping')
        if (hangs) throw new Error('no answer')
      },
      quit: async () => 'OK',
      disconnect: (again = false) => void sent.push(again ? 'reconnect' : 'disconnect'),
    })
    const subscription = new Subscription(client, {
      channels: ['news'],
      address: 'redis://here',
      log: silent,
      pingsOnDemand,
      onSubscribed: () => {},
      onMessage: () => {},
    })
    stops.push(() => subscription.stop())
    await subscription.start()
    return { subscription, pings: () => sent.filter(word => word === 'ping').length, sent }
  }

  it('pings at every heartbeat', async () => {
    const { pings } = await subscribed()
    await clock.tickAsync(3 * HEARTBEAT_MS)
    expect(pings()).to.equal(3)
  })

  it('that pings on demand sends nothing by itself, and one ping a heartbeat however often it is checked', async () => {
    const { subscription, pings } = await subscribed({ pingsOnDemand: true })
    for (let i = 0; i < 5; i += 1) subscription.check()
    expect(pings()).to.equal(0)
    await clock.tickAsync(10 * HEARTBEAT_MS)
    expect(pings()).to.equal(0)
    for (let i = 0; i < 5; i += 1) subscription.check()
    await clock.tickAsync(1)
    expect(pings()).to.equal(1)
    await clock.tickAsync(HEARTBEAT_MS)
    subscription.check()
    expect(pings()).to.equal(2)
  })

  it('reconnects where a ping that was demanded gets no answer', async () => {
    const { subscription, sent } = await subscribed({ pingsOnDemand: true, hangs: true })
    await clock.tickAsync(HEARTBEAT_MS)
    subscription.check()
    await clock.tickAsync(1)
    expect(sent.at(-1)).to.equal('reconnect')
  })
})

/**
 * Guarantee **events, not polling**: an idle system sends Redis nothing but heartbeats. (support/hooks.ts checks at the
 * end that the whole suite has sent no SCAN and no KEYS.)
 */
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { monitor } from '../support/monitor.js'
import { type Pipeline, pipeline } from '../support/pipeline.js'
import { privateRedis } from '../support/redis.js'

const IDLE_MS = 20_000
const AN_HOUR = 3_600_000

describe('events, not polling', () => {
  it('an API, two processors and a worker, with 1,000 open conversations far from due, send nothing but heartbeats for 20 s', async function () {
    this.timeout(IDLE_MS + 30_000)
    const server = await privateRedis()
    let running: Pipeline | undefined
    try {
      running = await pipeline({
        redis: server.url,
        processors: 2,
        rules: { quietGapMs: AN_HOUR, maxWaitMs: AN_HOUR, batchTtlMs: 2 * AN_HOUR },
      })
      const { post } = running
      for (let part = 0; part < 10; part++)
        await Promise.all(
          Array.from({ length: 100 }, (_, i) => post(`7900${part * 100 + i}@c.us`, [{ messageId: '1', text: 'hi' }])),
        )
      const watch = await monitor(server.url)
      await delay(IDLE_MS)
      await watch.stop()
      const sent = watch.lines.filter(line => !isBullmqsOwn(line))
      const pings = sent.filter(line => /"ping"/i.test(line))
      const claims = sent.filter(line => line.includes('"evalsha"') && line.includes(`"${running?.prefix}"`))
      expect(sent.filter(line => !pings.includes(line) && !claims.includes(line))).to.deep.equal([])
      // A heartbeat comes every 30 s: in 20 s at most one of each kind from each processor.
      expect(pings.length).to.be.at.most(2)
      expect(claims.length).to.be.at.most(2)
      // The monitor works: it has seen BullMQ's blocking calls.
      expect(watch.lines.length).to.be.greaterThan(0)
      expect(running.batches).to.have.length(0)
    } finally {
      await running?.stop()
      await server.stop()
    }
  })
})

/**
 * The worker’s blocking wait for a job, the event stream’s blocking read, the stalled check, and what they run in
 * scripts.
 */
const isBullmqsOwn = (line: string) => /"bull:|\[\d+ lua\]/.test(line)

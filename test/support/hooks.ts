/**
 * Mocha's root hooks: nothing is left open by a test, Redis has counted no SCAN and no KEYS, and the run ends by itself. One
 * that a signal ends takes along what its tests have started.
 */
import { constants } from 'node:os'
import type { Context, RootHookObject } from 'mocha'
import { endLeftOpen, testBegins, testEnds } from './open.js'
import { endTestRedis, openConnections, scansOfThisRun } from './redis.js'
import { until } from './wait.js'

const NO_SCANS = 'events, not polling: Redis has counted no SCAN and no KEYS'
/** What keeps this process alive so long after the last test was left open by it. */
const LINGER_MS = 10_000

// What runs listens for the end of this process, which a signal by itself does not tell.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(128 + constants.signals[signal]))

export const mochaHooks: RootHookObject = {
  beforeEach() {
    testBegins()
  },

  async afterEach(this: Context) {
    testEnds()
    const left = await endLeftOpen('byTest')
    // A test that failed did not get to its end: what it left is not news.
    if (left.length > 0 && this.currentTest?.state === 'passed')
      throw new Error(`“${this.currentTest.fullTitle()}” has left open: ${left.join(', ')}`)
  },

  afterAll: [
    async function nothingIsLeftOpen() {
      const left = await endLeftOpen('all')
      if (left.length > 0) throw new Error(`left open by a suite: ${left.join(', ')}`)
      let names: string[] = []
      const allClosed = async () => {
        names = await openConnections()
        return names.length === 0
      }
      await until(allClosed, { what: () => `connections to be closed: ${names.join(', ')}` })
    },
    noScans,
    endTestRedis,
  ],
}

async function noScans() {
  const scans = await scansOfThisRun()
  if (scans === undefined) return
  if (scans > 0) throw new Error(`SCAN or KEYS: ${scans} calls`)
  console.log(`\n  ✔ ${NO_SCANS}`)
}
Object.defineProperty(noScans, 'name', { value: NO_SCANS })

export function mochaGlobalTeardown(): void {
  setTimeout(() => {
    console.error(`The tests have ended, and something keeps this process alive: ${process.getActiveResourcesInfo()}`)
    process.exit(1)
  }, LINGER_MS).unref()
}

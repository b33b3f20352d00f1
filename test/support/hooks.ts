/**
 * Mocha's root hooks. A run fails if a test leaves something open, if Redis has counted a SCAN or KEYS, or if the
 * process does not end by itself after the last test. A run that a signal ends also ends what its tests have started.
 */
import { constants } from 'node:os'
import type { Context, RootHookObject } from 'mocha'
import { endLeftOpen, testBegins, testEnds } from './open.js'
import { endTestRedis, openConnections, scansOfThisRun } from './redis.js'
import { until } from './wait.js'

const NO_SCANS = 'events, not polling: Redis has counted no SCAN and no KEYS'
/** A process that is still alive this long after the last test has something left open. */
const LINGER_MS = 10_000

// A signal alone emits no 'exit', which ends what the tests have started.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(128 + constants.signals[signal]))

export const mochaHooks: RootHookObject = {
  beforeEach() {
    testBegins()
  },

  async afterEach(this: Context) {
    testEnds()
    const left = await endLeftOpen('byTest')
    // A failed test did not reach its clean-up.
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
    // Mocha's own 'exit' listener sets the exit code of the tests; this one comes after it.
    process.on('exit', () => {
      process.exitCode = 1
    })
    process.exit()
  }, LINGER_MS).unref()
}

/**
 * The scripts against their model: random commands on a `RedisStore` and a `MemoryStore` at once, with one clock that
 * the test moves; and a `PartitionedStore` on one Redis against a `MemoryStore` for each partition. There a merge of
 * conversations in different partitions is left out, since it is several transitions: moves.test.ts. fast-check shortens a failing sequence as far as it can, and names the seed that repeats it:
 *
 *     LULL_MODEL_SEED=<seed> LULL_MODEL_RUNS=<runs> npx mocha test/integration/model.test.ts
 */
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { testRedis } from '../support/redis.js'
import { commands, PARTITIONS, rules } from '../support/store-model/commands.js'
import { Pair } from '../support/store-model/pair.js'

/** Of a store without partitions, and of one with them. */
const RUNS = Number(process.env['LULL_MODEL_RUNS'] ?? 1000)
const PARTITIONED_RUNS = Number(process.env['LULL_MODEL_RUNS'] ?? 60)
const SEED = process.env['LULL_MODEL_SEED']
/** Sequences that run at the same time, since each mostly waits for Redis. A given seed runs in one. */
const LANES = SEED === undefined ? 4 : 1
const MOST_MS = 600_000
/** How many steps of the shortest failing sequence are shown. */
const STEPS_SHOWN = 60

describe('model: after any sequence of commands', () => {
  it('Redis and the model are in the same state, all invariants hold, and no message is lost, repeated or out of order', async function () {
    this.timeout(MOST_MS)
    await holdsFor(RUNS)
  })

  it(`the same of a store of ${PARTITIONS} partitions, merges of two partitions aside`, async function () {
    this.timeout(MOST_MS)
    await holdsFor(PARTITIONED_RUNS, PARTITIONS)
  })
})

async function holdsFor(runs: number, partitions?: number): Promise<void> {
  const url = await testRedis()
  const redis = new Redis(url, { enableAutoPipelining: true })
  const holds = fc.asyncProperty(rules, commands, async (someRules, someCommands) => {
    const pair = await Pair.on({ url, redis, rules: someRules, partitions })
    try {
      for (const command of someCommands) await pair.run(command)
      await pair.settle()
    } catch (error) {
      if (error instanceof Error) error.message += `\n${pair.log.slice(-STEPS_SHOWN).join('\n')}`
      throw error
    } finally {
      await pair.close()
    }
  })
  const lane = () =>
    fc.assert(holds, { numRuns: Math.ceil(runs / LANES), ...(SEED === undefined ? {} : { seed: Number(SEED) }) })
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane))
  await redis.quit()
  const failed = lanes.find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

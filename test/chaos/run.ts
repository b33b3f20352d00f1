/**
 * The chaos run: real processes on a private Redis, clients that write, a seeded schedule of faults, and a checker that
 * compares what was sent with what was handled. It prints a table for each way of answering, and exits with 1 on any
 * violation.
 *
 *     npm run chaos -- --minutes 2 --seed 7
 *
 * The same seed gives the same schedule. `--handover http` POSTs batches to two receivers instead of queueing them for
 * two workers; with `--handover function` the processors run the handlers. By default there are two trials, one after the
 * other, of that many minutes each: one in which messages wait for the end of an answer (`--answering queue`), and one in
 * which they supersede an answer that is not committed, and batches are handed over before their quiet gap has ended
 * (`--answering supersede`).
 *
 * `--cluster` keeps the batches on six nodes, `--sentinel` on a primary with two replicas and three Sentinels. Their
 * faults are those of nodes beside those of processes. `--wait 0` is LULL_WAIT_REPLICAS; by default all replicas must
 * have a write. Then a run may lose nothing. With `--wait 0` it may lose what the replicas were behind.
 *
 * `--keep` keeps the folders with all logs; after a violation they are always kept.
 */
import { EventEmitter } from 'node:events'
import { parseArgs } from 'node:util'
import { PLACES } from './places.js'
import { ANSWERINGS, HANDOVERS } from './settings.js'
import { trial } from './trial.js'

const BOTH = 'both'
/** Of each primary. */
const REPLICAS = { one: 0, cluster: 1, sentinel: 2 } as const

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    conversations: { type: 'string', default: '200' },
    handover: { type: 'string', default: 'bullmq' },
    answering: { type: 'string', default: BOTH },
    cluster: { type: 'boolean', default: false },
    sentinel: { type: 'boolean', default: false },
    wait: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})
const minutes = numberOf('minutes', 0.1, 600)
const seed = numberOf('seed', 0, 2 ** 31)
const conversations = numberOf('conversations', 2, 10_000)
const handover = oneOf('handover', HANDOVERS)
const on = PLACES.find(place => place !== 'one' && values[place]) ?? 'one'
const waitReplicas = values.wait === undefined ? REPLICAS[on] : numberOf('wait', 0, REPLICAS[on])
const answerings = values.answering === BOTH ? ANSWERINGS : [oneOf('answering', ANSWERINGS)]

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => process.exit(code))

// Each server of a run ends with this process.
EventEmitter.defaultMaxListeners = 50
let isFine = true
for (const answering of answerings)
  isFine =
    (await trial({ minutes, seed, conversations, handover, answering, on, waitReplicas, keep: values.keep })) && isFine
// A client that never gets a 200 would retry for ever.
process.exit(isFine ? 0 : 1)

function numberOf(name: 'minutes' | 'seed' | 'conversations' | 'wait', min: number, max: number): number {
  const value = Number(values[name])
  if (value >= min && value <= max) return value
  console.error(`chaos: --${name} ${values[name]} must be a number from ${min} to ${max}`)
  process.exit(2)
}

function oneOf<Name extends string>(option: 'handover' | 'answering', names: readonly Name[]): Name {
  const name = names.find(each => each === values[option])
  if (name !== undefined) return name
  console.error(
    `chaos: --${option} ${values[option]} must be one of ${[...names, ...(option === 'answering' ? [BOTH] : [])].join(', ')}`,
  )
  process.exit(2)
}

/**
 * The chaos run: real processes on a private Redis, clients that write, a seeded schedule of faults, and a checker that
 * compares what was sent with what was handled. It prints one table, and exits with 1 on any violation.
 *
 *     npm run chaos -- --minutes 2 --seed 7
 *
 * The same seed gives the same schedule. `--handover http` POSTs batches to two receivers instead of queueing them for
 * two workers. `--keep` keeps the folder with all logs; after a violation it is always kept.
 */
import { appendFileSync } from 'node:fs'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { check, type Verdict } from './checker.js'
import { Clients } from './clients.js'
import { Faults } from './faults.js'
import { readHandlerLog } from './handler-log.js'
import { randomFrom } from './random.js'
import { scheduleFrom } from './schedule.js'
import { type Handover, LOCK_MS, RULES } from './settings.js'
import { Stalls } from './stalls.js'
import { table } from './table.js'
import { build } from './world.js'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    conversations: { type: 'string', default: '200' },
    handover: { type: 'string', default: 'bullmq' },
    keep: { type: 'boolean', default: false },
  },
})
const MINUTE_MS = 60_000
const SETTLE_MS = 30_000
/** Longer than an answer timeout, and no longer than a heartbeat. */
const DRAIN_MS = 30_000
const QUIET_MS = 1000
const PROGRESS_MS = 5000
/** The answers to a request that are allowed while something is broken. */
const EXPECTED = ['503', 'timeout', 'no connection']
/** Between two checks: the proxies run in this process too, and need its time. */
const LOOK_AGAIN_MS = 1000

const minutes = numberOf('minutes', 0.1, 600)
const seed = numberOf('seed', 0, 2 ** 31)
const conversations = numberOf('conversations', 2, 10_000)
const handover = handoverOf(values.handover)

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => process.exit(code))

const isFine = await run()
// A client that never gets a 200 would retry for ever.
process.exit(isFine ? 0 : 1)

async function run(): Promise<boolean> {
  const dir = await mkdtemp(join(tmpdir(), 'lull-chaos-'))
  const log = (line: string) => appendFileSync(join(dir, 'chaos.log'), `${new Date().toISOString()} ${line}\n`)
  const handlerLog = join(dir, 'handlers.jsonl')
  await appendFile(handlerLog, '')
  const lengthMs = minutes * MINUTE_MS
  const schedule = scheduleFrom(randomFrom(seed), lengthMs, handover)
  console.log(`seed ${seed}, ${minutes} min, ${conversations} conversations, ${schedule.length} faults, logs in ${dir}`)

  const world = await build({ dir, handlerLog, handover })
  const faults = new Faults(world, log)
  const stalls = new Stalls()
  const clients = new Clients(world.urls, seed, conversations)
  const progress = showProgress(clients, faults)
  const evidence = async () => ({
    rules: { ...RULES, lockMs: LOCK_MS },
    ...clients.traffic,
    events: await readHandlerLog(handlerLog),
    disturbances: [...faults.disturbances, ...stalls.seen],
  })
  await Promise.all([faults.run(schedule), delay(lengthMs)])
  await faults.heal()

  const misbehaved: string[] = []
  const expected = async (what: string, forMs: number, isSo: () => boolean | Promise<boolean>) => {
    if (!(await soon(isSo, forMs))) misbehaved.push(`${what}: not within ${forMs / 1000} s`)
  }
  let allAccepted = false
  void clients.stop().then(() => {
    allAccepted = true
  })
  const nothingMissing = async () => !check(await evidence()).violations.some(({ kind }) => kind === 'lost')
  await expected('every message sent is accepted', SETTLE_MS, () => allAccepted)
  await expected('every message accepted is handled', DRAIN_MS, nothingMissing)
  await expected('nothing waits and nothing is held', SETTLE_MS, () => world.isIdle())
  await delay(QUIET_MS)
  clearInterval(progress)
  stalls.stop()
  const [dead, history] = await Promise.all([world.dead(), faults.history()])
  await faults.close()
  await world.stop()

  for (const [status, count] of clients.traffic.answers.refused)
    if (!EXPECTED.includes(status)) misbehaved.push(`${count} requests were answered ${status}`)
  for (const member of world.members.values())
    misbehaved.push(...member.misbehaved.map(({ name, what }) => `${name} ${what}`))
  const found = await evidence()
  const verdict = check(found)
  const isFine = verdict.violations.length === 0 && misbehaved.length === 0 && dead.length === 0
  console.log(
    table({ verdict, traffic: clients.traffic, faults: faults.done, stalls: stalls.seen.length, misbehaved, dead }),
  )
  if (!isFine || values.keep) await keep(dir, { verdict, found, history, dead })
  else await rm(dir, { recursive: true })
  return isFine
}

function showProgress(clients: Clients, faults: Faults): NodeJS.Timeout {
  const startedAtMs = performance.now()
  return setInterval(() => {
    const sent = [...clients.traffic.sent.values()].reduce((sum, { length }) => sum + length, 0)
    const seconds = Math.round((performance.now() - startedAtMs) / 1000)
    console.log(`${seconds} s: ${sent} messages sent; broken now: ${[...faults.now].join(', ') || 'nothing'}`)
  }, PROGRESS_MS)
}

/** Whether the condition holds within the time. */
async function soon(isSo: () => boolean | Promise<boolean>, forMs: number): Promise<boolean> {
  const untilMs = performance.now() + forMs
  while (!(await isSo())) {
    if (performance.now() > untilMs) return false
    await delay(LOOK_AGAIN_MS)
  }
  return true
}

async function keep(
  dir: string,
  { verdict, ...rest }: { verdict: Verdict; found: object; history: unknown; dead: unknown },
) {
  const { found, history, dead } = rest
  const asJson = (value: unknown) =>
    JSON.stringify(value, (_key, each: unknown) => (each instanceof Map ? Object.fromEntries(each) : each), 1)
  await writeFile(join(dir, 'violations.json'), asJson(verdict.violations))
  await writeFile(join(dir, 'evidence.json'), asJson(found))
  await writeFile(join(dir, 'history.json'), asJson(history))
  await writeFile(join(dir, 'dead.json'), asJson(dead))
  console.log(`logs and evidence: ${dir}`)
}

function numberOf(name: 'minutes' | 'seed' | 'conversations', min: number, max: number): number {
  const value = Number(values[name])
  if (value >= min && value <= max) return value
  console.error(`chaos: --${name} ${values[name]} must be a number from ${min} to ${max}`)
  process.exit(2)
}

function handoverOf(name: string): Handover {
  if (name === 'bullmq' || name === 'http') return name
  console.error(`chaos: --handover ${name} must be bullmq or http`)
  process.exit(2)
}

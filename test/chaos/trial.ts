/**
 * One trial of a chaos run: starts a world, lets clients write and faults happen, waits until everything is handled, and
 * compares what was sent with what was handled.
 */
import { appendFileSync } from 'node:fs'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { check, type Verdict } from './checker.js'
import { Clients } from './clients.js'
import { Faults } from './faults.js'
import { readHandlerLog } from './handler-log.js'
import type { PlaceName } from './places.js'
import { randomFrom } from './random.js'
import { scheduleFrom } from './schedule.js'
import { type Answering, EARLY_START_MS, type Handover, HELD_MS, RULES } from './settings.js'
import { Stalls } from './stalls.js'
import { table } from './table.js'
import { build } from './world.js'

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

export interface TrialOptions {
  minutes: number
  seed: number
  conversations: number
  handover: Handover
  answering: Answering
  /** Where the batches are kept. */
  on: PlaceName
  /** As LULL_WAIT_REPLICAS; only with several servers. */
  waitReplicas: number
  /** Keep the folder with all logs. */
  keep: boolean
}

/** Prints the table; resolves to whether nothing was violated. */
export async function trial(options: TrialOptions): Promise<boolean> {
  const { minutes, seed, conversations, handover, answering, on, waitReplicas } = options
  const dir = await mkdtemp(join(tmpdir(), 'lull-chaos-'))
  const log = (line: string) => appendFileSync(join(dir, 'chaos.log'), `${new Date().toISOString()} ${line}\n`)
  const handlerLog = join(dir, 'handlers.jsonl')
  await appendFile(handlerLog, '')
  const lengthMs = minutes * MINUTE_MS
  const schedule = scheduleFrom(randomFrom(seed), lengthMs, handover, on)
  console.log(
    `seed ${seed}, ${minutes} min, ${placeOf(options)}, ${handover}, ${answering}, ${conversations} conversations, ${schedule.length} faults, logs in ${dir}`,
  )

  const world = await build({ dir, handlerLog, handover, answering, on, waitReplicas })
  const faults = new Faults(world, randomFrom(seed), log)
  const stalls = new Stalls()
  const clients = new Clients(world.urls, { seed, conversations, supersedes: answering === 'supersede' })
  const progress = showProgress(answering, clients, faults)
  const evidence = async () => ({
    rules: { ...RULES, lockMs: HELD_MS[handover], answering, earlyStartMs: EARLY_START_MS },
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
    table({
      answering,
      verdict,
      traffic: clients.traffic,
      faults: faults.done,
      stalls: stalls.seen.length,
      misbehaved,
      dead,
    }),
  )
  if (!isFine || options.keep) await keep(dir, { verdict, found, history, dead })
  else await rm(dir, { recursive: true })
  return isFine
}

const placeOf = ({ on, waitReplicas }: TrialOptions) =>
  on === 'one' ? 'one Redis' : `${on}, waitReplicas=${waitReplicas}`

function showProgress(answering: Answering, clients: Clients, faults: Faults): NodeJS.Timeout {
  const startedAtMs = performance.now()
  return setInterval(() => {
    const sent = [...clients.traffic.sent.values()].reduce((sum, { length }) => sum + length, 0)
    const seconds = Math.round((performance.now() - startedAtMs) / 1000)
    console.log(
      `${answering}, ${seconds} s: ${sent} messages sent; broken now: ${[...faults.now].join(', ') || 'nothing'}`,
    )
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
  if (history !== undefined) await writeFile(join(dir, 'history.json'), asJson(history))
  await writeFile(join(dir, 'dead.json'), asJson(dead))
  console.log(`logs and evidence: ${dir}`)
}

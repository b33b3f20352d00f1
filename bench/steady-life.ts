/** Rounds of a whole life at a steady rate, and the CPU that each process spends on a message. */
import { cpuUsOf, nowUs } from './cpu-time.js'
import type { Span } from './profiles.js'
import { type Server, spentOn } from './servers.js'
import { A_BATCH, answered, byRole, GAP_MS, ROLES, type System } from './systems.js'
import { inTurn, load, someAtOnce } from './webhooks.js'

/**
 * V8 compiles code during these. On a fast machine, CPU a message by load, µs: Lull 303, 167, 155, 168, 143, 133, 139,
 * 137, then 127 to 147; BullMQ + list 434, 263, 230, 216, 226, 212, 208, 222, then 194 to 228.
 */
const WARM_LOADS = 8
const WARM_MESSAGES = 6000
/** The messages of a conversation are this far apart, so its batch is due while others are still open. */
const BETWEEN_MS = 250

export interface Steady {
  perSecond: number
  seconds: number
}

/** In a round: whole batches. */
export const messagesOf = ({ perSecond, seconds }: Steady) => Math.round((perSecond * seconds) / A_BATCH) * A_BATCH

export async function warmUp(system: System, loads = WARM_LOADS): Promise<void> {
  for (let i = 0; i < loads; i++) {
    await load(system.url, { conversationOf: inTurn(WARM_MESSAGES / A_BATCH), amount: WARM_MESSAGES })
    await answered(system)
  }
}

export interface Pace {
  /** As it came to be: less than wanted if the machine did not keep up. */
  perSecond: number
  /** Of the webhooks' answers. */
  p99Ms: number
  /** From the end of the last message's gap until all was answered. */
  leftMs: number
}

/** Every message of it is answered at its end. */
export async function steadyRound(system: System, steady: Steady): Promise<Pace> {
  const { perSecond } = steady
  const atOnce = Math.max(1, Math.round((perSecond * BETWEEN_MS) / 1000))
  const served = await load(system.url, {
    conversationOf: someAtOnce(atOnce, A_BATCH),
    amount: messagesOf(steady),
    perSecond,
  })
  if (served.failed > 0) throw new Error(`${served.failed} webhooks were refused`)
  const loadedAtMs = performance.now()
  await answered(system)
  return { ...served, leftMs: Math.max(0, performance.now() - loadedAtMs - GAP_MS) }
}

/** Microseconds of CPU a message: by role, and `redis`. @param spans is given the time of the round */
export async function measuredRound(
  server: Server,
  system: System,
  steady: Steady,
  spans: Span[] = [],
): Promise<Pace & Record<string, number>> {
  const amount = messagesOf(steady)
  const fromUs = nowUs()
  const before = await byRole(system, cpuUsOf)
  const redisBefore = await spentOn(server)
  const pace = await steadyRound(system, steady)
  const redisUs = (await spentOn(server)).cpuUs - redisBefore.cpuUs
  const after = await byRole(system, cpuUsOf)
  spans.push([fromUs, nowUs()])
  const cpu = ROLES.map(role => [role, ((after[role] ?? Number.NaN) - (before[role] ?? 0)) / amount] as const)
  return { ...pace, ...Object.fromEntries(cpu), redis: redisUs / amount }
}

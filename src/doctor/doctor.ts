/** `lull doctor`: all checks, in the order in which a person would look. */
import type { Config } from '../config.js'
import { answers, dead, overdue, refusedWebhooks, vanished } from './batch-checks.js'
import { canary } from './canary-check.js'
import { degraded, type Finding } from './finding.js'
import { apiHere, connected, listeners, prefixes, settings } from './process-checks.js'
import { eviction, memory, notifications, persistence, queueRedis, reached, version } from './server-checks.js'
import { openSurroundings, type Surroundings } from './surroundings.js'

type Check = (surroundings: Surroundings) => Finding | Finding[] | Promise<Finding | Finding[]>

const CHECKS: Record<string, Check> = {
  redis: reached,
  version,
  eviction,
  persistence,
  memory,
  'queue-redis': queueRedis,
  notifications,
  processes: connected,
  'api-here': apiHere,
  prefixes,
  settings,
  listeners,
  canary,
  vanished,
  overdue,
  answers,
  webhooks: refusedWebhooks,
  dead,
}

/**
 * One finding a check, or a few.
 * @throws one line, where the Redis that the settings name can not be used at all
 */
export async function examine(config: Config): Promise<Finding[]> {
  const { surroundings, close } = await openSurroundings(config)
  try {
    const findings: Finding[] = []
    for (const [name, check] of Object.entries(CHECKS)) findings.push(...(await attempt(name, check, surroundings)))
    return findings
  } finally {
    await close()
  }
}

/** A check that Redis refuses says so, and stops no other. */
async function attempt(name: string, check: Check, surroundings: Surroundings): Promise<Finding[]> {
  try {
    return [await check(surroundings)].flat()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return [degraded(name, `${name} could not be checked: ${message}`, 'see what this user or this service allows')]
  }
}

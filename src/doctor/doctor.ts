/** `lull doctor`: runs all checks. To add a check, add its file to checks/ and its name to the list below. */
import type { Config } from '../config.js'
import type { Check } from './check.js'
import { answers } from './checks/answers.js'
import { apiHere } from './checks/api-here.js'
import { canary } from './checks/canary.js'
import { cluster } from './checks/cluster.js'
import { clusterNodes } from './checks/cluster-nodes.js'
import { commits } from './checks/commits.js'
import { dead } from './checks/dead.js'
import { draining } from './checks/draining.js'
import { eviction } from './checks/eviction.js'
import { listeners } from './checks/listeners.js'
import { memory } from './checks/memory.js'
import { notifications } from './checks/notifications.js'
import { overdue } from './checks/overdue.js'
import { ownRules } from './checks/own-rules.js'
import { paused } from './checks/paused.js'
import { persistence } from './checks/persistence.js'
import { prefixes } from './checks/prefixes.js'
import { processes } from './checks/processes.js'
import { queueRedis } from './checks/queue-redis.js'
import { redis } from './checks/redis.js'
import { sentinels } from './checks/sentinels.js'
import { settings } from './checks/settings.js'
import { trust } from './checks/trust.js'
import { vanished } from './checks/vanished.js'
import { webhooks } from './checks/webhooks.js'
import { degraded, type Finding } from './finding.js'
import { openSurroundings, type Surroundings } from './surroundings.js'

/** In the order in which a person would look. */
const CHECKS: readonly Check[] = [
  redis,
  cluster,
  clusterNodes,
  sentinels,
  eviction,
  persistence,
  memory,
  queueRedis,
  notifications,
  processes,
  apiHere,
  prefixes,
  settings,
  ownRules,
  listeners,
  canary,
  vanished,
  draining,
  overdue,
  paused,
  answers,
  commits,
  trust,
  webhooks,
  dead,
]

/**
 * Resolves to the findings of all checks.
 * @throws one line if the Redis that the settings name cannot be used at all
 */
export async function examine(config: Config): Promise<Finding[]> {
  const { surroundings, close } = await openSurroundings(config)
  try {
    const findings: Finding[] = []
    for (const check of CHECKS) findings.push(...(await attempt(check, surroundings)))
    return findings
  } finally {
    await close()
  }
}

/** If Redis refuses what a check needs, that is its finding, and the other checks go on. */
async function attempt({ name, look }: Check, surroundings: Surroundings): Promise<Finding[]> {
  try {
    return [await look(surroundings)].flat()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return [degraded(name, `${name} could not be checked: ${message}`, 'see what this user or this service allows')]
  }
}

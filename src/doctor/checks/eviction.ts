import type { Check } from '../check.js'
import { ofEach } from '../each-server.js'
import { degraded, type Finding, ok, wrong } from '../finding.js'

const REMEDY =
  'CONFIG SET maxmemory-policy noeviction, and in redis.conf; managed: its parameter group or console (ElastiCache, MemoryDB, Memorystore, Azure), on Upstash turn Eviction off'

/** Whether Redis deletes messages when its memory is full. */
export const eviction: Check = {
  name: 'eviction',
  look: ({ servers }) =>
    ofEach(servers, ({ facts }) => policyFinding('eviction', 'eviction', facts.get('maxmemory_policy'))),
}

/** Also for the queue's Redis. @param what begins the line */
export function policyFinding(check: string, what: string, policy: string | undefined): Finding {
  if (policy === undefined)
    return degraded(check, `${what}: this Redis does not show its maxmemory-policy`, 'make sure it is noeviction')
  if (policy === 'noeviction') return ok(check, `${what} policy noeviction`)
  if (policy.startsWith('volatile-'))
    return degraded(
      check,
      `${what} policy ${policy}: messages stay, but headers of open batches and seen ids may be evicted when memory is full`,
      REMEDY,
    )
  return wrong(check, `${what} policy ${policy}: when memory is full, messages are lost`, REMEDY)
}

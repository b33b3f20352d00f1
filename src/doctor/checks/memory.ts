import { MESSAGES_SHARE } from '../../store/redis/memory-guard.js'
import type { Check } from '../check.js'
import { ofEach } from '../each-server.js'
import { degraded, type Finding, ok, wrong } from '../finding.js'
import type { Server } from '../surroundings.js'

const MIB = 1024 * 1024
/** The share of `maxmemory` from which on memory is nearly full. */
const NEARLY_FULL = 0.75
const REMEDY =
  'raise maxmemory, or see what fills it: redis-cli --bigkeys; finished jobs go by LULL_JOB_RETENTION_MS; managed: a larger node'

/** How much room Redis has. */
export const memory: Check = {
  name: 'memory',
  look: ({ servers }) => ofEach(servers, memoryOf),
}

function memoryOf({ facts }: Server): Finding {
  const used = Number(facts.get('used_memory') ?? 0)
  const limit = Number(facts.get('maxmemory') ?? 0)
  if (limit === 0) return ok('memory', `memory ${mib(used)}, no maxmemory`)
  const share = used / limit
  const says = `memory ${mib(used)} of ${mib(limit)} (${Math.round(share * 100)} %)`
  if (share >= MESSAGES_SHARE)
    return wrong('memory', `${says}: from ${MESSAGES_SHARE * 100} % on messages are refused (503)`, REMEDY)
  return share >= NEARLY_FULL ? degraded('memory', says, REMEDY) : ok('memory', says)
}

const mib = (bytes: number) => `${(bytes / MIB).toFixed(bytes < 10 * MIB ? 1 : 0)} MiB`

/** Whether the API that answers at HOST and PORT uses this Redis. No other check shows that it uses another one. */
import { MARK_HEADER } from '../../presence/presence.js'
import type { Check } from '../check.js'
import { type Finding, ok, wrong } from '../finding.js'
import { livePresences, ONE_ADDRESS, processesAmong, type Surroundings } from '../surroundings.js'

export const apiHere: Check = { name: 'api-here', look }

async function look(surroundings: Surroundings): Promise<Finding[]> {
  const { config, server, identity } = surroundings
  const { host: listensAt, port } = config.api
  if (port === 0) return []
  const host = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[listensAt] ?? listensAt
  const url = `http://${host}:${port}`
  const mark = await markAt(url)
  if (mark === undefined) return []
  const live = livePresences(surroundings)
  if ([...live.values()].some(presence => presence.mark === mark))
    return [ok('api-here', `the API at ${url} uses this Redis and database`)]
  // A connected API without an entry (somebody has emptied the database) may be the one that answered.
  const silent = processesAmong(server.clients ?? []).filter(
    ({ name, role, dbs }) => role === 'api' && dbs.has(identity.db) && live.get(name)?.mark === undefined,
  )
  if (silent.length > 0) return []
  return [wrong('api-here', `the API at ${url} uses another Redis, database or prefix than this one`, ONE_ADDRESS)]
}

const API_WITHIN_MS = 2000

/** `undefined` if nothing answers, or something other than Lull. */
async function markAt(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/livez`, { signal: AbortSignal.timeout(API_WITHIN_MS) })
    await response.body?.cancel()
    return response.headers.get(MARK_HEADER) ?? undefined
  } catch {
    // Nothing listens there: the API may be on another machine.
    return undefined
  }
}

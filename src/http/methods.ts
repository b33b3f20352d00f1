/**
 * Methods that a route has no handler for. One rule for all routes: HEAD is handled as GET, and the server leaves the
 * body out; OPTIONS lists the methods that are allowed; any other method is refused with the same list.
 */
import { Refusal } from './refusal.js'
import type { Reply } from './respond.js'
import { shown } from './shown.js'

/**
 * @param allowed the methods that the route handles, HEAD among them if GET is
 * @throws {Refusal} 405, unless the method is OPTIONS
 */
export function otherMethod(method: string, path: string, allowed: Iterable<string>): Reply {
  const Allow = [...new Set(allowed)].sort().join(', ')
  if (method === 'OPTIONS') return { status: 200, headers: { Allow }, body: '' }
  throw new Refusal(405, `method ${shown(method)} is not allowed at ${shown(path)}: use ${Allow}`, { Allow })
}

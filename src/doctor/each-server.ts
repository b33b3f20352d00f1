/** The same question about each server of a store. */
import type { Finding } from './finding.js'
import type { Server } from './surroundings.js'

/**
 * One finding if there is one server. Of a Cluster: the findings that are not ok, or the first one if all are.
 * @param look `where` begins the line with the server's address, if there are several
 */
export async function ofEach(
  servers: Server[],
  look: (server: Server, where: string) => Finding | Promise<Finding>,
): Promise<Finding[]> {
  const [first] = servers
  if (servers.length === 1 && first) return [await look(first, '')]
  const findings = await Promise.all(servers.map(server => look(server, `${server.address}: `)))
  const bad = findings.filter(({ verdict }) => verdict !== 'ok')
  return bad.length > 0
    ? bad
    : findings.slice(0, 1).map(one => ({ ...one, says: `on all ${servers.length} nodes alike, ${one.says}` }))
}

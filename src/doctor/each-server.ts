/** The same question about each server of a store. */
import type { Finding } from './finding.js'
import type { Server } from './surroundings.js'

/**
 * One finding if there is one server. Of a Cluster: the findings that are not ok, with the address of their node; if
 * all are ok, one for all nodes.
 */
export async function ofEach(
  servers: Server[],
  look: (server: Server) => Finding | Promise<Finding>,
): Promise<Finding[]> {
  const findings = await Promise.all(servers.map(look))
  const [first] = findings
  if (!first || findings.length === 1) return findings
  const bad = findings.flatMap((finding, i) =>
    finding.verdict === 'ok' ? [] : { ...finding, says: `${servers[i]?.address}: ${finding.says}` },
  )
  if (bad.length > 0) return bad
  const says = [...new Set(findings.map(finding => finding.says))].join('; ')
  return [{ ...first, says: `all ${findings.length} nodes: ${says}` }]
}

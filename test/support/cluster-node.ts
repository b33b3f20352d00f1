import type { TestNode } from './test-node.js'

/** A node of a test's Cluster. */
export interface ClusterNode extends TestNode {
  /** The 40 characters of CLUSTER MYID. */
  id: string
  busPort: number
}

/** Replies about all conversations, while a node of a Cluster is away. */
import type { Store } from '../store/store.js'

/** `partitionsAway`: how many partitions the reply leaves out; absent if it has all. */
export function partial({ partitionsAway }: Pick<Store, 'partitionsAway'>): { partitionsAway?: number } {
  return partitionsAway === 0 ? {} : { partitionsAway }
}

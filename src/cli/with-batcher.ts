import { Batcher } from '../batcher.js'
import type { Config } from '../config.js'
import { processName } from '../process-name.js'
import { print } from './show/print.js'

/**
 * Opens a batcher on the Redis that the settings name, runs a command with it, and closes it.
 * @param role the command's name, for `CLIENT LIST` and the history
 */
export async function withBatcher(
  { redis, prefix, rules, batching, onOwnMessage, partitions, waitReplicas }: Config,
  role: string,
  work: (batcher: Batcher) => Promise<string>,
): Promise<string> {
  const name = processName(role)
  const batcher = new Batcher({ redis, prefix, ...rules, partitions, waitReplicas, batching, onOwnMessage, name })
  try {
    await batcher.open()
    const said = await work(batcher)
    const { partitionsAway, partitions: all } = batcher.store
    if (partitionsAway > 0)
      print(`${partitionsAway} of ${all} partitions cannot be reached: this is without them`, process.stderr)
    return said
  } finally {
    await batcher.close()
  }
}

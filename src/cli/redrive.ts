/** `lull dead redrive`: hands dead batches over again, in front of what came later. */
import type { Config } from '../config.js'
import type { DeadBatch } from '../store/store.js'
import { deadBatches, oldestFirst } from './dead.js'
import { NothingDone } from './nothing-done.js'
import { inert } from './show/escape.js'
import { withBatcher } from './with-batcher.js'

/**
 * Batches of one conversation that go back in one call, and about how many bytes of messages they have, in one script.
 */
const REDRIVEN_TOGETHER = 1000
const BYTES_TOGETHER = 4 * 1024 * 1024

/**
 * Resolves to what happened, in one line.
 * @throws {NothingDone} if no dead batch has that id
 */
export function redrive(config: Config, batchId: string): Promise<string> {
  return withBatcher(config, 'dead', async batcher => {
    const redriven = await batcher.redrive(batchId)
    if (redriven === undefined) throw new NothingDone(`no dead batch has the id ${batchId}: lull dead lists them`)
    return inert(`batch ${batchId} of ${redriven.conversationId} is handed over again`)
  })
}

/** Redrives all dead batches; those of one conversation in the order of their first handover. */
export function redriveAll(config: Config): Promise<string> {
  return withBatcher(config, 'dead', async batcher => {
    let count = 0
    let left = 0
    for (const group of byConversation(await oldestFirst(batcher))) {
      const [first, ...together] = firstOf(group)
      const redriven = first !== undefined && (await batcher.redrive(first, ...together))
      const moved = redriven ? 1 + together.length : 0
      count += moved
      left += group.length - moved
    }
    // Either one conversation has too many for one call, and later ones must not overtake; or somebody else redrives
    // too.
    const again = left === 0 ? '' : `; ${deadBatches(left)} left: run it again when these are answered`
    return count + left === 0 ? 'no dead batches' : `${deadBatches(count)} handed over again${again}`
  })
}

/** The ids of as many as go back in one call, and one at least. */
function firstOf(group: DeadBatch[]): string[] {
  let bytes = 0
  const ids: string[] = []
  for (const { batchId, batch } of group.slice(0, REDRIVEN_TOGETHER)) {
    bytes += Buffer.byteLength(JSON.stringify(batch.messages))
    if (ids.length > 0 && bytes > BYTES_TOGETHER) break
    ids.push(batchId)
  }
  return ids
}

function byConversation(all: DeadBatch[]): DeadBatch[][] {
  const conversations = new Map<string, DeadBatch[]>()
  for (const batch of all) {
    const others = conversations.get(batch.conversationId)
    if (others) others.push(batch)
    else conversations.set(batch.conversationId, [batch])
  }
  return [...conversations.values()]
}

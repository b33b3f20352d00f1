/** `lull flush`: releases the open batch of a conversation now. */
import type { Config } from '../config.js'
import { nothingFor } from './nothing-done.js'
import { inert } from './show/escape.js'
import { messages } from './show/words.js'
import { withBatcher } from './with-batcher.js'

/**
 * Resolves to what happened, in one line.
 * @throws {NothingDone} if the conversation has no open batch
 */
export function flush(config: Config, conversationId: string): Promise<string> {
  return withBatcher(config, 'flush', async batcher => {
    const flushed = await batcher.flush(conversationId)
    if (flushed === undefined) throw await nothingFor(batcher, conversationId, 'is open')
    const { heldBy } = await batcher.conversation(conversationId)
    const { batchId, count } = flushed
    const waits = heldBy && heldBy.batchId !== batchId ? `: it goes when batch ${heldBy.batchId} is answered` : ''
    return inert(`released batch ${batchId} (${messages(count)})${waits}`)
  })
}

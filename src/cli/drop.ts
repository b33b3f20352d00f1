/** `lull drop`: discards the messages of a conversation that no processor has claimed. */
import type { Config } from '../config.js'
import { nothingFor } from './nothing-done.js'
import { inert } from './show/escape.js'
import { messages } from './show/words.js'
import { withBatcher } from './with-batcher.js'

/**
 * Resolves to what happened, in one line.
 * @throws {NothingDone} if no message waits
 */
export function drop(config: Config, conversationId: string): Promise<string> {
  return withBatcher(config, 'drop', async batcher => {
    const count = await batcher.drop(conversationId)
    if (count === 0) throw await nothingFor(batcher, conversationId, 'waits')
    return inert(`dropped ${messages(count)} of ${conversationId}`)
  })
}

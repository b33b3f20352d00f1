/** What people do to one conversation by hand: release its open batch now, or discard what it has. */
import { Batcher } from '../batcher.js'
import type { Config } from '../config.js'
import { processName } from '../process-name.js'

/** Conversations, and steps of the history, looked through for one that was probably meant. */
const LOOKED_THROUGH = 1000

/** There was nothing to do: one line that says so. */
export class NothingDone extends Error {
  override name = 'NothingDone'
}

/**
 * Resolves to what happened, in one line.
 * @throws {NothingDone} where nothing is open
 */
export function flush(config: Config, conversationId: string): Promise<string> {
  return withBatcher(config, 'flush', async batcher => {
    const flushed = await batcher.flush(conversationId)
    if (flushed === undefined) throw await nothingFor(batcher, conversationId, 'is open')
    const { heldBy } = await batcher.conversation(conversationId)
    const { batchId, count } = flushed
    const waits = heldBy && heldBy.batchId !== batchId ? `: it goes when batch ${heldBy.batchId} is answered` : ''
    return `released batch ${batchId} (${messages(count)})${waits}`
  })
}

/**
 * Resolves to what happened, in one line.
 * @throws {NothingDone} where nothing waits
 */
export function drop(config: Config, conversationId: string): Promise<string> {
  return withBatcher(config, 'drop', async batcher => {
    const count = await batcher.drop(conversationId)
    if (count === 0) throw await nothingFor(batcher, conversationId, 'waits')
    return `dropped ${messages(count)} of ${conversationId}`
  })
}

/** Does something with a batcher of the settings' Redis, and closes it. */
export async function withBatcher(
  { redis, prefix, rules }: Config,
  role: string,
  work: (batcher: Batcher) => Promise<string>,
): Promise<string> {
  const batcher = new Batcher({ redis, prefix, ...rules, name: processName(role) })
  try {
    await batcher.open()
    return await work(batcher)
  } finally {
    await batcher.close()
  }
}

export async function nothingFor(batcher: Batcher, conversationId: string, state: string): Promise<NothingDone> {
  const waiting = await batcher.conversations(LOOKED_THROUGH)
  const remedy = await remedyFor(batcher, conversationId, waiting)
  return new NothingDone(`nothing ${state} for ${conversationId}: ${remedy}`)
}

/**
 * What to do where nothing was found of a conversation.
 * @param waiting conversations that are looked through before the history's
 */
export async function remedyFor(
  batcher: Batcher,
  conversationId: string,
  waiting: readonly { conversationId: string }[] = [],
): Promise<string> {
  const known = [...waiting, ...(await batcher.history({ limit: LOOKED_THROUGH }))].map(one => one.conversationId)
  if (known.includes(conversationId)) return `lull trace ${conversationId} shows what became of its batches`
  const meant = known.find(id => id.includes(conversationId))
  return meant ? `did you mean ${meant}?` : 'ids are <chatId> or <account>/<chatId>, as lull watch shows them'
}

export const messages = (count: number) => `${count} ${count === 1 ? 'message' : 'messages'}`

/** The error of a command that found nothing to do: one line that says so, with a guess at what was meant. */
import type { Batcher } from '../batcher.js'
import { inert } from './show/escape.js'

/** Conversations, and steps of the history, that are searched for the one that was probably meant. */
const MOST_SEARCHED = 1000

/** The command found nothing to do. The message is one line. */
export class NothingDone extends Error {
  override name = 'NothingDone'
}

/** @param state what is missing, as in "nothing is open" */
export async function nothingFor(batcher: Batcher, conversationId: string, state: string): Promise<NothingDone> {
  const waiting = await batcher.conversations(MOST_SEARCHED)
  const remedy = await remedyFor(batcher, conversationId, waiting)
  return new NothingDone(inert(`nothing ${state} for ${conversationId}: ${remedy}`))
}

/**
 * What to try next if nothing was found for a conversation.
 * @param waiting conversations that are searched before those of the history
 */
export async function remedyFor(
  batcher: Batcher,
  conversationId: string,
  waiting: readonly { conversationId: string }[] = [],
): Promise<string> {
  const history = await batcher.history({ limit: MOST_SEARCHED })
  const known = [...waiting, ...history].map(one => one.conversationId)
  if (known.includes(conversationId)) return `lull trace ${conversationId} shows what became of its batches`
  const meant = known.find(id => id.includes(conversationId))
  return meant ? `did you mean ${meant}?` : 'ids are <chatId> or <account>/<chatId>, as lull watch shows them'
}

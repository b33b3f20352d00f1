/**
 * Erases a conversation: its own keys in one script, then its dead batches and its history, which share keys with other
 * conversations, in bounded steps.
 */
import type { ForgetResult } from '../store.js'
import type { Scripts } from './scripts.js'

/** Few: dead batches may be large, and the script decodes each. */
const DEAD_A_STEP = 50
const ENTRIES_A_STEP = 500

/** `move`: what was about to move into another partition, and is erased. */
export interface Forgotten extends ForgetResult {
  move?: { id: string; into: string }
}

/** All ids of the person, and last what is known of them, so that a repetition finds them again. */
export async function forget(scripts: Scripts, conversationId: string): Promise<Forgotten> {
  const ids = await scripts.samePerson(conversationId)
  const erased: Forgotten = { messages: 0, deadBatches: 0, historyEntries: 0 }
  for (const id of ids) {
    const one = await forgetOne(scripts, id)
    addErased(erased, one)
    if (one.move) erased.move = one.move
  }
  if (ids.length > 1) await scripts.forgetAliases(ids)
  return erased
}

/** Adds what was erased of one more of the person's ids. */
export function addErased(sum: ForgetResult, { messages, deadBatches, historyEntries, underWay }: ForgetResult): void {
  sum.messages += messages
  sum.deadBatches += deadBatches
  sum.historyEntries += historyEntries
  if (underWay !== undefined) sum.underWay = underWay
}

async function forgetOne(scripts: Scripts, conversationId: string): Promise<Forgotten> {
  const [messages, holder, into] = await scripts.messages.forget(conversationId)
  const deadBatches = await inSteps('0', '0', from => scripts.messages.forgetDead(conversationId, from, DEAD_A_STEP))
  const historyEntries = await inSteps('-', '', from =>
    scripts.messages.forgetHistory(conversationId, from, ENTRIES_A_STEP),
  )
  const erased = { messages, deadBatches, historyEntries }
  if (into !== '') return { ...erased, move: { id: holder, into } }
  return holder === '' ? erased : { ...erased, underWay: holder }
}

/** Ends: a stream is trimmed, and the cursor of a hash comes back to its start. */
async function inSteps(
  first: string,
  last: string,
  step: (from: string) => Promise<[next: string, erased: number]>,
): Promise<number> {
  let erased = 0
  let from = first
  do {
    const [next, count] = await step(from)
    erased += count
    from = next
  } while (from !== last)
  return erased
}

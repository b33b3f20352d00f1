/**
 * Erases a conversation: its own keys in one script, then its dead batches and its history, which share keys with other
 * conversations, in bounded steps.
 */
import type { ForgetResult } from '../store.js'
import type { Scripts } from './scripts.js'

/** Few: dead batches may be large, and the script decodes each. */
const DEAD_A_STEP = 50
const ENTRIES_A_STEP = 500

/** All ids of the person, and last what is known of them, so that a repetition finds them again. */
export async function forget(scripts: Scripts, conversationId: string): Promise<ForgetResult> {
  const ids = await scripts.samePerson(conversationId)
  const erased: ForgetResult = { messages: 0, deadBatches: 0, historyEntries: 0 }
  for (const id of ids) {
    const { messages, deadBatches, historyEntries, underWay } = await forgetOne(scripts, id)
    erased.messages += messages
    erased.deadBatches += deadBatches
    erased.historyEntries += historyEntries
    if (underWay !== undefined) erased.underWay = underWay
  }
  if (ids.length > 1) await scripts.forgetAliases(ids)
  return erased
}

async function forgetOne(scripts: Scripts, conversationId: string): Promise<ForgetResult> {
  const [messages, underWay] = await scripts.messages.forget(conversationId)
  const deadBatches = await inSteps('0', '0', from => scripts.messages.forgetDead(conversationId, from, DEAD_A_STEP))
  const historyEntries = await inSteps('-', '', from =>
    scripts.messages.forgetHistory(conversationId, from, ENTRIES_A_STEP),
  )
  return { messages, deadBatches, historyEntries, ...(underWay === '' ? {} : { underWay }) }
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

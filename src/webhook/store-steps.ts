/**
 * Takes the steps of a plan: appends, edits, revocations, signs of typing and drops, and counts what became of them.
 */
import type { Appender, AppendMessage } from '../batcher.js'
import type { Counts } from '../observer.js'
import type { AccountClaim, AppendResult, EditResult, RevokeResult } from '../store/store.js'
import type { Aliases } from './people.js'
import { inSlices } from './slices.js'
import type { Plan, Step } from './steps.js'

/**
 * Where messages go. `drop` is needed for `onOwnMessage: 'drop'` only; without `edit` and `revoke` those items are
 * ignored.
 */
export type Receiving = Appender & {
  drop?(conversationId: string): Promise<number>
  edit?(conversationId: string, messageId: string, text: string, authors?: readonly string[]): Promise<EditResult>
  revoke?(conversationId: string, messageId: string, authors?: readonly string[]): Promise<RevokeResult>
  /** Without it the end of typing is ignored. */
  typingEnded?(conversationId: string): Promise<unknown>
  /** Without it accounts belong to no provider. */
  accountOwner?(claim: AccountClaim): Promise<string | undefined>
  /** Without it each hidden id (`@lid`, `@bsuid`) is a person of its own. */
  aliases?: Aliases
  /** Without it edits that name no chat are ignored. */
  findMessage?(account: string | undefined, messageId: string): Promise<string | undefined>
}

export interface StoreOptions {
  batcher: Receiving
  direct: boolean
  /** Called after each append. */
  onAppended: (result: AppendResult) => void
  /** Added to, so that the caller has what was stored even if a step fails. */
  counts: Counts
}

/** Conversations that one webhook writes to at the same time. */
const CONVERSATIONS_AT_ONCE = 32
/** The Redis store takes as many messages in one script. */
const MESSAGES_AN_APPEND = 1000

/**
 * The steps of one conversation are taken in their order; up to 32 conversations are written to at the same time.
 * @throws the first error of a step, when the others that had started are done
 */
export async function storeSteps({ conversations }: Plan, options: StoreOptions): Promise<void> {
  const take = async ([conversationId, steps]: [string, Step[]]) => {
    for (const step of steps) await takeStep(conversationId, step, options)
  }
  const all = [...conversations]
  for (let start = 0; start < all.length; start += CONVERSATIONS_AT_ONCE) {
    const outcomes = await Promise.allSettled(all.slice(start, start + CONVERSATIONS_AT_ONCE).map(take))
    const failed = outcomes.find(outcome => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
}

async function takeStep(conversationId: string, step: Step, options: StoreOptions): Promise<void> {
  const { batcher, direct, counts, onAppended } = options
  if ('append' in step) {
    const append = async (messages: AppendMessage[]) => {
      const result = await batcher.append(conversationId, messages, { direct })
      counts.accepted += result.accepted
      counts.duplicates += result.duplicates
      counts.ignored += result.tooOld
      if (result.paused) counts.paused = (counts.paused ?? 0) + result.paused
      onAppended(result)
    }
    await inSlices(step.append, append, MESSAGES_AN_APPEND)
  } else if ('edit' in step) {
    const { messageId, text, authors } = step.edit
    countIn(counts, await batcher.edit?.(conversationId, messageId, text, authors))
  } else if ('revoke' in step) {
    countIn(counts, await batcher.revoke?.(conversationId, step.revoke.messageId, step.revoke.authors))
  } else if ('typing' in step) {
    if (step.typing > 0) await batcher.typing(conversationId, step.typing)
    else await batcher.typingEnded?.(conversationId)
  } else {
    await batcher.drop?.(conversationId)
  }
}

function countIn(counts: Counts, result: EditResult | RevokeResult | undefined): void {
  if (result === undefined || result === 'unknown' || result === 'notAuthor') counts.ignored += 1
  else {
    const name = result === 'remembered' ? 'revoked' : result
    counts[name] = (counts[name] ?? 0) + 1
  }
}

/**
 * Takes the steps of a plan: appends, edits, revocations, signs of typing and own messages, and counts what became of
 * them.
 */
import type { Appender, AppendMessage } from '../batcher.js'
import type { Counts } from '../observer.js'
import type { OnOwnMessage, OwnArrival, OwnResult } from '../own-messages.js'
import type { OwnMessage } from '../providers/provider.js'
import type { ReadyOptions } from '../ready-within.js'
import type { AccountClaim, AppendResult, EditResult, RevokeResult } from '../store/store.js'
import type { TelemetryApi } from '../telemetry/api.js'
import type { Aliases } from './people.js'
import { inSlices } from './slices.js'
import { note, type Plan, type Step } from './steps.js'

/**
 * Where messages go. `drop` or `ownMessage` is needed for `onOwnMessage: 'drop'` only, `ownMessage` for `'pause'`;
 * without `edit` and `revoke` those items are ignored.
 */
export type Receiving = Appender & {
  /** As `Batcher.drop`. */
  drop?(conversationId: string): Promise<number>
  /** An own message came to a conversation in which it does something. Without it each one drops. */
  ownMessage?(request: OwnArrival): Promise<OwnResult>
  /** What own messages do in each conversation. Without it: what the webhook's option says. */
  ownMessageRules?(): Promise<(conversationId: string, otherwise?: OnOwnMessage) => OnOwnMessage>
  /** As `Batcher.edit`. */
  edit?(conversationId: string, messageId: string, text: string, authors?: readonly string[]): Promise<EditResult>
  /** As `Batcher.revoke`. */
  revoke?(conversationId: string, messageId: string, authors?: readonly string[]): Promise<RevokeResult>
  /** Without it the end of typing is ignored. */
  typingEnded?(conversationId: string): Promise<unknown>
  /** Without it accounts belong to no provider. */
  accountOwner?(claim: AccountClaim): Promise<string | undefined>
  /** Without it each hidden id (`@lid`, `@bsuid`) is a person of its own. */
  aliases?: Aliases
  /** Without it edits that name no chat are ignored. */
  findMessage?(account: string | undefined, messageId: string): Promise<string | undefined>
  /** Needed for `readyTimeoutMs` only. */
  ready?(options: ReadyOptions): Promise<void>
  /** Without it nothing is traced. */
  readonly telemetry?: TelemetryApi | undefined
}

export interface StoreOptions {
  batcher: Receiving
  direct: boolean
  /** When the webhook came, by `performance.now()`. */
  cameAtMs: number
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
export async function storeSteps(plan: Plan, options: StoreOptions): Promise<void> {
  const take = async ([conversationId, steps]: [string, Step[]]) => {
    for (const step of steps)
      if ('own' in step) await takeOwn(plan, conversationId, step, options)
      else await takeStep(conversationId, step, options)
  }
  const all = [...plan.conversations]
  const [first] = all
  if (first && all.length === 1) return take(first)
  for (let start = 0; start < all.length; start += CONVERSATIONS_AT_ONCE) {
    const outcomes = await Promise.allSettled(all.slice(start, start + CONVERSATIONS_AT_ONCE).map(take))
    const failed = outcomes.find(outcome => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
}

type OwnStep = Extract<Step, { own: unknown }>

/** An own message counts as ignored, whatever it does. */
async function takeOwn(plan: Plan, conversationId: string, step: OwnStep, options: StoreOptions): Promise<void> {
  const { batcher, counts, cameAtMs } = options
  const { own: message, rule } = step
  const result = batcher.ownMessage
    ? await batcher.ownMessage({ conversationId, message, rule, cameAtMs })
    : await dropFor(batcher, conversationId, message)
  counts.ignored += 1
  note(plan, result === 'bot' ? 'own:bot' : 'from_me')
}

/** A batcher that remembers no ids: only the provider's mark says whose it is. */
async function dropFor(batcher: Receiving, conversationId: string, own: OwnMessage): Promise<OwnResult> {
  if (own.by === 'bot') return 'bot'
  if (own.mayBeEcho) return 'ignored'
  await batcher.drop?.(conversationId)
  return 'dropped'
}

async function takeStep(conversationId: string, step: Exclude<Step, OwnStep>, options: StoreOptions): Promise<void> {
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
  } else if (step.typing > 0) {
    await batcher.typing(conversationId, step.typing)
  } else {
    await batcher.typingEnded?.(conversationId)
  }
}

function countIn(counts: Counts, result: EditResult | RevokeResult | undefined): void {
  if (result === undefined || result === 'unknown' || result === 'notAuthor') counts.ignored += 1
  else {
    const name = result === 'remembered' ? 'revoked' : result
    counts[name] = (counts[name] ?? 0) + 1
  }
}

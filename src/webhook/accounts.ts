/**
 * Which provider an account belongs to: the first that proved itself, by its signature or token, in a webhook that
 * named the account. An account id is only the sender's claim, so without this an unsigned provider, or a second signed
 * one, could write to another provider's conversations by naming its account. No account counts as an account.
 *
 * The store records owners. Each process asks once and keeps the answer for a while, so that a webhook costs no further
 * command. An owner hardly ever changes and is kept for a minute; that there is none may change at any time by a
 * webhook to another process, and is kept for two seconds.
 *
 * All owners are in one place. On a Cluster the node that has them may be away while the conversations' nodes are not:
 * an owner that is known holds until then, since nobody can record another one. That there was none does not hold.
 */
import { parseConversationId } from '../conversation.js'
import { Refusal } from '../http/refusal.js'
import { shown } from '../http/shown.js'
import { type AccountClaim, StoreUnavailable } from '../store/store.js'
import type { Rejections } from './rejections.js'
import type { Plan } from './steps.js'

/** Who sent a webhook. */
export type Sender = Pick<AccountClaim, 'provider' | 'isProven'>

export const OWNER_KEPT_MS = 60_000
export const NO_OWNER_KEPT_MS = 2000
/** The oldest answer goes when there are more. */
const MOST_KEPT = 10_000
/** Providers' ids are shorter. The owner of a longer one is asked for each time, so that it takes no memory here. */
const LONGEST_KEPT = 256

interface Answer {
  owner: string | undefined
  untilMs: number
}

export class Accounts {
  private readonly answers = new Map<string, Answer>()

  constructor(
    private readonly ask: (claim: AccountClaim) => Promise<string | undefined>,
    private readonly rejections: Rejections,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Takes the conversations of other providers' accounts out of the plan. @returns these accounts */
  async takeOthersOut({ conversations }: Plan, sender: Sender): Promise<string[]> {
    const others = new Set<string>()
    for (const conversationId of [...conversations.keys()]) {
      const { account = '' } = parseConversationId(conversationId)
      if (!(await this.isOthers(account, sender))) continue
      others.add(account)
      conversations.delete(conversationId)
    }
    return [...others]
  }

  /** Whether the account belongs to another provider than the sender. `undefined`: no account. */
  isOthers(account: string | undefined, sender: Sender): boolean | Promise<boolean> {
    const isOther = (owner: string | undefined) => owner !== undefined && owner !== sender.provider
    const owner = this.ownerOf({ account: account ?? '', ...sender })
    return owner instanceof Promise ? owner.then(isOther) : isOther(owner)
  }

  /** Counts the webhook as refused. The sender may not learn whose the account is; the log names the owner. */
  refusal(others: string[], { provider, isProven }: Sender): Refusal {
    const [account = ''] = others
    const name = account === '' ? 'webhooks without an account' : `account ${shown(account)}`
    const owner = this.answers.get(account)?.owner ?? 'another provider'
    const remedy = isProven
      ? `give the accounts of the two providers different names, or let ${provider} take it over (docs/security.md)`
      : `only ${owner} may write to its conversations`
    this.rejections.add(provider, 'account', `${name} of ${provider} belongs to ${owner}: ${remedy}`)
    return new Refusal(403, `${name} belongs to another provider: nothing of it was stored`)
  }

  /** The owner after this claim; `undefined`: the account has no owner. At once if the answer is kept. */
  private ownerOf(claim: AccountClaim): string | undefined | Promise<string | undefined> {
    const { account, isProven } = claim
    const known = this.answers.get(account)
    // A provider that has proved itself takes an account without an owner, so it asks again.
    if (known && known.untilMs > this.now() && (known.owner !== undefined || !isProven)) return known.owner
    return this.askedOwner(claim, known?.owner)
  }

  private async askedOwner(claim: AccountClaim, lastOwner: string | undefined): Promise<string | undefined> {
    const owner = await this.ask(claim).catch((error: unknown) => {
      if (lastOwner !== undefined && error instanceof StoreUnavailable) return lastOwner
      throw error
    })
    this.keep(claim.account, owner)
    return owner
  }

  private keep(account: string, owner: string | undefined): void {
    if (account.length > LONGEST_KEPT) return
    this.answers.delete(account)
    const keptMs = owner === undefined ? NO_OWNER_KEPT_MS : OWNER_KEPT_MS
    this.answers.set(account, { owner, untilMs: this.now() + keptMs })
    const [oldest] = this.answers.keys()
    if (this.answers.size > MOST_KEPT && oldest !== undefined) this.answers.delete(oldest)
  }
}

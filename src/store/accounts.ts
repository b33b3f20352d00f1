/** Which provider an account belongs to. */

/** A webhook of `provider` names `account`. */
export interface AccountClaim {
  /** The receiving account, `''` if the provider names none. */
  account: string
  /** The provider that the webhook came from. */
  provider: string
  /** A signature or token proved that the provider sent it. Only then the account may become the provider's. */
  isProven: boolean
}

/** Owners that are recorded. Only proven providers record any, each for its own accounts. */
export const MOST_ACCOUNTS = 100_000

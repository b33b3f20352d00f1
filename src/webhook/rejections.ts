/**
 * Refused webhooks, by provider and reason. This is the only count of them: the metrics, the page and what the process
 * says of itself in Redis read it or subscribe to it.
 */
import type { Logger } from '../logger.js'
import { MINUTE_MS, Throttle } from '../throttle.js'

/**
 * Why a webhook was refused.
 *
 * Of the proof: `missing`, `mismatch`: the signature or token. `unsigned`: the provider has no secret, and nothing
 * names it as unsigned. `exposed`: no provider has a secret, and others than this machine's programs reach the API.
 * `browser`: a web page sent it. `account`: it names an account that belongs to another provider (webhook/accounts.ts).
 * `verify_token`: Meta's handshake.
 *
 * At the door (webhook/door.ts): `path` (404), `method` (405), `too_large` (413), `encoding` (415), `malformed` (400),
 * `busy` (503: too many bytes are being read), `unavailable` (503: the store).
 */
export type RejectionReason =
  | 'missing'
  | 'mismatch'
  | 'unsigned'
  | 'exposed'
  | 'browser'
  | 'account'
  | 'verify_token'
  | 'path'
  | 'method'
  | 'too_large'
  | 'encoding'
  | 'malformed'
  | 'busy'
  | 'unavailable'

/** In place of the provider's name if a webhook is refused before its provider is known. */
export const UNKNOWN_PROVIDER = 'unknown'

/** All that were refused for one reason since the process started. */
export interface Rejection {
  provider: string
  reason: RejectionReason
  count: number
  /** Of the last one. */
  lastAtMs: number
}

export type RejectionListener = (provider: string, reason: RejectionReason) => void

export class Rejections {
  private readonly byReason = new Map<string, Rejection & { lines: Throttle }>()
  private readonly listeners: RejectionListener[] = []

  constructor(private readonly log: Logger) {}

  /** The listener is called for each refused webhook, after it has been counted. */
  subscribe(listener: RejectionListener): void {
    this.listeners.push(listener)
  }

  /**
   * Counts a refused webhook. Logs at most one line a minute for each provider and reason, since anybody can cause
   * refusals.
   * @param why for the log; never holds a secret
   */
  add(provider: string, reason: RejectionReason, why: string): void {
    const key = `${provider} ${reason}`
    const rejection = this.byReason.get(key) ?? {
      provider,
      reason,
      count: 0,
      lastAtMs: 0,
      lines: new Throttle(MINUTE_MS),
    }
    this.byReason.set(key, rejection)
    rejection.count += 1
    rejection.lastAtMs = Date.now()
    const { count, lines } = rejection
    if (lines.isDue())
      this.log.warn(
        { provider, reason, why, count },
        `refused a webhook of ${provider} (${count} since the start): ${why}`,
      )
    for (const listener of this.listeners) listener(provider, reason)
  }

  get all(): Rejection[] {
    return [...this.byReason.values()].map(({ lines: _, ...rejection }) => rejection)
  }
}

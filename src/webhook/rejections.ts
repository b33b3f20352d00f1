/** Webhooks that were refused: counted by provider and reason, and told in the log, but not at every one of them. */
import type { Logger } from '../logger.js'
import { MINUTE_MS, Throttle } from '../throttle.js'

/**
 * `missing`, `mismatch`: what should prove the sender. `unsigned`: its provider has no secret while another one has.
 * `verify_token`: Meta's handshake.
 */
export type RejectionReason = 'missing' | 'mismatch' | 'unsigned' | 'verify_token'

export type OnRejected = (provider: string, reason: RejectionReason) => void

export class Rejections {
  private readonly counts = new Map<string, { provider: string; reason: RejectionReason; count: number }>()
  private readonly lines = new Map<string, Throttle>()

  constructor(
    private readonly log: Logger,
    private readonly onRejected: OnRejected = () => {},
  ) {}

  /** One line a minute for each provider and reason: anybody can make us refuse. @param why without any secret */
  add(provider: string, reason: RejectionReason, why: string): void {
    const key = `${provider} ${reason}`
    const counted = this.counts.get(key) ?? { provider, reason, count: 0 }
    counted.count += 1
    this.counts.set(key, counted)
    this.onRejected(provider, reason)
    const throttle = this.lines.get(key) ?? new Throttle(MINUTE_MS)
    this.lines.set(key, throttle)
    if (!throttle.isDue()) return
    const { count } = counted
    this.log.warn({ provider, reason, why, count }, `webhook of ${provider} refused (${count} so far): ${why}`)
  }

  /** Since the start. */
  get all(): { provider: string; reason: RejectionReason; count: number }[] {
    return [...this.counts.values()].map(counted => ({ ...counted }))
  }
}

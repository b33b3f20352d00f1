/**
 * What wakes a processor besides its timer. A nudge says that something may be due; the claim finds out. There are four
 * kinds, and each alone is enough: the due timer, the expiry of a shadow key or a header, a (re)subscription, and the
 * end of an answer (it comes as `next-due` for the batch that follows).
 */
import type { Logger } from '../logger.js'
import type { Observer } from '../observer.js'
import type { StoreEvent, StoreIdentity } from '../store/store.js'

export interface NudgeActions {
  /** Claim in this partition now. */
  wake(partition: number): void
  /** Something is due there in so many milliseconds. */
  due(inMs: number, partition: number): void
  /** The shadow key or the header of a conversation has expired: its batch may be due. */
  expired(conversationId: string): void
  /** The subscription of this partition works again after an interruption. Its server may be another one now. */
  resubscribed(partition: number): void
}

export class Nudges {
  private readonly subscribedBefore = new Set<number>()
  private readonly warnedOf = new Set<number>()

  constructor(
    private readonly identity: StoreIdentity,
    private readonly log: Logger,
    private readonly actions: NudgeActions,
    private readonly observer: Observer = {},
  ) {}

  readonly onEvent = (event: StoreEvent): void => {
    switch (event.kind) {
      case 'expired':
        if (event.key === 'canary') this.observer.canaryExpired?.(event.name)
        else {
          this.observer.nudged?.('expired')
          this.actions.expired(event.conversationId)
        }
        return
      case 'subscribed': {
        const { partition = 0 } = event
        if (this.subscribedBefore.has(partition)) this.actions.resubscribed(partition)
        this.subscribedBefore.add(partition)
        this.observer.nudged?.('subscribed')
        this.actions.wake(partition)
        return
      }
      case 'next-due':
        if (event.db !== this.identity.db) this.warnOfDatabase(event.db)
        else {
          this.observer.nudged?.('next-due')
          this.actions.due(event.dueInMs, event.partition ?? 0)
        }
    }
  }

  /** Pub/sub ignores databases: this processor gets the messages of another database, but cannot see its batches. */
  private warnOfDatabase(db: number): void {
    if (this.warnedOf.has(db)) return
    this.warnedOf.add(db)
    const { address, prefix } = this.identity
    this.log.warn(
      { address, prefix, theirDb: db, ourDb: this.identity.db },
      `next-due comes from database ${db}, and this processor works on database ${this.identity.db}: it will not see those batches. Use one REDIS_URL, or another LULL_PREFIX`,
    )
  }
}

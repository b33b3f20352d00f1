/** What a store publishes, to processors and to people. */
import type { HistoryEntry } from '../history/steps.js'
import type { SupersedeListener } from './answers.js'
import type { AliasListener } from './people.js'

/** An open batch has got more messages, or another due time. */
export interface Growth {
  /** The batch's conversation. */
  conversationId: string
  /** The batch's id. */
  batchId: string
  /** Messages that the batch holds now. */
  count: number
  /** Milliseconds until the batch is due. */
  dueInMs: number
  /** The Redis database. */
  db: number
  /**
   * Messages that were added to a batch that was open before, and when, by the store's clock. Absent for a new batch.
   */
  added?: number | undefined
  /** When they were added: milliseconds since 1970. */
  atMs?: number | undefined
}

/** Gets the growth of open batches. */
export interface GrowthListener {
  /** An open batch has grown. */
  grew(growth: Growth): void
  /** Updates may have been missed: read again what depends on them. */
  missed(): void
}

/** What wakes a processor. After each of these it claims, or moves its timer to an earlier time. */
export type StoreEvent =
  /**
   * A batch is now the first of all that are due, or the first has been due for longer than a second and may be unknown
   * to all processors. Batches that are due later than the first are not published: the next claim's `nextInMs` covers
   * them.
   */
  | {
      kind: 'next-due'
      /** The batch's conversation. */
      conversationId: string
      /** The batch's id. */
      batchId: string
      /** Milliseconds until it is due. */
      dueInMs: number
      /** The database of the sender. Pub/Sub is shared by all databases of a server. */
      db: number
      /** The partition that it is due in; 0 if there is only one. */
      partition?: number
    }
  /** Redis expired a shadow key (`quiet`) or a header: a batch may be due. Redis only. */
  | {
      kind: 'expired'
      key: 'quiet' | 'header'
      /** Whose key it was. */
      conversationId: string
    }
  /** Redis expired a canary's key. The process that set it knows how late that is. Redis only. */
  | {
      kind: 'expired'
      key: 'canary'
      /** The canary's. */
      name: string
    }
  /**
   * The subscription is in place, for the first time or after an outage. Events before it were missed: claim.
   */
  | {
      kind: 'subscribed'
      /** Whose subscription it is, in a store of several partitions. */
      partition?: number
    }

/** Whether Redis publishes the expiry of keys. */
export interface Notifications {
  /**
   * `there`: it did so already. `added`: it does so now. `off`: it does not, and `mayChange` was false. `refused`:
   * Redis refused the question or the change, see `error`. `unneeded`: this store does without.
   */
  result: 'there' | 'added' | 'off' | 'refused' | 'unneeded'
  /** `notify-keyspace-events` as it is now, if that is known. */
  flags: string
  /** One line, if Redis refused. */
  error?: string
}

/** The subscriptions of a store. */
export interface StoreEvents {
  /** Calls `listener` for each event until the returned function is called. The first event is `subscribed`. */
  listen(listener: (event: StoreEvent) => void): Promise<() => Promise<void>>
  /**
   * Calls `listener` for each step from now on, until the returned function is called. Steps that are recorded during
   * an outage follow after it. Growth of a batch is no step: see `followGrowth`.
   */
  follow(listener: (entry: HistoryEntry) => void): Promise<() => Promise<void>>
  /**
   * Calls `listener` each time an open batch grows, until the returned function is called. Rejects if the store cannot
   * be reached or refuses the subscription.
   */
  followGrowth(listener: GrowthListener): Promise<() => Promise<void>>
  /** Calls `listener` as batches are superseded. Rejects if the store refuses the subscription. */
  followSuperseded(listener: SupersedeListener): Promise<() => Promise<void>>
  /**
   * Calls `listener` as ids are learnt and forgotten, `missed` first. Rejects if the store refuses the subscription.
   */
  followAliases(listener: AliasListener): Promise<() => Promise<void>>
  /** Keys that measure how late their expiry is published. Absent if the store publishes none. */
  readonly canary?: {
    /** Sets a key that expires in `ttlMs`. */
    set(name: string, ttlMs: number): Promise<void>
    /** Reads the key. If it has expired, Redis deletes it there and then and publishes that. */
    touch(name: string): Promise<void>
    /**
     * Calls `listener` with the name of each canary that expires, until the returned function is called. It does not
     * count as a processor, as `listen` does. Rejects if the subscription is refused.
     */
    listen(listener: (name: string) => void): Promise<() => Promise<void>>
  }
  /** Checks that Redis publishes the expiry of keys, and turns that on if it is off and `mayChange`. Never rejects. */
  ensureNotifications(mayChange: boolean): Promise<Notifications>
}

/** What a handler gets beside the batch (`CommittingContext`), in a processor as in a worker. */
import { type Signalling, WithSignal } from '../lazy-abort.js'
import type { Logger } from '../logger.js'
import type { Committed } from './commits.js'

export class HandlerContext extends WithSignal {
  constructor(
    from: Signalling,
    readonly attempt: number,
    readonly log: Logger,
    readonly commit: () => Promise<Committed>,
  ) {
    super(from)
  }
}

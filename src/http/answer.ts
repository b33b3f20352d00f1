/**
 * What a request is answered with, and what each error means to whoever sent it: one line of JSON, `{"error":"…"}`, and
 * never a stack, a key or a secret. The fetch-style webhook and the API's error middleware both answer by this file.
 */
import type { Logger } from '../logger.js'
import { UnreadableBody } from '../providers/provider.js'
import { StoreUnavailable } from '../store/store.js'
import { MINUTE_MS, Throttle } from '../throttle.js'

export interface Answer {
  status: number
  headers?: Readonly<Record<string, string>>
  /** A string goes as plain text, anything else as JSON. */
  body: unknown
}

/** A request that is refused, and what its sender can do about it. */
export class Refusal extends Error {
  override name = 'Refusal'
  readonly expose = true
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
  }
}

/** When to try again where the store cannot be used now. */
export const RETRY_AFTER_S = 5

/** Errors to answers. What its sender cannot change is logged: trouble of the store at most once a minute. */
export class Answers {
  private readonly trouble = new Throttle(MINUTE_MS)

  constructor(private readonly log: Logger) {}

  /** The answer that an error deserves. What nobody expected says nothing to the outside. */
  to(error: unknown): Answer {
    if (error instanceof Refusal) return refuse(error.status, error.message, error.headers)
    if (error instanceof UnreadableBody) return refuse(400, error.message)
    // By name: a store may come from the CommonJS build and this from the ESM one, which are two classes to `instanceof`.
    if (error instanceof Error && error.name === 'StoreUnavailable') {
      const reason = error instanceof StoreUnavailable ? error.reason : 'unavailable'
      if (this.trouble.isDue()) this.log.warn({ reason }, `answering 503: ${error.message}`)
      // The message names the server's address: that is for the log.
      return tryAgain(reason)
    }
    if (error instanceof Error && error.name === 'ForeignKey') {
      // Sending it again cannot help before somebody acts, but giving up on a message is worse.
      if (this.trouble.isDue()) this.log.error({}, `answering 503: ${error.message}`)
      return tryAgain('a key holds something that is not Lull’s, see the log')
    }
    const known = clientError(error)
    if (known !== undefined) return refuse(known.status, known.message)
    this.log.error({ err: error }, 'a request failed in a way that nobody expected')
    return refuse(500, 'internal error, see the log')
  }
}

const refuse = (status: number, message: string, headers?: Answer['headers']): Answer => ({
  status,
  ...(headers === undefined ? {} : { headers }),
  body: { error: message },
})

function tryAgain(reason: string): Answer {
  return refuse(503, `Redis can not be used now (${reason}): send it again`, { 'Retry-After': String(RETRY_AFTER_S) })
}

/** Errors of Koa and raw-body say by `status` and `expose` what the sender may see. */
function clientError(error: unknown): { status: number; message: string } | undefined {
  if (!(error instanceof Error) || !('status' in error) || !('expose' in error)) return undefined
  const { status, expose, message } = error
  return typeof status === 'number' && expose === true ? { status, message } : undefined
}

/**
 * What each error means to a client: a status and one line of JSON, `{"error":"…"}`, that never holds a stack, a key or
 * a secret. The API and the library's `webhook` both take their error responses from here.
 */
import type { Logger } from '../logger.js'
import { UnreadableBody } from '../providers/provider.js'
import { StoreUnavailable } from '../store/store.js'
import { MINUTE_MS, Throttle } from '../throttle.js'
import type { Reply } from './respond.js'

/** Thrown where a request is refused. Its message is for the client: name the thing, its value and the remedy. */
export class Refusal extends Error {
  override name = 'Refusal'
  /** As in Koa: the client may see the message. */
  readonly expose = true
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
  }
}

/** `Retry-After` of a 503, in seconds. */
export const RETRY_AFTER_S = 5

/** By name: the store may come from the CommonJS build and this file from the ESM one, whose classes differ. */
export const isUnavailable = (error: unknown): error is Error =>
  error instanceof Error && error.name === 'StoreUnavailable'

/**
 * Turns errors into responses. Logs the errors that the operator has to act on; trouble of the store at most once a
 * minute.
 */
export class ErrorReplies {
  private readonly storeTrouble = new Throttle(MINUTE_MS)

  constructor(private readonly log: Logger) {}

  /** Never throws. An unknown error becomes a 500 that says nothing about it; the log has the error. */
  to(error: unknown): Reply {
    if (error instanceof Refusal) return refuse(error.status, error.message, error.headers)
    if (error instanceof UnreadableBody) return refuse(400, error.message)
    if (isUnavailable(error)) {
      const reason = error instanceof StoreUnavailable ? error.reason : 'unavailable'
      if (this.storeTrouble.isDue()) this.log.warn({ reason }, `responding 503: ${error.message}`)
      // The message names the server's address, which only the log may show.
      return tryAgain(reason)
    }
    if (error instanceof Error && error.name === 'ForeignKey') {
      // A retry does not help until the operator acts, but after a 4xx the provider would drop the message.
      if (this.storeTrouble.isDue()) this.log.error({}, `responding 503: ${error.message}`)
      return tryAgain('a key is not Lull’s, see the log')
    }
    const known = clientError(error)
    if (known !== undefined) return refuse(known.status, known.message)
    this.log.error({ err: error }, 'a request failed with an unexpected error')
    return refuse(500, 'internal error, see the log')
  }
}

const refuse = (status: number, message: string, headers: Reply['headers'] = {}): Reply => ({
  status,
  headers,
  body: { error: message },
})

function tryAgain(reason: string): Reply {
  const why = reason === 'draining' ? 'No messages are accepted now' : 'Redis cannot be used now'
  return refuse(503, `${why} (${reason}): send the request again in ${RETRY_AFTER_S} s`, {
    'Retry-After': String(RETRY_AFTER_S),
  })
}

/** Errors of Koa name a `status`, and allow the client to see their message by `expose`. */
function clientError(error: unknown): { status: number; message: string } | undefined {
  if (!(error instanceof Error) || !('status' in error) || !('expose' in error)) return undefined
  const { status, expose, message } = error
  return typeof status === 'number' && expose === true ? { status, message } : undefined
}

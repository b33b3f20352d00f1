/**
 * The handover to a URL. The batch is POSTed as JSON; with a secret it is signed as Standard Webhooks specify
 * (https://www.standardwebhooks.com). 200 and 204: answered. 202: taken, and answered by
 * `POST /batches/:batchId/answered`. Any other status, or none, is a failed attempt. A request that waits for its
 * response is aborted when newer messages supersede its batch; a receiver that has answered 202 learns that from
 * `POST /batches/:batchId/commit`. The header `lull-attempt` counts the attempts of a batch from 1; `webhook-id` is the
 * same in all of them. With telemetry `traceparent` carries the trace.
 *
 * An error is kept in the history, the dead batch and the log. So it has the status or the error's code, and nothing
 * that the receiver wrote: its body may quote the batch. The log has the body and the error's message at debug.
 */
import { Webhook } from 'standardwebhooks'
import { checkOptions, type NamesOf } from '../config/known-options.js'
import { atOnce, LONGEST_TIMER_MS, text, wholeFrom } from '../config/option-checks.js'
import { type Logger, silent } from '../logger.js'
import { isSuperseded } from '../superseded.js'
import type { Handover, HandoverItem, HandoverOutcome } from './handover.js'

/** The receiver of an `http()` handover. Only `url` is required. */
export interface HttpHandoverOptions {
  /** Where batches are POSTed, `http:` or `https:`. `user:password@` in it becomes basic authorization. */
  url: string
  /**
   * Signs each request as Standard Webhooks specify: base64, with or without the prefix `whsec_`.
   * @defaultValue none: requests are not signed
   */
  secret?: string
  /**
   * How long an answer may take, in milliseconds. After it the attempt has failed.
   * @defaultValue 60000
   */
  timeoutMs?: number
  /**
   * How many batches are POSTed at once.
   * @defaultValue 16
   */
  concurrency?: number
}

const TIMEOUT_MS = 60_000
const CONCURRENCY = 16
/** How much of a refusal's body is read, and how much of it the log shows at debug. */
const MOST_BYTES_READ = 65_536
const MOST_CHARS_SHOWN = 200
/** The redirect's address in an error. */
const LONGEST_ADDRESS = 150
/** `ECONNREFUSED`, `UND_ERR_SOCKET`, `CERT_HAS_EXPIRED`. */
const CODE = /^[A-Z][A-Z0-9_]{2,63}$/
const LONGEST_RETRY_AFTER_MS = 3_600_000

const OPTIONS: NamesOf<HttpHandoverOptions> = {
  url: true,
  secret: text,
  timeoutMs: wholeFrom(1, LONGEST_TIMER_MS),
  concurrency: atOnce,
}

/**
 * A handover to a URL: each batch is POSTed as JSON. 200 or 204: it is answered. 202: it is taken, and answered when
 * `POST /batches/:batchId/answered` or `batcher.answered(batchId)` says so. Anything else, or no answer in time, is a
 * failed attempt.
 * @throws {TypeError} for an unknown option
 * @throws {RangeError} for an option that cannot be used; the message never contains the secret
 */
export function http(options: HttpHandoverOptions): Handover {
  checkOptions('http()', options, OPTIONS)
  const { url, secret, timeoutMs = TIMEOUT_MS, concurrency = CONCURRENCY } = options
  const { target, where, authorization } = targetFrom(url)
  const webhook = secret === undefined ? undefined : webhookFrom(secret)
  const stopping = new AbortController()
  let log: Logger = silent

  const post = async ({ batch, attempt, signal, traceHeaders }: HandoverItem): Promise<HandoverOutcome> => {
    const body = JSON.stringify(batch)
    const now = new Date()
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      const response = await fetch(target, {
        method: 'POST',
        // A redirected POST may arrive as a GET, or elsewhere. A redirect is a failed attempt, like other statuses.
        redirect: 'manual',
        signal: AbortSignal.any([signal, timeout, stopping.signal]),
        headers: {
          ...traceHeaders,
          'content-type': 'application/json',
          'user-agent': 'lull',
          'lull-attempt': String(attempt),
          'webhook-id': batch.batchId,
          'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
          ...(webhook && { 'webhook-signature': webhook.sign(batch.batchId, now, body) }),
          ...(authorization && { authorization }),
        },
        body,
      })
      return await outcomeOf(response, where, (fields, message) =>
        log.debug({ batchId: batch.batchId, ...fields }, message),
      )
    } catch (error) {
      if (isSuperseded(signal.reason)) return { result: 'superseded' }
      if (signal.aborted || stopping.signal.aborted)
        return failed(
          `${where}: given up, ${messageOf(signal.aborted ? signal.reason : stopping.signal.reason)}`,
          false,
        )
      if (timeout.aborted) return failed(`${where} has not answered within ${timeoutMs} ms`)
      log.debug({ batchId: batch.batchId, reason: messageOf(error) }, `${where} cannot be reached`)
      return failed(`${where} cannot be reached: ${codeOf(error)}`)
    }
  }

  return {
    kind: 'http',
    batchesPerCall: 1,
    concurrency,
    traced: { server: target.hostname, sendsHeaders: true },
    async start(context) {
      log = context.log
    },
    handOver: items => Promise.all(items.map(post)),
    async stop() {
      stopping.abort(new Error('the handover has stopped'))
    },
  }
}

async function outcomeOf(response: Response, where: string, debug: Logger['debug']): Promise<HandoverOutcome> {
  const { status, headers } = response
  // Always read, within a bound: undici closes the connection of an unread body.
  const text = await beginning(response)
  if (status === 200 || status === 204) return { result: 'answered', outcome: 'completed' }
  if (status === 202) return { result: 'taken' }
  const location = headers.get('location')
  debug({ status, body: oneLine(text), ...(location === null ? {} : { location }) }, `${where} refused a batch`)
  const target = location === null ? undefined : ` to ${addressIn(location, response.url)}`
  const outcome = failed(
    `${where} answered ${status}${target ? `${target}; redirects are not followed, set the URL it leads to` : ''}`,
  )
  const retryAfterMs = status === 429 || status === 503 ? retryAfter(headers.get('retry-after')) : undefined
  return retryAfterMs === undefined ? outcome : { ...outcome, retryAfterMs }
}

/** Where a redirect leads, without credentials, query and fragment: they may contain a token or a text. */
function addressIn(location: string, base: string): string {
  const target = URL.canParse(location, base) ? new URL(location, base) : undefined
  if (!target || !/^https?:$/.test(target.protocol)) return 'an invalid address'
  return (target.origin + target.pathname).slice(0, LONGEST_ADDRESS)
}

/** Without `retryAfterMs`: the processor decides by the attempt how long to wait. */
const failed = (message: string, counts = true) =>
  ({ result: 'failed', counts, error: new Error(message) }) satisfies HandoverOutcome

async function beginning(response: Response): Promise<string> {
  if (!response.body) return ''
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body) {
    bytes += chunk.byteLength
    if (text.length < MOST_CHARS_SHOWN) text += decoder.decode(chunk, { stream: true })
    // Leaving the loop cancels the stream.
    if (bytes > MOST_BYTES_READ) break
  }
  return text
}

const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim().slice(0, MOST_CHARS_SHOWN)

/** Seconds or a date (RFC 9110, 10.2.3), in milliseconds from now. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS)
}

/**
 * What went wrong, in a word: the message of fetch's error or of its cause may name addresses, headers or credentials.
 */
function codeOf(error: unknown): string {
  const causes = error instanceof Error ? [error.cause, error] : [error]
  for (const cause of causes) {
    const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : ''
    if (CODE.test(code)) return code
  }
  return error instanceof Error ? error.name : 'unknown error'
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error))
  const { cause } = error
  return oneLine(cause instanceof Error && cause.message !== '' ? cause.message : error.message)
}

function targetFrom(url: string): { target: URL; where: string; authorization?: string } {
  const target = URL.canParse(url) ? new URL(url) : undefined
  if (!target || !/^https?:$/.test(target.protocol))
    throw new RangeError('the handover URL is invalid: it must begin with http:// or https://')
  // For logs: without credentials, and without the query, which may contain a token.
  const where = target.origin + target.pathname
  const { username, password } = target
  if (!username && !password) return { target, where }
  target.username = ''
  target.password = ''
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { target, where, authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
}

function webhookFrom(secret: string): Webhook {
  try {
    return new Webhook(secret)
  } catch {
    throw new RangeError(
      'the handover secret is not base64, as Standard Webhooks require: make one with `openssl rand -base64 24`',
    )
  }
}

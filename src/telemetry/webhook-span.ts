/**
 * The span of a webhook. It is a span of the server's, unless an instrumented server has made one: then it is one inside
 * that. The path is not recorded, because it may hold a token.
 */
import type { Reply } from '../http/respond.js'
import type { Counts } from '../observer.js'
import type { HeaderReader } from '../providers/provider.js'
import type { LiveSpan } from './live-span.js'
import type { Spans } from './spans.js'

export interface TracedWebhook {
  header: HeaderReader
  /** The pattern of its path, if its server has routes. */
  route?: string | undefined
}

/** What carries a trace over HTTP: https://www.w3.org/TR/trace-context, and B3 for programs that propagate that. */
const TRACE_HEADERS = ['traceparent', 'tracestate', 'baggage', 'b3', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-sampled']
const FIRST_SERVER_ERROR = 500

export class WebhookSpan {
  private readonly span: LiveSpan
  private readonly isServer: boolean

  constructor(spans: Spans, { header, route }: TracedWebhook) {
    this.isServer = !spans.isInSpan
    const attributes = { 'http.request.method': 'POST', ...(route && { 'http.route': route }) }
    if (this.isServer) {
      const parent = spans.from(traceHeaders(header))
      this.span = spans.start(route ? `POST ${route}` : 'POST', { kind: 'server', attributes }, parent)
    } else this.span = spans.start('webhook', { kind: 'internal', attributes }, spans.active)
  }

  /**
   * Runs what receives the webhook, and ends with it.
   * @param statusOf the status of the response to an error
   */
  async around(receive: () => Promise<Reply>, statusOf: (error: unknown) => number): Promise<Reply> {
    try {
      const reply = await this.span.within(receive)
      this.replied(reply.status)
      return reply
    } catch (error) {
      this.replied(statusOf(error))
      throw error
    } finally {
      this.span.end()
    }
  }

  from(provider: string): void {
    this.span.set({ 'lull.provider': provider })
  }

  counted({ accepted, duplicates, ignored }: Counts): void {
    this.span.set({
      'lull.messages.accepted': accepted,
      'lull.messages.duplicates': duplicates,
      'lull.messages.ignored': ignored,
    })
  }

  private replied(status: number): void {
    if (this.isServer) this.span.set({ 'http.response.status_code': status })
    if (status >= FIRST_SERVER_ERROR) this.span.fail(String(status))
  }
}

function traceHeaders(header: HeaderReader): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name of TRACE_HEADERS) {
    const value = header(name)
    if (value !== undefined) headers[name] = value
  }
  return headers
}

/** The API, without a port: a Koa application. `routes.ts` lists its routes, a file for each family of them. */
import type { RequestListener } from 'node:http'
import Router from '@koa/router'
import type { Batcher } from '../batcher.js'
import { BodyBounds } from '../http/body-bounds.js'
import { ErrorReplies } from '../http/refusal.js'
import type { Logger } from '../logger.js'
import type { Metrics } from '../metrics/metrics.js'
import type { Counts } from '../observer.js'
import { MARK_HEADER } from '../presence/presence.js'
import { Receiver, type ReceiverOptions } from '../webhook/receive.js'
import { boardRoutes } from './board.js'
import { CommitWaits } from './commit-waits.js'
import type { DashboardOptions } from './dashboard.js'
import { emptyApp, exchange, replyWith, setHeaders } from './exchange.js'
import { NoProcessor } from './no-processor.js'
import { RecentWebhooks } from './recent-webhooks.js'
import { bodyReader } from './request-body.js'
import { addRoutes } from './routes.js'
import { Access, type MadeToken } from './token.js'
import { checkPath, meantInApi, nothingHere, otherMethods } from './unmatched.js'
import { webhookRoutes } from './webhooks.js'

/** In every response. */
const SAFE_HEADERS = { 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' }

export interface AppOptions
  extends Pick<
    ReceiverOptions,
    | 'providers'
    | 'groups'
    | 'onOwnMessage'
    | 'identify'
    | 'raw'
    | 'rejections'
    | 'maxBodyBytes'
    | 'maxBodyBytesInFlight'
  > {
  batcher: Batcher
  log: Logger
  /** Bearer token for all routes but webhooks, health and the API's description; without one those routes respond 401. */
  apiToken?: string
  /** If `lull up` made the token. */
  madeToken?: MadeToken
  /** How long a session of the page lasts without use. */
  sessionMs?: number
  /** A condition of `/readyz` beside the store: rejects with one line that says what is wrong. */
  readiness?: () => Promise<void>
  /** Measures requests and webhooks; served at `/metrics`. */
  metrics?: Metrics
  /** Sent as `X-Lull-Mark` with every response: by it doctor finds this process in Redis (presence/presence.ts). */
  mark?: string
  /** The API's address as its clients see it. */
  publicUrl?: string
  /** Others than programs on this machine reach the API. Default: if it has a public URL. */
  isExposed?: boolean
  /** Default yes; no: neither the page nor any route shows what people wrote. */
  showTexts?: boolean
  /** The requests that wait for a commit; given by the caller that ends them before it stops the server. */
  commits?: CommitWaits
  /** The page, its events and the queue's board; without it these routes do not exist. */
  dashboard?: DashboardOptions
  /** Called after each append that no processor was notified of. */
  onNoProcessor?: () => void
}

export function createApp(options: AppOptions): RequestListener {
  const { batcher, log, metrics, dashboard, mark, readiness = async () => {}, showTexts = true } = options
  const { apiToken, madeToken, publicUrl, sessionMs } = options
  const access = new Access(batcher.store.sessions, { token: apiToken, made: madeToken, publicUrl, sessionMs })
  const { afterAppend } = new NoProcessor(batcher, log, options.onNoProcessor)

  const received = (provider: string, counts: Counts) => {
    webhooks.received(provider, counts)
    metrics?.received(provider, counts)
  }
  const rejected = (provider: string, reason: string) => metrics?.rejected(provider, reason)
  const isLocal = !(options.isExposed ?? options.publicUrl !== undefined)
  const observer = { received, rejected }
  const bodies = new BodyBounds(options)
  const readBody = bodyReader(bodies)
  const receiver = new Receiver({ ...options, isLocal, observer, bodies, onAppended: afterAppend })
  const webhooks = new RecentWebhooks(receiver.rejections)

  const ready = async () => {
    await batcher.ready()
    await readiness()
  }
  const commits = options.commits ?? new CommitWaits(batcher)
  const router = new Router()
  addRoutes(router, { batcher, access, readBody, commits, webhooks, showTexts, afterAppend, ready, metrics, dashboard })

  const headers = mark === undefined ? SAFE_HEADERS : { ...SAFE_HEADERS, [MARK_HEADER]: mark }
  const reply = replyWith(headers)
  const app = emptyApp(log)
  app.use(exchange({ errors: new ErrorReplies(log), reply, log, metrics }))
  app.use(webhookRoutes(receiver, reply))
  app.use(setHeaders(headers))
  app.use(checkPath)
  if (dashboard) app.use(boardRoutes(dashboard.queue ?? dashboard.noQueue ?? 'there is no queue to show', access))
  app.use(router.routes())
  app.use(otherMethods(reply))
  app.use(nothingHere(meantInApi))
  return app.callback()
}

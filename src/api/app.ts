/**
 * The API, made without listening: a Koa application, and before it the webhooks. One file a route family; what a client sees
 * of an error is decided in `errors.ts`, and what a webhook means in `webhook/receive.ts`.
 */
import type { RequestListener } from 'node:http'
import Router from '@koa/router'
import Koa from 'koa'
import type { Batcher } from '../batcher.js'
import { Answers } from '../http/answer.js'
import type { Logger } from '../logger.js'
import type { Metrics } from '../metrics/metrics.js'
import { MARK_HEADER } from '../presence/presence.js'
import type { ProvidersOptions } from '../providers/registry.js'
import { type OnReceived, Receiver } from '../webhook/receive.js'
import type { OnRejected } from '../webhook/rejections.js'
import type { Groups, OnOwnMessage } from '../webhook/steps.js'
import { batchRoutes } from './batches.js'
import { conversationRoutes } from './conversations.js'
import { boardOf, type DashboardOptions, dashboardRoutes } from './dashboard.js'
import { errors } from './errors.js'
import { eventRoutes } from './events.js'
import { healthRoutes } from './health.js'
import { Listeners } from './listeners.js'
import { measured, metricsRoute } from './metrics.js'
import { RecentWebhooks } from './recent-webhooks.js'
import { Access } from './token.js'
import { webhookRoutes } from './webhooks.js'

/** Of every answer, whatever it says. */
const SAFE_HEADERS = { 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' }

export interface AppOptions {
  batcher: Batcher
  log: Logger
  /** Bearer token for everything but webhooks and health; without one those routes answer 401. */
  apiToken?: string
  providers: ProvidersOptions
  groups?: Groups
  onOwnMessage?: OnOwnMessage
  raw?: boolean
  /** Told of each webhook that is refused. */
  onRejected?: OnRejected
  /** What else must be well for `/readyz`, beside the store; rejects with one line that says why it is not. */
  readiness?: () => Promise<void>
  /** Told what each webhook's items have become. */
  onReceived?: OnReceived
  /** Measures requests, and is served at `/metrics`. */
  metrics?: Metrics
  /** In the header `X-Lull-Mark` of every answer: what this process is known by in its Redis (presence/presence.ts). */
  mark?: string
  /** How the outside sees this API. */
  publicUrl?: string
  /** Default yes; no: neither the page nor any route shows what people wrote. */
  showTexts?: boolean
  /** The page, its events and the queue's board; without it there are none. */
  dashboard?: DashboardOptions
  /** Called after an append that no processor was told of, since none listens. */
  onUnheard?: () => void
}

export function createApp(options: AppOptions): RequestListener {
  const { batcher, log, apiToken, readiness = async () => {}, onUnheard, onReceived, metrics, mark } = options
  const listeners = new Listeners(batcher, log, onUnheard)
  const onAppended = listeners.afterAppend
  const { showTexts = true, dashboard } = options
  const access = new Access(apiToken, options.publicUrl)
  const token = access.required
  const webhooks = new RecentWebhooks()
  const router = new Router()
  const receiver = new Receiver({
    ...options,
    onAppended,
    onReceived: (provider, counts) => {
      webhooks.received(provider, counts)
      onReceived?.(provider, counts)
    },
    onRejected: (provider, reason) => {
      webhooks.rejected(provider, reason)
      options.onRejected?.(provider, reason)
    },
  })
  conversationRoutes(router, {
    batcher,
    token,
    showTexts,
    onAppended: result => {
      onAppended(result)
      const { accepted, duplicates, tooOld } = result
      onReceived?.('generic', { accepted, duplicates, ignored: tooOld })
    },
  })
  batchRoutes(router, { batcher, token, showTexts })
  healthRoutes(router, async () => {
    await batcher.ready()
    await readiness()
  })

  if (metrics) metricsRoute(router, metrics, token)
  if (dashboard) {
    dashboardRoutes(router, { ...dashboard, batcher, access, webhooks, showTexts })
    eventRoutes(router, dashboard.live, token)
  }

  const answers = new Answers(log)
  const headers = { ...SAFE_HEADERS, ...(mark === undefined ? {} : { [MARK_HEADER]: mark }) }
  const app = new Koa()
  if (metrics) app.use(measured(metrics))
  // What reaches this is a client that went away while it was being answered.
  app.on('error', (error: Error) => log.debug({ error: error.message }, 'a response could not be sent'))
  app.use(errors({ answers, log, headers }))
  if (dashboard?.queue) app.use(boardOf(dashboard.queue, access))
  app.use(router.routes()).use(router.allowedMethods())
  const others = app.callback()
  const answerWebhook = webhookRoutes({ receiver, answers, log, metrics, headers })
  return (req, res) => {
    if (!answerWebhook(req, res)) void others(req, res)
  }
}

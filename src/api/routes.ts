/** All routes but the webhooks and the board of the queue. Those that clients call are described in `openapi/`. */
import type Router from '@koa/router'
import type { Middleware } from 'koa'
import type { Batcher } from '../batcher.js'
import type { Metrics } from '../metrics/metrics.js'
import type { AppendResult } from '../store/store.js'
import { batchRoutes } from './batches.js'
import type { CommitWaits } from './commit-waits.js'
import { conversationRoutes } from './conversations.js'
import { type DashboardOptions, dashboardRoutes } from './dashboard.js'
import { eventRoutes } from './events.js'
import { healthRoutes } from './health.js'
import { holdRoutes } from './holds.js'
import { refuseUnknownQuery } from './known-query.js'
import { messageRoutes } from './messages.js'
import { metricsRoute } from './metrics.js'
import { descriptionRoute } from './openapi/route.js'
import { pauseRoutes } from './pauses.js'
import type { RecentWebhooks } from './recent-webhooks.js'
import type { ReadBody } from './request-body.js'
import { sentRoutes } from './sent.js'
import { settingsRoutes } from './settings.js'
import type { Access } from './token.js'

export interface RouteParts {
  batcher: Batcher
  access: Access
  readBody: ReadBody
  commits: CommitWaits
  webhooks: RecentWebhooks
  showTexts: boolean
  afterAppend: (result: AppendResult) => void
  /** Rejects with one line that says why the API cannot work now. */
  ready: () => Promise<void>
  /** Without it there is no `/metrics`. */
  metrics: Metrics | undefined
  /** Without it there is no page, and no `/events`. */
  dashboard: DashboardOptions | undefined
}

export function addRoutes(router: Router, parts: RouteParts): void {
  const { access, metrics, dashboard } = parts
  const token: Middleware = async (ctx, next) => {
    await access.check(ctx)
    refuseUnknownQuery(ctx)
    await next()
  }
  const options = { ...parts, token }
  sentRoutes(router, options)
  messageRoutes(router, options)
  conversationRoutes(router, options)
  holdRoutes(router, options)
  pauseRoutes(router, options)
  batchRoutes(router, options)
  settingsRoutes(router, options)
  healthRoutes(router, parts.ready, ctx => access.hasBearer(ctx), parts.batcher.store)
  descriptionRoute(router, dashboard?.version ?? 'unknown')
  if (metrics) metricsRoute(router, metrics, access.required)
  if (!dashboard) return
  dashboardRoutes(router, { ...dashboard, ...parts })
  eventRoutes(router, dashboard.live, access)
}

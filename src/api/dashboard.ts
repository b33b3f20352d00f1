/**
 * The page at `/`, and the routes that only the page calls. The link with the token is traded for a cookie at once. The
 * page's files (src/dashboard) hold no data, and are served without a token. All their addresses are relative, so that
 * the page works behind a proxy that strips a path. The Content-Security-Policy allows only these files.
 */
import type Router from '@koa/router'
import type { Context } from 'koa'
import type { Batcher } from '../batcher.js'
import { recentLives } from '../history/reading.js'
import { OVERDUE_MS } from '../history/release.js'
import { isUnavailable, RETRY_AFTER_S } from '../http/refusal.js'
import { thinkingMs } from '../worker/handler.js'
import { type Comparisons, comparisonRoutes, earlyStartOf } from './comparison.js'
import type { LiveEvents } from './events.js'
import { limitOf } from './limit.js'
import { pageFile, pageFileThatExists } from './page-files.js'
import { setPageHeaders } from './page-headers.js'
import type { QueueWindow } from './queue-window.js'
import type { RecentWebhooks, RefusedElsewhere } from './recent-webhooks.js'
import { queryOf, type ReadBody } from './request-body.js'
import { livesWithoutTexts, stepWithoutTexts } from './texts.js'
import type { Access } from './token.js'

export interface DashboardOptions {
  live: LiveEvents
  /** What the playground compares; the caller closes it. */
  comparisons: Comparisons
  /** Lull's. */
  version: string
  batching: boolean
  /** Present if the handover is to a queue that can be shown. */
  queue?: QueueWindow
  /** One line for `/queues` if `queue` is absent: why. */
  noQueue?: string
  /** A real bot gets the batches: the playground warns before it sends any. */
  isOwnWorker: boolean
  refusedElsewhere?: () => Promise<RefusedElsewhere[]>
}

interface Parts extends DashboardOptions {
  batcher: Batcher
  access: Access
  webhooks: RecentWebhooks
  showTexts: boolean
  readBody: ReadBody
}

const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
/**
 * The response to the link: it navigates to the page. This second navigation comes from our own site, so that the
 * browser sends the SameSite=Strict cookie, wherever the link was clicked; and the token is gone from the address.
 */
const ENTERED =
  '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=./"><link rel="icon" href="page/icon.svg"><title>Lull</title><p><a href="./">Lull</a></p></html>'

export function dashboardRoutes(router: Router, parts: Parts): void {
  const { access, readBody, comparisons } = parts
  router.get('/', async ctx => {
    setPageHeaders(ctx, PAGE_POLICY)
    const token = queryOf(ctx, 'token')
    await orAway(ctx, () => (token === undefined ? showPage(ctx, access) : enter(ctx, access, token)))
  })
  // The token pasted into the form of login.html.
  router.post('/', async ctx => {
    setPageHeaders(ctx, PAGE_POLICY)
    access.checkOrigin(ctx)
    const body = await readBody(ctx)
    const token: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'token') : undefined
    await orAway(ctx, () => enter(ctx, access, typeof token === 'string' ? token.trim() : ''))
  })
  // The page's button: the browser's session ends.
  router.delete('/page/session', access.required, async ctx => {
    await access.leave(ctx)
    ctx.status = 204
  })
  router.get('/page/state', access.required, async ctx => {
    ctx.body = await stateOf(parts)
  })
  // Of all conversations; one conversation's are at /conversations/:id/history.
  router.get('/page/history', access.required, async ctx => {
    const history = await parts.batcher.history({ limit: limitOf(ctx) })
    ctx.body = { history: parts.showTexts ? history : history.map(stepWithoutTexts) }
  })
  // Of all conversations; one conversation's are at /conversations/:id/lives.
  router.get('/page/lives', access.required, async ctx => {
    await parts.batcher.open()
    const read = await recentLives(parts.batcher.store, limitOf(ctx))
    ctx.body = parts.showTexts ? read : livesWithoutTexts(read)
  })
  comparisonRoutes(router, { comparisons, access, readBody })
  router.get('/page/*path', (ctx, next) => {
    const file = pageFile(ctx.params['path'] ?? '')
    if (!file) return next()
    setPageHeaders(ctx, PAGE_POLICY)
    ctx.set('Cache-Control', 'no-cache')
    ctx.etag = file.etag
    ctx.type = file.type
    ctx.status = 200
    if (ctx.fresh) ctx.status = 304
    else ctx.body = file.body
    return undefined
  })
}

async function enter(ctx: Context, access: Access, token: string): Promise<void> {
  if (await access.admit(ctx, token)) ctx.body = ENTERED
  else askForToken(ctx, token !== '')
}

async function showPage(ctx: Context, access: Access): Promise<void> {
  try {
    await access.check(ctx)
    ctx.body = pageFileThatExists('index.html').body
    ctx.type = 'html'
  } catch (error) {
    if (isUnavailable(error) || !isBrowser(ctx)) throw error
    askForToken(ctx)
  }
}

/** While Redis is away no session can begin, and none is known. */
async function orAway(ctx: Context, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isUnavailable(error) || !isBrowser(ctx)) throw error
    showLogin(ctx, 503, 'loginAway')
    ctx.set('Retry-After', String(RETRY_AFTER_S))
  }
}

/** A program gets JSON, as on every route. */
const isBrowser = (ctx: Context) => ctx.accepts('json', 'html') === 'html'

/** @param isWrong whether a wrong token was given: the login page then shows its alert */
function askForToken(ctx: Context, isWrong = false): void {
  showLogin(ctx, 401, isWrong ? 'loginWrong' : undefined)
}

/** @param alert which one is shown, by its text */
function showLogin(ctx: Context, status: number, alert?: 'loginWrong' | 'loginAway'): void {
  const { body } = pageFileThatExists('login.html')
  const shown = `data-t="${alert}" role="alert"`
  ctx.status = status
  ctx.body = alert === undefined ? body : body.toString().replace(`${shown} hidden`, shown)
  ctx.type = 'html'
}

/** What the page shows beside conversations, lives and dead batches, which have their own routes. */
async function stateOf({ batcher, live: _live, webhooks, queue, access: _access, ...parts }: Parts) {
  const { address, db, prefix, runId, version: storeVersion } = await batcher.open()
  const { store } = batcher
  const [totals, counts, elsewhere] = await Promise.all([
    store.totals(),
    // If the queue's Redis fails, the page shows the rest.
    queue?.counts().catch(error => ({ error: error instanceof Error ? error.message : String(error) })),
    parts.refusedElsewhere?.().catch(() => []),
  ])
  return {
    nowMs: Date.now(),
    version: parts.version,
    store: { address, db, prefix, runId, version: storeVersion },
    rules: store.rules,
    overdueMs: OVERDUE_MS,
    batching: parts.batching,
    showTexts: parts.showTexts,
    isOwnWorker: parts.isOwnWorker,
    // How long the playground's bot takes for an answer, in the live system; and the early start that is compared.
    thinkingMs: thinkingMs(store.rules),
    comparedEarlyStartMs: earlyStartOf(store.rules),
    totals,
    ...(queue ? { queue: { name: queue.name, counts } } : {}),
    webhooks: webhooks.all(elsewhere),
  }
}

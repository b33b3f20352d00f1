/**
 * The page at `/`, and what only it asks for. The link with the token is traded for a cookie at once; the page's files
 * (src/dashboard) hold nothing of anybody's, and are served to anybody. Every address in them is relative, so that the page
 * works under a path that a proxy takes away. The Content-Security-Policy allows nothing but these files.
 */
import type Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import type { Batcher } from '../batcher.js'
import { recentLives } from '../history/reading.js'
import { OVERDUE_MS } from '../history/release.js'
import { thinkingMs } from '../worker/handler.js'
import type { LiveEvents } from './events.js'
import { limitOf } from './limit.js'
import { pageFile, pageFileThatExists } from './page-files.js'
import { BOARD_PATH, type QueueWindow } from './queue-window.js'
import type { RecentWebhooks, RefusedElsewhere } from './recent-webhooks.js'
import { parsedBody, queryOf } from './request-body.js'
import type { Access } from './token.js'

export interface DashboardOptions {
  live: LiveEvents
  /** Of Lull. */
  version: string
  batching: boolean
  /** Whether the handover is to a queue that can be looked at. */
  queue?: QueueWindow
  /** Whoever works on the batches is somebody's own: the playground warns before it sends them any. */
  isOwnWorker: boolean
  refusedElsewhere?: () => Promise<RefusedElsewhere[]>
}

interface Parts extends DashboardOptions {
  batcher: Batcher
  access: Access
  webhooks: RecentWebhooks
  showTexts: boolean
}

const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
/** bull-board styles its elements in place. */
const BOARD_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'"

/** A navigation of our own, so that it takes the new cookie with it wherever the link was clicked; it replaces the address. */
const ENTERED =
  '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=./"><link rel="icon" href="page/icon.svg"><title>Lull</title><p><a href="./">Lull</a></p></html>'

export function dashboardRoutes(router: Router, parts: Parts): void {
  const { access } = parts
  router.get('/', ctx => {
    guard(ctx, PAGE_POLICY)
    const token = queryOf(ctx, 'token')
    if (token !== undefined) enter(ctx, access, token)
    else showPage(ctx, access)
  })
  // The token pasted into the form of login.html.
  router.post('/', async ctx => {
    guard(ctx, PAGE_POLICY)
    access.checkOrigin(ctx)
    const body = await parsedBody(ctx)
    const token: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'token') : undefined
    enter(ctx, access, typeof token === 'string' ? token.trim() : '')
  })
  router.get('/page/state', access.required, async ctx => {
    ctx.body = await stateOf(parts)
  })
  // Of all conversations; those of one are at /conversations/:id/history.
  router.get('/page/history', access.required, async ctx => {
    ctx.body = { history: await parts.batcher.history({ limit: limitOf(ctx) }) }
  })
  // Of all conversations; those of one are at /conversations/:id/lives.
  router.get('/page/lives', access.required, async ctx => {
    await parts.batcher.open()
    ctx.body = await recentLives(parts.batcher.store, limitOf(ctx))
  })
  router.get('/page/*path', (ctx, next) => {
    const file = pageFile(ctx.params['path'] ?? '')
    if (!file) return next()
    guard(ctx, PAGE_POLICY)
    ctx.set('Cache-Control', 'no-cache')
    ctx.etag = file.etag
    ctx.type = file.type
    ctx.status = 200
    if (ctx.fresh) ctx.status = 304
    else ctx.body = file.body
    return undefined
  })
}

/** The queue's board: everything under `/queues`. */
export function boardOf(queue: QueueWindow, access: Access): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== BOARD_PATH && !ctx.path.startsWith(`${BOARD_PATH}/`)) return next()
    try {
      access.check(ctx)
    } catch (error) {
      if (ctx.get('sec-fetch-mode') !== 'navigate') throw error
      // To the page, which asks for the token.
      ctx.redirect(ctx.path === BOARD_PATH ? './' : '../')
      return
    }
    guard(ctx, BOARD_POLICY)
    const board = await queue.board()
    await board(ctx, async () => {})
    // None of the board's routes or methods. As the board's own `next` this would fail: it turns every error into a 500.
    if (ctx.status >= 400 && !ctx.body) await next()
  }
}

function guard(ctx: Context, policy: string): void {
  ctx.set('Content-Security-Policy', policy)
  ctx.set('Referrer-Policy', 'no-referrer')
  ctx.set('Cross-Origin-Opener-Policy', 'same-origin')
}

function enter(ctx: Context, access: Access, token: string): void {
  if (access.admit(ctx, token)) ctx.body = ENTERED
  else askForToken(ctx, token !== '')
}

function showPage(ctx: Context, access: Access): void {
  try {
    access.check(ctx)
    ctx.body = pageFileThatExists('index.html').body
    ctx.type = 'html'
  } catch (error) {
    // A program is told in JSON, as everywhere.
    if (ctx.accepts('json', 'html') !== 'html') throw error
    askForToken(ctx)
  }
}

/** @param isWrong whether one was tried: the page says so where it has it hidden */
function askForToken(ctx: Context, isWrong = false): void {
  const { body } = pageFileThatExists('login.html')
  ctx.status = 401
  ctx.body = isWrong ? body.toString().replace(' role="alert" hidden', ' role="alert"') : body
  ctx.type = 'html'
}

/** All that the page shows beside conversations, history and dead batches, which have routes of their own. */
async function stateOf({ batcher, live: _live, webhooks, queue, access: _access, ...parts }: Parts) {
  const { address, db, prefix, runId, version: storeVersion } = await batcher.open()
  const { store } = batcher
  const [totals, counts, elsewhere] = await Promise.all([
    store.totals(),
    // Where the queue can not be asked, the rest is worth showing.
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
    // The thirty lines that the playground compares with answer as fast as its bot.
    thinkingMs: thinkingMs(store.rules),
    totals,
    ...(queue ? { queue: { name: queue.name, counts } } : {}),
    webhooks: webhooks.all(elsewhere),
  }
}

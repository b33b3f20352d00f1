/**
 * Health, for probes, without a token: `/livez` says that the process answers, `/readyz` whether it can do its work. If
 * not, it names the reason by one word: the error itself holds Redis's address, which is for the log and for the token.
 */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { type Store, StoreUnavailable } from '../store/store.js'
import { within } from '../within.js'
import { partial } from './partial.js'

/** Probes give up after a second or a few; the reason must come before that. */
const READY_WITHIN_MS = 2000

interface Reason {
  word: string
  detail: string
}

/**
 * @param readiness rejects with one line that says why not
 * @param mayKnow whether the request may have that line; by default none may
 * @param store whose partitions may be away in part: the others are served, so this is no reason against it
 */
export function healthRoutes(
  router: Router,
  readiness: () => Promise<void>,
  mayKnow: (ctx: Context) => boolean = () => false,
  store: Pick<Store, 'partitionsAway'> = { partitionsAway: 0 },
): void {
  router.get('/livez', ctx => {
    ctx.body = { status: 'ok' }
  })

  router.get('/readyz', async ctx => {
    const reason = await reasonAgainst(readiness)
    ctx.status = reason === undefined ? 200 : 503
    ctx.body =
      reason === undefined
        ? { status: 'ok', ...partial(store) }
        : { status: 'unavailable', error: mayKnow(ctx) ? reason.detail : reason.word }
  })
}

function reasonAgainst(readiness: () => Promise<void>): Promise<Reason | undefined> {
  const reason = readiness().then(() => undefined, reasonOf)
  return within(reason, READY_WITHIN_MS, () => ({
    word: 'timeout',
    detail: `no answer within ${READY_WITHIN_MS} ms`,
  }))
}

function reasonOf(error: unknown): Reason {
  return {
    word: error instanceof StoreUnavailable ? error.reason : 'other',
    detail: error instanceof Error ? error.message : String(error),
  }
}

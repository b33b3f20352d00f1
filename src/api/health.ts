/**
 * Health, for probes, without a token: `/livez` says that the process answers, `/readyz` whether it can do its work,
 * and if not, why. Any role serves them.
 */
import type Router from '@koa/router'
import { within } from '../within.js'

/** Probes give up after a second or a few; the reason must come before that. */
const READY_WITHIN_MS = 2000

/** @param readiness rejects with one line that says what is wrong */
export function healthRoutes(router: Router, readiness: () => Promise<void>): void {
  router.get('/livez', ctx => {
    ctx.body = { status: 'ok' }
  })

  router.get('/readyz', async ctx => {
    const reason = await reasonAgainst(readiness)
    ctx.status = reason === undefined ? 200 : 503
    ctx.body = reason === undefined ? { status: 'ok' } : { status: 'unavailable', error: reason }
  })
}

function reasonAgainst(readiness: () => Promise<void>): Promise<string | undefined> {
  const reason = readiness().then(
    () => undefined,
    error => (error instanceof Error ? error.message : String(error)),
  )
  return within(reason, READY_WITHIN_MS, () => `no answer within ${READY_WITHIN_MS} ms`)
}

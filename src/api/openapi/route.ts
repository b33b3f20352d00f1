/**
 * `GET /openapi.json`: what this API offers, for generators of clients. It needs no token, as it is the same text for
 * every installation (docs/openapi.json) and holds nothing of this one. The first request makes it.
 */
import type Router from '@koa/router'

/** @param version Lull's */
export function descriptionRoute(router: Router, version: string): void {
  let making: Promise<string> | undefined
  router.get('/openapi.json', async ctx => {
    making ??= import('./document.js').then(({ openApi }) => JSON.stringify(openApi(version)))
    ctx.body = await making
    ctx.type = 'json'
  })
}

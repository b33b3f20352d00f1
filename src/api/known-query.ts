/**
 * Refuses a request with a field in its query that no route has: a mistyped `author` would remove a message without
 * asking whose it is, and a mistyped `limit` have no effect.
 */
import type { Context } from 'koa'
import { meantBy } from '../config/meant.js'
import { Refusal } from '../http/refusal.js'
import { shown } from '../http/shown.js'

/** The fields of all routes that need the token. */
export const QUERY_FIELDS = ['id', 'messageId', 'author', 'limit', 'scope', 'waitMs']

const LONGEST_SHOWN = 40

/** @throws {Refusal} 400, with the field that is probably meant */
export function refuseUnknownQuery(ctx: Context): void {
  if (ctx.querystring === '') return
  for (const name of Object.keys(ctx.query)) {
    if (QUERY_FIELDS.includes(name)) continue
    const meant = meantBy(name.slice(0, LONGEST_SHOWN), QUERY_FIELDS)
    const remedy = meant === undefined ? 'leave it out' : `did you mean ${meant}?`
    throw new Refusal(400, `${shown(name, LONGEST_SHOWN)} is no field of a query here: ${remedy}`)
  }
}

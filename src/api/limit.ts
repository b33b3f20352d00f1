/** `?limit=`: the greatest length of a list. */
import type { Context } from 'koa'
import { shown } from '../http/shown.js'
import { parsed, wholeInQuery } from './parsed.js'
import { queryOf } from './request-body.js'

const DEFAULT_LIMIT = 100
const MOST = 1000

export const limitShape = wholeInQuery(1, MOST).default(DEFAULT_LIMIT)

/** @throws {Refusal} 400 unless it is a whole number from 1 to 1000 */
export function limitOf(ctx: Context): number {
  const text = queryOf(ctx, 'limit')
  const why = `limit=${shown(text ?? '', 20)} is not a whole number from 1 to ${MOST}: correct it, or leave it out`
  return parsed(limitShape, text, why)
}

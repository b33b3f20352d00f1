/** `?limit=`: the greatest length of a list. */
import type { Context } from 'koa'
import { Refusal } from '../http/refusal.js'
import { shown } from '../http/shown.js'
import { queryOf } from './request-body.js'

const DEFAULT_LIMIT = 100
const MOST = 1000

/** @throws {Refusal} 400 unless it is a whole number from 1 to 1000 */
export function limitOf(ctx: Context): number {
  const text = queryOf(ctx, 'limit')
  if (text === undefined) return DEFAULT_LIMIT
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > MOST)
    throw new Refusal(
      400,
      `limit=${shown(text, 20)} is not a whole number from 1 to ${MOST}: correct it, or leave it out`,
    )
  return limit
}

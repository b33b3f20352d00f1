/** `?limit=`: how many of a list are asked for. */
import type { Context } from 'koa'
import { Refusal } from '../http/refusal.js'
import { queryOf } from './request-body.js'

const DEFAULT_LIMIT = 100
const MOST = 1000

/** @throws {Refusal} where it is not a whole number from 1 to 1000 */
export function limitOf(ctx: Context): number {
  const text = queryOf(ctx, 'limit')
  if (text === undefined) return DEFAULT_LIMIT
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > MOST)
    throw new Refusal(400, `limit=${JSON.stringify(text.slice(0, 20))} must be a whole number from 1 to ${MOST}`)
  return limit
}

/** Calls to several partitions as one. */
import { allOrFirstError } from '../../all-or-first-error.js'
import type { RedisStore } from '../redis/store.js'
import type { ClaimRequest, ClaimResult, HistoryEntry } from '../store.js'

/** Calls all of them. Resolves to the replies; rejects, when all have ended, if one of them does. */
export const inAll = <Item, Reply>(items: Item[], call: (item: Item) => Promise<Reply>): Promise<Reply[]> =>
  allOrFirstError(items.map(call))

/** Calls all of them. Resolves to the replies of those that reply; rejects if none does. */
export async function fromAll<Item, Reply>(items: Item[], call: (item: Item) => Promise<Reply>): Promise<Reply[]> {
  const results = await Promise.allSettled(items.map(call))
  const replies = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = results.find(result => result.status === 'rejected')
  if (failed && replies.length === 0) throw failed.reason
  return replies
}

export const sumOf = (numbers: number[]): number => numbers.reduce((sum, number) => sum + number, 0)

/** The newest `limit` of several histories, each newest first. */
export function newestFirst(histories: HistoryEntry[][], limit: number): HistoryEntry[] {
  if (histories.length === 1) return histories[0] ?? []
  return histories
    .flat()
    .sort((a, b) => b.atMs - a.atMs)
    .slice(0, limit)
}

/**
 * Claims in one partition after the other, until the request is full: the order of due times holds within each. A
 * partition that is away is left out.
 */
export async function claimEach(stores: RedisStore[], request: ClaimRequest): Promise<ClaimResult> {
  const [only] = stores
  if (only && stores.length === 1) return only.claim(request)
  const sum: ClaimResult = { batches: [], checks: [], dead: [], troubles: [] }
  let failure: unknown
  let replies = 0
  let bytes = 0
  for (const store of stores) {
    const maxBatches = request.maxBatches - sum.batches.length
    const maxBytes = request.maxBytes - bytes
    if (maxBatches <= 0 || maxBytes <= 0) {
      sum.nextInMs = 0
      break
    }
    try {
      const { result, bytes: taken } = await store.claimCounted({ ...request, maxBatches, maxBytes })
      const { batches, checks, dead, troubles, nextInMs } = result
      replies += 1
      bytes += taken
      sum.batches.push(...batches)
      sum.checks.push(...checks)
      sum.dead.push(...dead)
      sum.troubles.push(...troubles)
      if (nextInMs !== undefined) sum.nextInMs = Math.min(sum.nextInMs ?? nextInMs, nextInMs)
    } catch (error) {
      failure = error
    }
  }
  if (replies === 0 && failure !== undefined) throw failure
  return sum
}

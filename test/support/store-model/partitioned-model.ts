/**
 * What a `PartitionedStore` is compared with: a `MemoryStore` for each partition, and one for what the whole store has
 * once. It routes and merges by itself, and shares two functions with the store: where a conversation is and where a
 * batch is.
 */

import { partitionOf } from '../../../src/store/batch-id.js'
import { MemoryStore, type MemoryStoreOptions } from '../../../src/store/memory/store.js'
import { partitionOfConversation } from '../../../src/store/partitioned/layout.js'
import type { ClaimRequest, ClaimResult, Store } from '../../../src/store/store.js'

interface Options extends Omit<MemoryStoreOptions, 'newBatchId'> {
  partitions: number
  newBatchId: (partition: number) => string
}

export function partitionedModel({ partitions, newBatchId, ...options }: Options) {
  const parts = Array.from(
    { length: partitions },
    (_, partition) => new MemoryStore({ ...options, newBatchId: () => newBatchId(partition) }),
  )
  const at = (partition: number) => {
    const part = parts[partition]
    if (!part) throw new RangeError(`there is no partition ${partition}`)
    return part
  }
  const of = (conversationId: string) => at(partitionOfConversation(conversationId, partitions))
  const ofBatch = (batchId: string) => at(partitionOf(batchId))

  /** Calls each partition that has some of `items`, in the order in which they name it. */
  async function split<Item, Reply>(
    items: Item[],
    batchIdOf: (item: Item) => string,
    call: (part: MemoryStore, its: Item[]) => Promise<Reply>,
  ): Promise<Reply[]> {
    const named = new Set(items.map(item => ofBatch(batchIdOf(item))))
    return each([...named], part =>
      call(
        part,
        items.filter(item => ofBatch(batchIdOf(item)) === part),
      ),
    )
  }

  const routed = {
    partitions,
    append: (request: Parameters<Store['append']>[0]) => {
      // All partitions of one process have the same rules in use.
      if (request.rules) for (const part of parts) part.rulesInUse.add(request.rules)
      return of(request.conversationId).append(request)
    },
    extend: (id, ...how) => of(id).extend(id, ...how),
    hold: (id, ...how) => of(id).hold(id, ...how),
    release: (id, key) => of(id).release(id, key),
    pause: (id, request) => of(id).pause(id, request),
    pauseByMessage: (id, ...how) => of(id).pauseByMessage(id, ...how),
    sent: (id, messageIds) => of(id).sent(id, messageIds),
    wasSent: (id, messageId) => of(id).wasSent(id, messageId),
    resume: id => of(id).resume(id),
    flush: id => of(id).flush(id),
    drop: id => of(id).drop(id),
    edit: request => of(request.conversationId).edit(request),
    revoke: (id, ...what) => of(id).revoke(id, ...what),
    forget: id => of(id).forget(id),
    merge: (from, into) => of(from).merge(from, into),
    conversation: id => of(id).conversation(id),

    claim: request =>
      request.partition === undefined ? claimAll(parts, request) : at(request.partition).claim(request),
    nack: request => ofBatch(request.batchId).nack(request),
    workerStarted: (batchId, workerAttempt) => ofBatch(batchId).workerStarted(batchId, workerAttempt),
    answered: (batchId, ...how) => ofBatch(batchId).answered(batchId, ...how),
    commit: batchId => ofBatch(batchId).commit(batchId),
    redrive: (first, ...others) => ofBatch(first).redrive(first, ...others),
    renew: async leases =>
      (
        await split(
          leases,
          ({ batchId }) => batchId,
          (part, its) => part.renew(its),
        )
      ).flat(),
    ack: async batchIds => void (await split(batchIds, itself, (part, its) => part.ack(its))),
    discardDead: async batchIds => sum(await split(batchIds, itself, (part, its) => part.discardDead(its))),
    giveBack: async (owner, keep) => (await each(parts, part => part.giveBack(owner, keep))).flat(),
    checkNow: async batchIds => void (await split(batchIds, itself, (part, its) => part.checkNow(its))),
    checkAllNow: async partition => {
      await each(partition === undefined ? parts : parts.slice(partition, partition + 1), part => part.checkAllNow())
    },

    conversations: async limit => {
      const all = (await each(parts, part => part.conversations(limit))).flat()
      const open = all.filter(({ state }) => state === 'open').sort((a, b) => Number(a.dueInMs) - Number(b.dueInMs))
      return [...open, ...all.filter(({ state }) => state !== 'open')].slice(0, limit)
    },
    dead: async limit =>
      (await each(parts, part => part.dead(limit)))
        .flat()
        .sort((a, b) => b.diedAtMs - a.diedAtMs)
        .slice(0, limit),
    paused: async limit =>
      (await each(parts, part => part.paused(limit)))
        .flat()
        .sort((a, b) => a.untilMs - b.untilMs)
        .slice(0, limit),
    totals: async () => {
      const all = await each(parts, part => part.totals())
      return {
        open: sum(all.map(({ open }) => open)),
        held: sum(all.map(({ held }) => held)),
        dead: sum(all.map(({ dead }) => dead)),
        oldestDueAgeMs: Math.max(...all.map(({ oldestDueAgeMs }) => oldestDueAgeMs)),
      }
    },
    history: async ({ conversationId, limit }) => {
      if (conversationId !== undefined) return of(conversationId).history({ conversationId, limit })
      return (await each(parts, part => part.history({ limit }))).flat().slice(0, limit)
    },
    listen: async listener => {
      const stops = await each(parts, part =>
        part.listen(event => listener(event.kind === 'expired' ? event : { ...event, partition: parts.indexOf(part) })),
      )
      return async () => void (await each(stops, stop => stop()))
    },
    close: async () => void (await each(parts, part => part.close())),
  } satisfies Partial<Store>
  return { parts, store: Object.assign(new MemoryStore(options), routed) }
}

/** One partition after the other, until there are enough batches. It does not count bytes. */
async function claimAll(parts: MemoryStore[], request: ClaimRequest): Promise<ClaimResult> {
  const all: ClaimResult = { batches: [], checks: [], dead: [], troubles: [] }
  const waits: number[] = []
  for (const part of parts) {
    const maxBatches = request.maxBatches - all.batches.length
    if (maxBatches === 0) return { ...all, nextInMs: 0 }
    const { nextInMs, ...claimed } = await part.claim({ ...request, maxBatches })
    all.batches.push(...claimed.batches)
    all.checks.push(...claimed.checks)
    all.dead.push(...claimed.dead)
    if (nextInMs !== undefined) waits.push(nextInMs)
  }
  return waits.length === 0 ? all : { ...all, nextInMs: Math.min(...waits) }
}

const itself = (batchId: string) => batchId

const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0)

async function each<Item, Reply>(items: Item[], call: (item: Item) => Promise<Reply>): Promise<Reply[]> {
  return Promise.all(items.map(call))
}

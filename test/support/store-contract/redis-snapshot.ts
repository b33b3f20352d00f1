/** Where everything is in Redis, read key by key, past the store and its scripts. */
import { expect } from 'chai'
import type { Redis } from 'ioredis'
import type { Keys } from '../../../src/store/keys.js'
import type { Snapshot } from '../../../src/store/memory/reads.js'

export async function redisSnapshot(redis: Redis, keys: Keys, conversationIds: string[]): Promise<Snapshot> {
  const conversations = await Promise.all(conversationIds.map(id => conversation(redis, keys, id)))
  const known = new Set(conversationIds)
  expect((await redis.zrange(keys.due, '0', '-1')).filter(id => !known.has(id))).to.deep.equal([], 'due and unknown')
  return {
    conversations,
    claimed: await Promise.all((await redis.zrange(keys.claimed, '0', '-1')).map(id => claimed(redis, keys, id))),
    answering: await Promise.all((await redis.zrange(keys.answering, '0', '-1')).map(id => answering(redis, keys, id))),
    dead: Object.entries(await redis.hgetall(keys.dead)).map(([batchId, json]) => counted(batchId, JSON.parse(json))),
  }
}

async function conversation(redis: Redis, keys: Keys, conversationId: string) {
  const [entries, header, due, heldBy, quiet] = await Promise.all([
    redis.lrange(keys.messages(conversationId), 0, -1),
    redis.hgetall(keys.header(conversationId)),
    redis.zscore(keys.due, conversationId),
    redis.get(keys.hold(conversationId)),
    redis.exists(keys.quiet(conversationId)),
  ])
  const { batchId, count, bytes } = header
  if (batchId) {
    expect(await redis.pttl(keys.header(conversationId)), 'an open batch has a TTL').not.to.equal(-1)
    const sizes = entries
      .filter(entry => entry.startsWith(`${batchId} `))
      .map(entry => Buffer.byteLength(jsonOf(entry)))
    expect(Number(bytes), 'the header’s bytes').to.equal(sizes.reduce((sum, size) => sum + size, 0))
  }
  if (quiet) expect(due, 'a shadow key stands for a due entry').not.to.equal(null)
  return {
    conversationId,
    waiting: entries.map(entry => entry.slice(0, entry.indexOf(' '))),
    ...(batchId ? { header: { batchId, count: Number(count), bytes: Number(bytes) } } : {}),
    ...(due === null ? {} : { dueAtMs: Number(due) }),
    ...(heldBy === null ? {} : { heldBy }),
  }
}

/** `<batchId> <time> <json>` */
const jsonOf = (entry: string) => entry.slice(entry.indexOf(' ', entry.indexOf(' ') + 1) + 1)

async function claimed(redis: Redis, keys: Keys, batchId: string) {
  const batch = await redis.hgetall(keys.claimedBatch(batchId))
  expect(batch, `${batchId} is claimed`).to.include.keys('conversationId', 'messages')
  return counted(batchId, batch)
}

async function answering(redis: Redis, keys: Keys, batchId: string) {
  const conversationId = await redis.hget(keys.handedOver(batchId), 'conversationId')
  if (conversationId === null) throw new Error(`${batchId} is being answered, and there is nothing about it`)
  expect(await redis.exists(keys.claimedBatch(batchId)), `${batchId} is claimed and handed over`).to.equal(0)
  return { batchId, conversationId }
}

function counted(batchId: string, batch: Record<string, string>) {
  const { conversationId = '', messages = '', count } = batch
  expect(messages.split('\n'), `${batchId}'s messages`).to.have.lengthOf(Number(count))
  return { batchId, conversationId, count: Number(count) }
}

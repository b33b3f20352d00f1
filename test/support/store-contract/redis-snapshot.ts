/** All batches and messages in Redis, read key by key, without the store and its scripts. */
import { expect } from 'chai'
import type { Redis } from 'ioredis'
import type { Snapshot } from '../../../src/store/memory/conversations.js'
import type { Keys } from '../../../src/store/redis/keys.js'

export async function redisSnapshot(redis: Redis, keys: Keys, conversationIds: string[]): Promise<Snapshot> {
  const conversations = await Promise.all(conversationIds.map(id => conversation(redis, keys, id)))
  const known = new Set(conversationIds)
  expect((await redis.zrange(keys.due, '0', '-1')).filter(id => !known.has(id))).to.deep.equal([], 'due and unknown')
  return {
    conversations,
    claimed: await Promise.all((await timed(redis, keys.claimed)).map(batch => claimed(redis, keys, batch))),
    answering: await Promise.all((await timed(redis, keys.answering)).map(batch => answering(redis, keys, batch))),
    dead: Object.entries(await redis.hgetall(keys.dead)).map(([batchId, json]) => counted(batchId, JSON.parse(json))),
  }
}

async function conversation(redis: Redis, keys: Keys, conversationId: string) {
  const [entries, header, due, heldBy, quiet, expiresAtMs] = await Promise.all([
    redis.lrange(keys.messages(conversationId), 0, -1),
    redis.hgetall(keys.header(conversationId)),
    redis.zscore(keys.due, conversationId),
    redis.get(keys.hold(conversationId)),
    redis.exists(keys.quiet(conversationId)),
    redis.pexpiretime(keys.header(conversationId)),
  ])
  const { batchId, count, bytes } = header
  if (batchId) {
    expect(expiresAtMs, 'an open batch has a TTL').not.to.equal(-1)
    const sizes = entries
      .filter(entry => entry.startsWith(`${batchId} `))
      .map(entry => Buffer.byteLength(jsonOf(entry)))
    expect(Number(bytes), 'the header’s bytes').to.equal(sizes.reduce((sum, size) => sum + size, 0))
  }
  if (quiet) expect(due, 'a shadow key stands for a due entry').not.to.equal(null)
  return {
    conversationId,
    waiting: entries.map(entry => entry.slice(0, entry.indexOf(' '))),
    ...(batchId ? { header: { batchId, count: Number(count), bytes: Number(bytes), expiresAtMs } } : {}),
    // A half says that something holds it back (schedule.lua).
    ...(due === null ? {} : { dueAtMs: Math.ceil(Number(due)) }),
    ...(heldBy === null ? {} : { heldBy }),
  }
}

/** `<batchId> <time> <json>` */
const jsonOf = (entry: string) => entry.slice(entry.indexOf(' ', entry.indexOf(' ') + 1) + 1)

/** Members of a sorted set of deadlines. */
async function timed(redis: Redis, key: string): Promise<Timed[]> {
  const flat = (await redis.zrange(key, '0', '-1', 'WITHSCORES')).flat()
  return Array.from({ length: flat.length / 2 }, (_, i) => ({
    batchId: String(flat[2 * i]),
    untilMs: Number(flat[2 * i + 1]),
  }))
}

interface Timed {
  batchId: string
  untilMs: number
}

async function claimed(redis: Redis, keys: Keys, { batchId, untilMs }: Timed) {
  const batch = await redis.hgetall(keys.claimedBatch(batchId))
  expect(batch, `${batchId} is claimed`).to.include.keys('conversationId', 'messages')
  return { ...counted(batchId, batch), untilMs }
}

async function answering(redis: Redis, keys: Keys, { batchId, untilMs }: Timed) {
  const { conversationId, messages, ...batch } = await redis.hgetall(keys.handedOver(batchId))
  if (conversationId === undefined) throw new Error(`${batchId} is being answered, and there is nothing about it`)
  expect(await redis.exists(keys.claimedBatch(batchId)), `${batchId} is claimed and handed over`).to.equal(0)
  const { count } = messages === undefined ? {} : counted(batchId, { ...batch, conversationId, messages })
  return { batchId, conversationId, untilMs, ...(count === undefined ? {} : { count }) }
}

function counted(batchId: string, batch: Record<string, string>) {
  const { conversationId = '', messages = '', count } = batch
  expect(messages.split('\n'), `${batchId}'s messages`).to.have.lengthOf(Number(count))
  return { batchId, conversationId, count: Number(count) }
}

/** Reads the history stream and the hash of dead batches. Both may be long, so they are read in pages. */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { composeBatch } from '../../batch.js'
import type { DeadBatch, HistoryEntry } from '../store.js'
import { runFrom } from './entries.js'

export const HISTORY_PAGE = 1000

/** The newest `limit` entries, of these conversations or of all. */
export async function historyFrom(
  client: Redis,
  key: string,
  page: number,
  limit: number,
  conversationIds?: string[],
): Promise<HistoryEntry[]> {
  const found: HistoryEntry[] = []
  let before = '+'
  while (found.length < limit) {
    const entries = await client.xrevrange(key, before, '-', 'COUNT', page)
    for (const [id, fields] of entries) {
      const entry = historyEntry(id, fields)
      if (found.length < limit && (conversationIds === undefined || conversationIds.includes(entry.conversationId)))
        found.push(entry)
    }
    const last = entries.at(-1)
    if (!last || entries.length < page) break
    before = `(${last[0]}`
  }
  return found
}

/** An entry of the stream. */
export function historyEntry(id: string, fields: string[]): HistoryEntry {
  const all: Record<string, string> = {}
  for (let i = 0; i + 1 < fields.length; i += 2) all[fields[i] ?? ''] = fields[i + 1] ?? ''
  const { step = '', conversationId = '', batchId = '', ...detail } = all
  return { id, atMs: Number.parseInt(id, 10), step, conversationId, batchId, detail }
}

const word = z.union([z.string(), z.number()]).transform(String)
const deadHash = z.object({
  conversationId: z.string(),
  attempt: z.coerce.number(),
  error: z.string().default(''),
  diedAtMs: z.coerce.number(),
  firstAtMs: word,
  lastAtMs: word,
  dueAtMs: word,
  releasedAtMs: word,
  releasedBy: z.string(),
  messages: z.string(),
  supersedes: z.string().default(''),
  rules: z.string().default(''),
})

/** Dead batches that one read returns, with their messages. */
const DEAD_PAGE = 100

/** At most `limit` dead batches, the last to die first. If there are more, they are not the last ones of all. */
export async function deadFrom(client: Redis, key: string, limit: number): Promise<DeadBatch[]> {
  const found: DeadBatch[] = []
  let cursor = '0'
  do {
    const [next, flat] = await client.hscan(key, cursor, 'COUNT', Math.min(limit, DEAD_PAGE))
    for (let i = 0; i + 1 < flat.length; i += 2) found.push(deadBatch(flat[i] ?? '', flat[i + 1] ?? ''))
    cursor = next
  } while (cursor !== '0' && found.length < limit)
  return found.sort((a, b) => b.diedAtMs - a.diedAtMs).slice(0, limit)
}

function deadBatch(batchId: string, json: string): DeadBatch {
  const dead = deadHash.parse(JSON.parse(json))
  const { conversationId, firstAtMs, lastAtMs, dueAtMs, releasedAtMs, releasedBy, messages } = dead
  const run = runFrom([
    batchId,
    conversationId,
    dead.attempt,
    0,
    firstAtMs,
    lastAtMs,
    dueAtMs,
    releasedAtMs,
    releasedBy,
    0,
    '',
    messages,
    dead.supersedes,
    releasedAtMs,
    dead.rules,
  ])
  return {
    batchId,
    conversationId,
    attempts: dead.attempt,
    error: dead.error,
    diedAtMs: dead.diedAtMs,
    batch: composeBatch(run),
  }
}

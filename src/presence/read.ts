/**
 * Reads presences: of this prefix through its store's `processes`, of another prefix or another server through a
 * client.
 */
import type { Redis } from 'ioredis'
import { Keys } from '../store/redis/keys.js'
import { parseJson } from '../store/redis/parse-json.js'
import { type Presence, presenceSchema } from './presence.js'

/** Presences by process name. Those that this version cannot read are skipped: another version wrote them. */
export function presencesFrom(texts: Record<string, string>): Map<string, Presence> {
  const presences = new Map<string, Presence>()
  for (const [name, text] of Object.entries(texts)) {
    const parsed = presenceSchema.safeParse(parseJson(text))
    if (parsed.success) presences.set(name, parsed.data)
  }
  return presences
}

/** The presences that processes with this prefix have published on the client's database. */
export const presencesOn = async (client: Redis, prefix: string): Promise<Map<string, Presence>> =>
  presencesFrom(await client.hgetall(new Keys(prefix).processes))

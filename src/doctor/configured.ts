import type { Redis } from 'ioredis'

/** A setting of Redis; `undefined` if CONFIG is refused. */
export async function configured(client: Redis, name: string): Promise<string | undefined> {
  const reply: unknown = await client.config('GET', name).catch(() => undefined)
  return Array.isArray(reply) && typeof reply[1] === 'string' ? reply[1] : undefined
}

/**
 * How open batches grow, which the history does not tell: `batch-updated` as it comes, on a connection of its own.
 */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { Logger } from '../../logger.js'
import { connect, createClient, disconnect, type RedisSource } from './connection.js'
import { parseJson } from './parse-json.js'

const HEARTBEAT_MS = 30_000

const grown = z.object({
  conversationId: z.string(),
  batchId: z.string(),
  count: z.number(),
  dueInMs: z.number(),
  db: z.number(),
  /** Where the batch was there before: how many messages have come to it, and when, by Redis's clock. */
  added: z.number().optional(),
  atMs: z.number().optional(),
})

export type Growth = z.infer<typeof grown>

export interface GrowthListener {
  grew(growth: Growth): void
  /** Something may have been missed: what is shown of open batches may be wrong. */
  missed(): void
}

/** Calls the listener until the returned function is called. */
export type FollowGrowth = (listener: GrowthListener) => Promise<() => Promise<void>>

export interface GrowthSource {
  redis: RedisSource
  /** The channel, by its name. */
  channel: string
  /** Pub/sub knows no databases: what another one's batches do is not told. */
  db: number
  connectionName: string
  log: Logger
}

/** The returned function rejects where Redis can not be reached, or refuses the subscription. */
export const growthOn =
  ({ redis, channel, db, connectionName, log }: GrowthSource): FollowGrowth =>
  async listener => {
    const client = createClient(redis, connectionName)
    // Resubscribed to by hand, so as to know when it stands.
    Object.assign(client.options, { autoResubscribe: false })
    // The outage of the server is the store's to report.
    client.on('error', () => {})
    client.on('message', (_channel: string, text: string) => hear(text, db, listener))
    let isDeaf = false
    try {
      await connect(client)
      await client.subscribe(channel)
    } catch (error) {
      await disconnect(client)
      throw error
    }
    client.on('ready', () => {
      client.subscribe(channel).then(
        () => listener.missed(),
        error => {
          log.debug({ err: error }, 'how batches grow can not be followed now; trying again')
          isDeaf = true
        },
      )
    })
    const heartbeat = setInterval(() => {
      // A refused subscription is asked for again, on a new connection.
      if (isDeaf) client.disconnect(true)
      else void ping(client)
      isDeaf = false
    }, HEARTBEAT_MS)
    return async () => {
      clearInterval(heartbeat)
      await disconnect(client)
    }
  }

function hear(text: string, db: number, listener: GrowthListener): void {
  const parsed = grown.safeParse(parseJson(text))
  if (parsed.success && parsed.data.db === db) listener.grew(parsed.data)
}

/** A connection that hangs looks like a quiet system: a new one is what helps. */
async function ping(client: Redis): Promise<void> {
  if (client.status !== 'ready') return
  try {
    await client.ping()
  } catch {
    client.disconnect(true)
  }
}

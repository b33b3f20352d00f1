/**
 * What happens, as it happens. The history as it is written: a blocking read of the stream on a connection of its own, so
 * that a quiet system costs one command a block. It goes on from the last entry it has seen: what an outage hid follows
 * when it is over. And the growth of open batches, which the history has no steps of: `batch-updated` tells it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { type Logger, silent } from '../logger.js'
import { parseJson } from './parse-json.js'
import { disconnect } from './redis-connection.js'
import { historyEntry } from './redis-reads.js'
import type { HistoryEntry } from './store.js'

const BLOCK_MS = 25_000
const ENTRIES_A_READ = 500
const TRY_AGAIN_MS = 500

/** For the client: a read may be silent for as long as it blocks, and an outage fails it at once. */
export const FOLLOWING_OPTIONS = { commandTimeout: undefined, socketTimeout: BLOCK_MS * 2 } as const

export class HistoryFollower {
  private stopped = false
  private lastId = '0-0'

  constructor(
    private readonly client: Redis,
    private readonly key: string,
    private readonly listener: (entry: HistoryEntry) => void,
    private readonly log: Logger = silent,
  ) {
    // The outage of the server is the store's to report.
    client.on('error', () => {})
  }

  /** Resolves when every step from now on will be heard of. */
  async start(): Promise<void> {
    const [last] = await this.client.xrevrange(this.key, '+', '-', 'COUNT', 1)
    if (last) this.lastId = last[0]
    void this.read()
  }

  async stop(): Promise<void> {
    this.stopped = true
    // A polite QUIT would wait for the block to end.
    if (this.client.status === 'ready') this.client.disconnect()
    else await disconnect(this.client)
  }

  private async read(): Promise<void> {
    while (!this.stopped) {
      try {
        for (const [id, fields] of await this.next()) {
          if (this.stopped) return
          this.lastId = id
          this.listener(historyEntry(id, fields))
        }
      } catch (error) {
        if (this.stopped) return
        this.log.debug({ err: error }, 'the history could not be read; trying again')
        await delay(TRY_AGAIN_MS)
      }
    }
  }

  private async next(): Promise<[id: string, fields: string[]][]> {
    const read = await this.client.xread('COUNT', ENTRIES_A_READ, 'BLOCK', BLOCK_MS, 'STREAMS', this.key, this.lastId)
    return read?.[0]?.[1] ?? []
  }
}

const grown = z.object({
  conversationId: z.string(),
  batchId: z.string(),
  count: z.number(),
  added: z.number(),
  atMs: z.number(),
})

export class GrowthFollower {
  constructor(
    private readonly client: Redis,
    private readonly channel: string,
    private readonly listener: (entry: HistoryEntry) => void,
  ) {
    client.on('error', () => {})
    client.on('message', (_: string, message: string) => this.hear(message))
  }

  /** What an outage hides is not told of: the next message brings the count up to date. */
  async start(): Promise<void> {
    await this.client.subscribe(this.channel)
  }

  async stop(): Promise<void> {
    await disconnect(this.client)
  }

  private hear(message: string): void {
    const parsed = grown.safeParse(parseJson(message))
    if (!parsed.success) return
    const { conversationId, batchId, count, atMs } = parsed.data
    this.listener({
      id: `${atMs}-0`,
      atMs,
      step: 'appended',
      conversationId,
      batchId,
      detail: { count: String(count) },
    })
  }
}

/**
 * The history as it is written: a blocking read of the stream on a connection of its own, so that a quiet system costs
 * one command a block. It goes on from the last entry it has seen: what an outage hid follows when it is over.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { type Logger, silent } from '../../logger.js'
import type { HistoryEntry } from '../store.js'
import { disconnect } from './connection.js'
import { historyEntry } from './reads.js'

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

/**
 * Reads a stream as it is written, with blocking reads on a connection of its own: a quiet stream costs one command
 * every `blockMs`. It starts after the last entry. After an outage it goes on after the last entry that it has read.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'

export interface StreamFollowerOptions {
  key: string
  blockMs: number
  entriesARead: number
  /** Between two reads: entries that are written meanwhile are read together. 0 by default. */
  pauseMs?: number
  /** After a read that failed. */
  retryMs: number
  onEntry(id: string, fields: string[]): void
  onError(error: unknown): void
}

export class StreamFollower {
  private lastId = '0-0'
  private readonly stopping = new AbortController()

  /** @param client serves nothing else: a blocking read occupies it */
  constructor(
    private readonly client: Redis,
    private readonly options: StreamFollowerOptions,
  ) {}

  /** Resolves when every entry from now on will be read. */
  async start(): Promise<void> {
    // Not `$`: entries that are written between two reads would be missed.
    const [last] = await this.client.xrevrange(this.options.key, '+', '-', 'COUNT', 1)
    if (last) this.lastId = last[0]
    void this.read()
  }

  /** Reads no more entries. The caller then closes the connection, which ends a blocking read. */
  stop(): void {
    this.stopping.abort()
  }

  private async read(): Promise<void> {
    const { signal } = this.stopping
    const { onEntry, onError, pauseMs = 0, retryMs } = this.options
    while (!signal.aborted) {
      let waitMs = pauseMs
      try {
        for (const [id, fields] of await this.next()) {
          if (signal.aborted) return
          this.lastId = id
          onEntry(id, fields)
        }
      } catch (error) {
        if (signal.aborted) return
        onError(error)
        waitMs = retryMs
      }
      if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => {})
    }
  }

  private async next(): Promise<[id: string, fields: string[]][]> {
    const { key, entriesARead, blockMs } = this.options
    const read = await this.client.xread('COUNT', entriesARead, 'BLOCK', blockMs, 'STREAMS', key, this.lastId)
    return read?.[0]?.[1] ?? []
  }
}

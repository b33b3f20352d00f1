/**
 * A stream as it is written: a blocking read on a connection of its own, so that a quiet stream costs one command a block. It
 * starts behind the last entry, and after an outage goes on behind the last entry it has read.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'

export interface StreamFollowerOptions {
  key: string
  blockMs: number
  entriesARead: number
  /** Between two reads; entries that are written meanwhile are read together. 0: none. */
  pauseMs?: number
  /** After a read that failed. */
  retryMs: number
  onEntry(id: string, fields: string[]): void
  onError(error: unknown): void
}

export class StreamFollower {
  private lastId = '0-0'
  private readonly stopping = new AbortController()

  /** @param client for this alone: it waits on the server */
  constructor(
    private readonly client: Redis,
    private readonly options: StreamFollowerOptions,
  ) {}

  /** Resolves when no entry from now on will be missed. */
  async start(): Promise<void> {
    // Never `$`: what is written between two reads of it would be missed.
    const [last] = await this.client.xrevrange(this.options.key, '+', '-', 'COUNT', 1)
    if (last) this.lastId = last[0]
    void this.read()
  }

  /** Reads nothing more. The caller ends the connection, and with it a read that blocks. */
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

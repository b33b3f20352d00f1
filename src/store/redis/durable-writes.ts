/**
 * Writes that count only when enough replicas have them: `LULL_WAIT_REPLICAS`. They go in rounds on a connection of
 * their own, since WAIT holds up whatever is behind it on its connection: what waits, then one WAIT for all of it.
 *
 * A round whose WAIT falls short fails each of its writes. Nothing is undone: the sender repeats an append, and what
 * was written are duplicates then.
 */
import type { Redis } from 'ioredis'
import { StoreUnavailable } from '../store.js'
import { disconnect } from './connection.js'

const WRITES_A_ROUND = 100
/** How long the replicas have. Replication takes a round trip; a replica that is further behind does not catch up soon. */
const WAIT_MS = 100

interface Waiting {
  run: () => Promise<() => void>
  reject: (error: unknown) => void
}

export class DurableWrites {
  private readonly waiting: Waiting[] = []
  private isRunning = false

  /** @param client serves nothing else @param address the server, as errors name it */
  constructor(
    readonly client: Redis,
    private readonly replicas: number,
    private readonly address: string,
  ) {
    // The connection for commands reports the server's outage.
    client.on('error', () => {})
  }

  /**
   * @param write must write something, if only an expiry: WAIT counts from the connection's last write
   * @throws {StoreUnavailable} (`replicas`) if too few replicas have it
   */
  run<Reply>(write: (client: Redis) => Promise<Reply>): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const run = async () => {
        const reply = await write(this.client)
        return () => resolve(reply)
      }
      this.waiting.push({ run, reject })
      if (!this.isRunning) void this.rounds()
    })
  }

  close(): Promise<void> {
    return disconnect(this.client)
  }

  private async rounds(): Promise<void> {
    this.isRunning = true
    while (this.waiting.length > 0) await this.round(this.waiting.splice(0, WRITES_A_ROUND))
    this.isRunning = false
  }

  private async round(writes: Waiting[]): Promise<void> {
    const written: { resolve: () => void; reject: (error: unknown) => void }[] = []
    await Promise.all(
      writes.map(async ({ run, reject }) => {
        try {
          written.push({ resolve: await run(), reject })
        } catch (error) {
          reject(error)
        }
      }),
    )
    if (written.length === 0) return
    try {
      const reached = await this.client.wait(this.replicas, WAIT_MS)
      if (reached < this.replicas) throw this.short(reached)
      for (const { resolve } of written) resolve()
    } catch (error) {
      for (const { reject } of written) reject(error)
    }
  }

  private short(reached: number): StoreUnavailable {
    return new StoreUnavailable(
      'replicas',
      `Redis at ${this.address} has its writes on ${reached} replicas after ${WAIT_MS} ms, and waitReplicas=${this.replicas}: ` +
        'bring a replica back, or lower LULL_WAIT_REPLICAS',
    )
  }
}

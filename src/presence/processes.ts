/**
 * The presences of all processes of a prefix, in one Redis hash: process name → JSON. A process writes its own when it
 * starts, when it changes and after each reconnection (Redis may have come back empty), and removes it when it stops. A
 * killed process leaves its own behind: `CLIENT LIST` says which processes are connected, and a process that starts
 * removes old ones.
 */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { type Logger, silent } from '../logger.js'
import { clientsOf } from '../store/redis/clients.js'
import type { ProcessRegistry } from '../store/store.js'

const HOUR_MS = 3_600_000
/** The presence of a process that is not connected is removed this long after its start. */
const KEPT_MS = HOUR_MS
/** The same, if Redis refuses `CLIENT LIST`: nobody knows whether the process is connected. */
const KEPT_UNSEEN_MS = 30 * 24 * HOUR_MS

const dated = z.object({ startedAtMs: z.number() })

export class RedisProcesses implements ProcessRegistry {
  private text: string | undefined

  constructor(
    private readonly server: { readonly client: Redis; whenReady(listener: () => void): void },
    private readonly key: string,
    private readonly name: string,
    private readonly log: Logger = silent,
  ) {
    server.whenReady(() => void this.write())
  }

  async put(text: string): Promise<void> {
    const isFirst = this.text === undefined
    this.text = text
    await this.write()
    if (isFirst) await this.tidy()
  }

  async remove(): Promise<void> {
    this.text = undefined
    try {
      await this.server.client.hdel(this.key, this.name)
    } catch (error) {
      this.log.debug({ err: error }, 'this process’s presence could not be removed')
    }
  }

  async all(): Promise<Record<string, string>> {
    return this.server.client.hgetall(this.key)
  }

  private async write(): Promise<void> {
    if (this.text === undefined) return
    try {
      const { client } = this.server
      if (client.status === 'ready') await client.hset(this.key, this.name, this.text)
    } catch (error) {
      this.log.debug({ err: error }, 'this process’s presence could not be written')
    }
  }

  /** Removes what killed processes have left. */
  private async tidy(): Promise<void> {
    try {
      const connected = await clientsOf(this.server.client).catch(() => undefined)
      const names = connected && new Set(connected.map(({ name }) => name))
      for (const [name, text] of Object.entries(await this.all())) {
        const parsed = dated.safeParse(JSON.parse(text))
        const ageMs = parsed.success ? Date.now() - parsed.data.startedAtMs : Number.POSITIVE_INFINITY
        const isGone = names ? !names.has(name) && ageMs > KEPT_MS : ageMs > KEPT_UNSEEN_MS
        if (isGone) await this.server.client.hdel(this.key, name)
      }
    } catch (error) {
      this.log.debug({ err: error }, 'presences of killed processes could not be removed')
    }
  }
}

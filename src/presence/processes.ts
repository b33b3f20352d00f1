/**
 * Which processes stand here and with which settings, in one hash: process name → what it says of itself, as JSON. Written
 * at the start, after each reconnection (Redis may have come back empty) and when there is news; removed at a clean stop.
 * Whether a process is still there is not said here: `CLIENT LIST` knows.
 */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { type Logger, silent } from '../logger.js'
import { clientsOf } from '../store/redis/clients.js'
import type { ProcessRegistry } from '../store/store.js'

const HOUR_MS = 3_600_000
/** What a process that was killed has left is removed by a later one: after this, where `CLIENT LIST` lacks it … */
const FORGOTTEN_AFTER_MS = HOUR_MS
/** … and after this where Redis does not tell who is connected. */
const FORGOTTEN_UNSEEN_MS = 30 * 24 * HOUR_MS

const dated = z.object({ startedAtMs: z.number() })

export class RedisProcesses implements ProcessRegistry {
  private text: string | undefined

  constructor(
    private readonly client: Redis,
    private readonly key: string,
    private readonly name: string,
    private readonly log: Logger = silent,
  ) {
    client.on('ready', () => void this.write())
  }

  /** What this process says of itself from now on, as JSON with `startedAtMs` in it. Trouble with it stops nothing. */
  async put(text: string): Promise<void> {
    const isFirst = this.text === undefined
    this.text = text
    await this.write()
    if (isFirst) await this.tidy()
  }

  /** It says goodbye. */
  async remove(): Promise<void> {
    this.text = undefined
    await this.client.hdel(this.key, this.name).catch(error => this.log.debug({ err: error }, 'no goodbye was said'))
  }

  /** By name, as each of them wrote it. */
  all(): Promise<Record<string, string>> {
    return this.client.hgetall(this.key)
  }

  private async write(): Promise<void> {
    if (this.text === undefined || this.client.status !== 'ready') return
    await this.client
      .hset(this.key, this.name, this.text)
      .catch(error => this.log.debug({ err: error }, 'what doctor asks for could not be written'))
  }

  private async tidy(): Promise<void> {
    try {
      const connected = await clientsOf(this.client).catch(() => undefined)
      const names = connected && new Set(connected.map(({ name }) => name))
      for (const [name, text] of Object.entries(await this.all())) {
        const parsed = dated.safeParse(JSON.parse(text))
        const ageMs = parsed.success ? Date.now() - parsed.data.startedAtMs : Number.POSITIVE_INFINITY
        const isGone = names ? !names.has(name) && ageMs > FORGOTTEN_AFTER_MS : ageMs > FORGOTTEN_UNSEEN_MS
        if (isGone) await this.client.hdel(this.key, name)
      }
    } catch (error) {
      this.log.debug({ err: error }, 'what processes that are gone have left was not removed')
    }
  }
}

/**
 * When each job of a BullMQ queue became visible to workers, by Redis's clock: the time in the id of the queue's event
 * `waiting`. The events are read in bulk every 250 ms, which costs little and the same for both systems. The stream keeps
 * about 10,000 events; fewer come in that time.
 */
import { Redis } from 'ioredis'

const READ_EVERY_MS = 250
const EVENTS_A_READ = 10_000

export class Visible {
  private readonly redis: Redis
  private readonly timer: NodeJS.Timeout
  private readonly times = new Map<string, number>()
  private lastId = '0-0'
  private reading: Promise<void> | undefined

  constructor(
    url: string,
    private readonly queue: string,
  ) {
    this.redis = new Redis(url)
    this.timer = setInterval(() => void this.read(), READ_EVERY_MS)
  }

  /** The times of these jobs, in their order; `undefined` if the event was not found. */
  async timesOf(jobIds: string[]): Promise<(number | undefined)[]> {
    await this.reading
    await this.read()
    const times = jobIds.map(jobId => this.times.get(jobId))
    this.times.clear()
    return times
  }

  close(): void {
    clearInterval(this.timer)
    this.redis.disconnect()
  }

  private read(): Promise<void> {
    this.reading ??= this.readOn().finally(() => {
      this.reading = undefined
    })
    return this.reading
  }

  private async readOn(): Promise<void> {
    const events = await this.redis.xrange(`bull:${this.queue}:events`, `(${this.lastId}`, '+', 'COUNT', EVENTS_A_READ)
    for (const [id, fields] of events) {
      this.lastId = id
      const event = fields[fields.indexOf('event') + 1]
      const jobId = fields[fields.indexOf('jobId') + 1]
      if (event === 'waiting' && jobId !== undefined) this.times.set(jobId, Number.parseInt(id, 10))
    }
  }
}

/**
 * The bound that the workers of several queues share: how many batches this process works on at once. A BullMQ worker
 * has a bound of its own only. So it takes a place here before it fetches a job, and gives it back when the job has
 * ended. Places are given in the order in which they were asked for: a queue with a backlog holds up no other one.
 *
 * BullMQ's worker needs care in three ways:
 *
 *   - While it fetches a job, it starts none that it has fetched before. So it fetches no more if that would only wait
 *     for a place.
 *   - It waits for a marker in the queue, which only one of the waiting workers gets. Without a place it would take the
 *     marker from a process that has one. So it waits for a place first, and then looks without the marker. If it gets
 *     the marker when the last place is gone, it puts it back.
 *   - The call that ends a job also fetches the next one, which would keep the place. So that is a call of its own here.
 */
import type { Redis } from 'ioredis'
import type { ShardWorker } from './shard.js'

/** One of the workers. */
interface Member {
  worker: ShardWorker
  /** By the tokens of their locks: jobs that it has fetched and not started. */
  fetched: Set<string>
  hasPlace: boolean
}

export class Places {
  private readonly members: Member[] = []
  private readonly waiting: ((isTaken: boolean) => void)[] = []
  /** Places that are taken by a job. The others that are not free are taken by a worker that looks for one. */
  private jobs = 0
  private free: number
  private closed = false

  constructor(private readonly size: number) {
    this.free = size
  }

  /**
   * Binds a worker that does not run yet, and whose `concurrency` is the size.
   * @param client of the worker's Redis, for calls that do not block
   */
  join(worker: ShardWorker, client: Redis): void {
    const member: Member = { worker, fetched: new Set(), hasPlace: false }
    this.members.push(member)
    const backend = worker.getBackend()
    const waitForJob = backend.waitForJob.bind(backend)
    backend.waitForJob = async blockTimeout => {
      if (this.jobs < this.size) {
        const marker = await waitForJob(blockTimeout)
        if (marker === null || this.jobs < this.size) return marker
        await client.zadd(worker.toKey('marker'), marker.score, marker.member)
      }
      member.hasPlace = await this.take()
      return null
    }
    const moveToActive = backend.moveToActive.bind(backend)
    backend.moveToActive = async (token, name) => {
      if (!member.hasPlace && !(await this.take())) return []
      member.hasPlace = false
      let hasJob = false
      try {
        const next = await moveToActive(token, name)
        hasJob = Boolean(next[0])
        if (hasJob) {
          this.jobs++
          member.fetched.add(token)
        }
        return next
      } finally {
        if (!hasJob) this.give()
        this.boundAll()
      }
    }
    const processJob = worker.processJob.bind(worker)
    worker.processJob = async (job, token) => {
      member.fetched.delete(token)
      this.boundAll()
      try {
        return await processJob(job, token, () => false)
      } finally {
        this.jobs--
        this.give()
        this.boundAll()
      }
    }
  }

  /** No worker gets a place any more. */
  close(): void {
    this.closed = true
    for (const settle of this.waiting.splice(0)) settle(false)
  }

  /** Resolves to false when no place will be given any more. A free one is taken at once. */
  private take(): Promise<boolean> {
    if (this.closed) return Promise.resolve(false)
    if (this.free === 0) return new Promise(resolve => this.waiting.push(resolve))
    this.free--
    this.boundAll()
    return Promise.resolve(true)
  }

  private give(): void {
    const next = this.waiting.shift()
    if (next) next(true)
    else this.free++
  }

  /** A worker with jobs to start fetches no more if there is no place. It looks at its bound before each fetch. */
  private boundAll(): void {
    for (const { worker, fetched } of this.members)
      worker.concurrency = fetched.size > 0 && this.free === 0 ? fetched.size : this.size
  }
}

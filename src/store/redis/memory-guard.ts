/**
 * Refuses messages before Redis's memory is full. In a full Redis BullMQ's scripts fail: no batch reaches the queue and
 * no job can end, so nothing is ever freed. With a share of the memory kept back, claims, the queue and the workers go
 * on and free some.
 */
import { StoreUnavailable } from '../store.js'
import { factsOf } from './server.js'

/**
 * The share of `maxmemory` that messages may fill. The rest is for the queue: a batch is in Redis twice for a moment
 * (claimed, and as a job), finished jobs stay for a day, and several API servers may each add the messages of one
 * sampling interval.
 */
export const MESSAGES_SHARE = 0.9
/** Memory is read no more often than this, and only when there is something to append. */
const SAMPLE_EVERY_MS = 1000

export class MemoryGuard {
  private refusal: StoreUnavailable | undefined
  private sampledAtMs = Number.NEGATIVE_INFINITY
  private sampling: Promise<void> | undefined

  /**
   * @param readInfo reads `INFO memory`
   * @param address the server, as errors name it
   */
  constructor(
    private readonly readInfo: () => Promise<string>,
    private readonly address: string,
  ) {}

  /** Messages may be appended, by a reading that is not too old. */
  get isOpen(): boolean {
    return this.refusal === undefined && performance.now() - this.sampledAtMs < SAMPLE_EVERY_MS
  }

  /**
   * Resolves if messages may be appended.
   * @throws {StoreUnavailable} (`memory`) above the share; and with the error of `readInfo`
   */
  async check(): Promise<void> {
    if (performance.now() - this.sampledAtMs >= SAMPLE_EVERY_MS) {
      // Appends that come meanwhile wait for the same reading, so that they keep their order.
      this.sampling ??= this.sample().finally(() => {
        this.sampling = undefined
      })
      await this.sampling
    }
    if (this.refusal) throw this.refusal
  }

  private async sample(): Promise<void> {
    const facts = factsOf(await this.readInfo())
    this.sampledAtMs = performance.now()
    const numberOf = (name: string) => Number(facts.get(name) ?? 0)
    const limit = numberOf('maxmemory')
    // Redis does not count the buffers of replicas and of the AOF either when it compares with `maxmemory`.
    const used = numberOf('used_memory') - numberOf('mem_not_counted_for_evict')
    // With an eviction policy memory is full by design, and Redis makes room itself while it can.
    const evicts = (facts.get('maxmemory_policy') ?? 'noeviction') !== 'noeviction'
    this.refusal =
      limit === 0 || evicts || used < limit * MESSAGES_SHARE
        ? undefined
        : new StoreUnavailable(
            'memory',
            `Redis at ${this.address} has ${used} of maxmemory=${limit} bytes in use. From ${MESSAGES_SHARE * 100} % on no ` +
              'messages are taken, so that the queue can go on: raise maxmemory, or find what fills it (redis-cli --bigkeys)',
          )
  }
}

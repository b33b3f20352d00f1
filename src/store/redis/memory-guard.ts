/**
 * Keeps a share of Redis's memory free for getting rid of what is in it. With memory full BullMQ's own scripts fail, so
 * that no batch reaches the queue and no job can end: a full Redis frees nothing by itself. Messages are therefore
 * refused below that, while claims, the queue and the workers go on and make room.
 */

import { StoreUnavailable } from '../store.js'
import { factsOf } from './server.js'

/**
 * Of `maxmemory`, what messages may fill. The rest is the queue's: a batch is held twice for a moment (claimed, and as a
 * job), finished jobs stay for a day, and several API servers may each add a second's messages to what they last saw.
 */
export const MESSAGES_SHARE = 0.9
/** Memory is looked at this often at most, and only when there is something to append. */
const SAMPLE_EVERY_MS = 1000

export class MemoryGuard {
  private refusal: StoreUnavailable | undefined
  private sampledAtMs = Number.NEGATIVE_INFINITY
  private sampling: Promise<void> | undefined

  /**
   * @param readInfo Redis's answer to `INFO memory`
   * @param address the server, as errors name it
   */
  constructor(
    private readonly readInfo: () => Promise<string>,
    private readonly address: string,
  ) {}

  /**
   * Resolves if messages may be taken.
   * @throws {StoreUnavailable} (`memory`) above the share, and whatever `readInfo` rejects with
   */
  async check(): Promise<void> {
    if (performance.now() - this.sampledAtMs >= SAMPLE_EVERY_MS) {
      // Everybody who comes while it is looked at waits for the same look: the order of appends stays.
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
    // What Redis itself leaves out when it compares with `maxmemory`: the buffers of replicas and of the log.
    const used = numberOf('used_memory') - numberOf('mem_not_counted_for_evict')
    // Where it may evict, memory is full by design, and Redis makes room by itself for as long as it can.
    const evicts = (facts.get('maxmemory_policy') ?? 'noeviction') !== 'noeviction'
    this.refusal =
      limit === 0 || evicts || used < limit * MESSAGES_SHARE
        ? undefined
        : new StoreUnavailable(
            'memory',
            `Redis at ${this.address} has ${used} of maxmemory=${limit} bytes in use, and from ${MESSAGES_SHARE * 100} % on ` +
              'no messages are taken, for the queue to go on: raise maxmemory, or see what fills it (redis-cli --bigkeys)',
          )
  }
}

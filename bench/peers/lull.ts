/** Lull as its README shows it, from the built package, with a function as its handover. */
import { Batcher, Processor, type RuleOptions } from '../../dist/esm/index.js'
import type { Peer, Settings } from './peer.js'

const HOUR_MS = 3_600_000
export const rulesFrom = ({
  gapMs,
  leaseMs,
  maxWaitMs = 2 * HOUR_MS,
  supersede = false,
  earlyStartMs = 0,
}: Settings): RuleOptions => ({
  quietGapMs: gapMs,
  // No conversation in a benchmark lasts as long as the default here.
  maxWaitMs,
  batchTtlMs: 4 * HOUR_MS,
  leaseMs,
  // The answers of a dead processor are checked at a quarter of it.
  answerTimeoutMs: 4 * leaseMs,
  answering: supersede ? 'supersede' : 'queue',
  earlyStartMs,
})

export const lull: Peer = {
  async produce(settings) {
    const batcher = new Batcher({ redis: settings.redis, partitions: settings.partitions, ...rulesFrom(settings) })
    await batcher.open()
    return {
      append: (conversation, messageId, text) => batcher.append(conversation, { messageId, text }),
      close: () => batcher.close(),
    }
  },
  async consume(settings, onBatch) {
    const processor = new Processor({
      redis: settings.redis,
      partitions: settings.partitions,
      ...rulesFrom(settings),
      concurrency: settings.concurrency,
      handle: ({ conversationId, messages, dueAtMs }, answer) =>
        onBatch(
          conversationId,
          messages.map(({ text = '' }) => text),
          { dueAtMs, answer },
        ),
    })
    const { store } = processor
    const claim = store.claim.bind(store)
    let claims = 0
    store.claim = request => {
      claims += 1
      return claim(request)
    }
    await processor.start()
    return { claims: () => claims, close: () => processor.stop({ timeoutMs: 2000 }) }
  },
}

/**
 * An error that quotes what a person wrote: the history, the dead batch, the job and the log at info keep no text of
 * it.
 */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Batcher } from '../../src/batcher.js'
import type { Handle } from '../../src/handover/function.js'
import { Processor } from '../../src/processor/processor.js'
import { MemoryStore } from '../../src/store/memory/store.js'
import { pipeline } from '../support/pipeline.js'
import { until } from '../support/wait.js'

const TEXT = 'my address is 4 Privet Drive'
const message = { messageId: 'm1', text: TEXT, senderName: 'Irina' }

/** A log that keeps all that it is given above debug. */
function logLines() {
  const lines: unknown[] = []
  const keep = (fields: object, text: string) => void lines.push({ ...fields, text })
  return { lines, log: { debug() {}, info: keep, warn: keep, error: keep } }
}

const quoting: Handle = ({ text, messages }) => {
  throw new TypeError(`cannot parse ${JSON.stringify(text)} of ${messages[0]?.senderName}: ${text}`)
}

describe('the error of a handler that quotes its batch', () => {
  it('leaves no text in the history, the dead batch and the log', async () => {
    const { lines, log } = logLines()
    const store = new MemoryStore({ quietGapMs: 10, maxAttempts: 1 })
    const batcher = new Batcher({ store })
    const processor = new Processor({ store, log, handle: quoting })
    try {
      await processor.start()
      await batcher.append('c', message)
      const [dead] = await until(async () => {
        const all = await store.dead(1)
        return all.length > 0 && all
      })
      expect(dead?.error).to.equal('cannot parse "(text)" of (text): (text)')
      const history = await store.history({ limit: 100 })
      expect(history.map(({ step }) => step)).to.include('dead')
      expect(JSON.stringify([history, lines]))
        .to.include('cannot parse')
        .and.not.match(/Privet|Irina/)
    } finally {
      await processor.stop()
      await batcher.close()
      await store.close()
    }
  })

  it('leaves no text in what BullMQ stores of the failure', async () => {
    const { lines, log } = logLines()
    const system = await pipeline({
      rules: { quietGapMs: 10 },
      log,
      handle: async batch => void quoting(batch, { signal: new AbortController().signal, attempt: 1, log }),
    })
    const client = new Redis(system.redis)
    try {
      await system.batcher.append('c', message)
      const [batch] = await system.received(1)
      const key = `bull:queue-${system.prefix}:${batch?.batchId}`
      const stacks = await until(() => client.hget(key, 'stacktrace'), { what: 'the stack' })
      expect(stacks)
        .to.match(/TypeError: cannot parse/)
        .and.not.match(/Privet|Irina/)
      const reason = await client.hget(key, 'failedReason')
      expect(String(reason)).not.to.match(/Privet|Irina/)
      const events = await client.xrange(`bull:queue-${system.prefix}:events`, '-', '+')
      expect(JSON.stringify([events, lines])).not.to.match(/Privet|Irina/)
    } finally {
      client.disconnect()
      await system.stop()
    }
  })
})

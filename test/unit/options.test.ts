/**
 * Guarantee **options**: an option that has no effect is refused, by the types and by a `TypeError` in one line that
 * names it and the remedy. The compiler checks each `@ts-expect-error`.
 */
import { expect } from 'chai'
import { Batcher, bullmq, http, MemoryStore, Processor, RedisStore, webhook } from '../../src/index.js'

const redis = 'redis://127.0.0.1:1'
const handle = () => {}

describe('options', () => {
  const store = new MemoryStore()

  const MISTYPED: [what: string, make: () => unknown, says: string][] = [
    [
      'Batcher',
      // @ts-expect-error
      () => new Batcher({ redis, quietGap: 5 }),
      'quietGap is no option of Batcher: did you mean quietGapMs?',
    ],
    [
      'Processor',
      // @ts-expect-error
      () => new Processor({ redis, handle, maxAttempt: 5 }),
      'maxAttempt is no option of Processor: did you mean maxAttempts?',
    ],
    [
      'MemoryStore',
      // @ts-expect-error
      () => new MemoryStore({ quietGap: 5 }),
      'quietGap is no option of MemoryStore: did you mean quietGapMs?',
    ],
    [
      'MemoryStore, beside the rules',
      // @ts-expect-error
      () => new MemoryStore({ newBatchID: () => 'b' }),
      'newBatchID is no option of MemoryStore: did you mean newBatchId?',
    ],
    [
      'RedisStore',
      // @ts-expect-error
      () => new RedisStore({ redis, quietGap: 5 }),
      'quietGap is no option of RedisStore: did you mean quietGapMs?',
    ],
    [
      'RedisStore, beside the rules',
      // @ts-expect-error
      () => new RedisStore({ redis, prefx: 'p' }),
      'prefx is no option of RedisStore: did you mean prefix?',
    ],
    // @ts-expect-error
    ['bullmq()', () => bullmq({ que: 'a' }), 'que is no option of bullmq(): did you mean queue?'],
    [
      'http()',
      // @ts-expect-error
      () => http({ url: 'http://127.0.0.1', timeout: 5 }),
      'timeout is no option of http(): did you mean timeoutMs?',
    ],
    [
      'webhook()',
      // @ts-expect-error
      () => webhook({ batcher: new Batcher({ store }), provide: 'waha' }),
      'provide is no option of webhook(): did you mean provider?',
    ],
    [
      'an option that resembles none',
      // @ts-expect-error
      () => bullmq({ somethingElseAltogether: 1 }),
      'somethingElseAltogether is no option of bullmq()',
    ],
  ]
  for (const [what, make, says] of MISTYPED)
    it(`a mistyped one is refused, with the name that is meant: ${what}`, () => {
      expect(make).to.throw(TypeError).with.property('message', says)
    })

  const CONTRADICTORY: [what: string, make: () => unknown, says: RegExp][] = [
    // @ts-expect-error
    ['a Batcher on nothing', () => new Batcher({}), /^redis or store is missing: /],
    // @ts-expect-error
    ['a RedisStore on nothing', () => new RedisStore({}), /^redis is missing: give a URL, /],
    // @ts-expect-error
    ['a Processor on nothing', () => new Processor({ handle }), /^redis or store is missing: /],
    [
      'a rule beside a store',
      // @ts-expect-error
      () => new Batcher({ store, quietGapMs: 5 }),
      /^quietGapMs has no effect beside store: give it to the store/,
    ],
    [
      'redis beside a store',
      // @ts-expect-error
      () => new Batcher({ store, redis }),
      /^redis has no effect beside store: give one of them/,
    ],
    [
      'a prefix beside a store',
      // @ts-expect-error
      () => new Processor({ store, prefix: 'p', handle }),
      /^prefix has no effect beside store/,
    ],
    // @ts-expect-error
    ['no destination', () => new Processor({ store }), /^handover or handle is missing: /],
    [
      'two destinations',
      // @ts-expect-error
      () => new Processor({ store, handle, handover: bullmq() }),
      /^handover and handle are both given/,
    ],
    [
      'concurrency beside a handover',
      // @ts-expect-error
      () => new Processor({ store, handover: bullmq(), concurrency: 4 }),
      /^concurrency has no effect beside handover: /,
    ],
  ]
  for (const [what, make, says] of CONTRADICTORY)
    it(`refused: ${what}`, () => {
      expect(make).to.throw(TypeError, says)
    })

  it('Batcher and Processor take one object with the options of both', async () => {
    const both = { store, batching: true, concurrency: 3, handle, name: 'both' }
    await new Batcher(both).close()
    await new Processor(both).stop()
  })
})

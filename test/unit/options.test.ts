/**
 * Guarantee **options**: an option that has no effect is refused, by the types and by a `TypeError` in one line that
 * names it and the remedy. So is a value that would fail later, or silently do nothing. The compiler checks each `@ts-expect-error`.
 */
import { expect } from 'chai'
import {
  answering,
  Batcher,
  bullmq,
  http,
  MemoryStore,
  Processor,
  RedisStore,
  toBullmq,
  toFastify,
  toKoa,
  toNode,
  webhook,
} from '../../src/index.js'

const redis = 'redis://127.0.0.1:1'
const handle = () => {}

function faultOf(make: () => unknown): Error {
  try {
    make()
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('options', () => {
  const store = new MemoryStore()
  const batcher = new Batcher({ store })

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
      'redis, of ioredis’s options',
      // @ts-expect-error
      () => new Batcher({ redis: { hots: 'redis.example' } }),
      'hots is no option of redis: did you mean host?',
    ],
    [
      'redis of a RedisStore',
      // @ts-expect-error
      () => new RedisStore({ redis: { hots: 'redis.example' } }),
      'hots is no option of redis: did you mean host?',
    ],
    [
      'redis of a queue',
      // @ts-expect-error
      () => bullmq({ redis: { hots: 'redis.example' } }),
      'hots is no option of redis: did you mean host?',
    ],
    [
      'the seeds of a Cluster',
      // @ts-expect-error
      () => new Batcher({ redis: { nodes: [{ host: 'a', port: 1 }], option: {} } }),
      'option is no option of redis: did you mean options?',
    ],
    [
      'a seed of a Cluster',
      // @ts-expect-error
      () => new Batcher({ redis: { nodes: [{ host: 'a', prot: 1 }] } }),
      'prot is no option of a node of redis: did you mean port?',
    ],
    [
      'options for the nodes of a Cluster',
      // @ts-expect-error
      () => new Batcher({ redis: { nodes: [{ host: 'a', port: 1 }], options: { pasword: 'x' } } }),
      'pasword is no option of redis.options: did you mean password?',
    ],
    [
      'toBullmq()',
      // @ts-expect-error
      () => toBullmq(handle, { batcher, logg: console }),
      'logg is no option of toBullmq(): did you mean log?',
    ],
    [
      'answering()',
      // @ts-expect-error
      () => answering({ name: 'batch', data: {} }, { batcher, bacher: batcher }),
      'bacher is no option of answering(): did you mean batcher?',
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

  it('of Redis are all of ioredis’s, at a seed of a Cluster too, and undefined ones are absent', async () => {
    const seeds = { nodes: [{ host: 'a', port: 1, password: 'x', family: 4 }] }
    const absent = { host: 'a', nodes: undefined, somethingElse: undefined }
    for (const given of [seeds, absent]) {
      const made = new Batcher({ redis: given })
      await made.close()
    }
  })

  it('of stop() are checked: a number where the object goes, a name, a value', async () => {
    const processor = new Processor({ store, handle })
    const REFUSED: [options: unknown, says: string][] = [
      [1000, 'stop() takes an object of options, and got a number'],
      [{ timeout: 1000 }, 'timeout is no option of stop(): did you mean timeoutMs?'],
      [{ timeoutMs: '1s' }, 'timeoutMs="1s": it must be a number of milliseconds from 0 to 2147483647'],
    ]
    for (const [options, says] of REFUSED) {
      const error = await Reflect.apply(processor.stop, processor, [options]).catch((reason: Error) => reason)
      expect(error).to.have.property('message', says)
    }
    await processor.stop({ timeoutMs: 0.5 })
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

  const made = (maker: new (...given: never[]) => unknown, ...given: unknown[]) => Reflect.construct(maker, given)
  const called = (maker: (...given: never[]) => unknown, ...given: unknown[]) => Reflect.apply(maker, undefined, given)
  const url = 'http://127.0.0.1'

  // As JavaScript, where no type refuses it.
  const UNUSABLE: [make: () => unknown, says: string | RegExp][] = [
    [() => made(Batcher), 'Batcher takes an object of options, and got undefined'],
    [() => made(Batcher, redis), 'Batcher takes an object of options, and got a string'],
    [() => called(http, redis), 'http() takes an object of options, and got a string'],
    [() => called(webhook, {}), 'batcher is missing: give webhook() a Batcher'],
    [() => called(webhook, { batcher: store }), 'batcher is another object: give a Batcher'],
    [() => made(Processor, { store: batcher, handle }), /^store is another object: /],
    [() => made(Processor, { store, handover: handle }), /^handover is a function: .* as handle$/],
    [() => made(Processor, { store, handover: { url } }), /^handover is another object: /],
    [() => made(Batcher, { store, log: true }), /^log is a boolean: give a pino instance/],
    [() => made(Processor, { store, handle, concurrency: 0 }), 'concurrency=0: it must be a whole number, 1 or more'],
    [() => made(Processor, { store, handle, concurrency: Number.NaN }), /^concurrency=NaN: /],
    [() => made(Batcher, { store, batching: 'off' }), 'batching="off": it must be true or false'],
    [
      () => made(Batcher, { store, onOwnMessage: 'paus' }),
      /^onOwnMessage="paus": it must be one of ignore, drop, pause$/,
    ],
    [() => made(Batcher, { store, rulesFor: {} }), 'rulesFor is another object: it must be a function'],
    [() => made(Batcher, { redis, prefix: 5 }), 'prefix is a number: it must be a string'],
    [() => called(http, { url, timeoutMs: '5s' }), /^timeoutMs="5s": it must be a whole number/],
    [() => called(http, { url, concurrency: 0 }), /^concurrency=0: /],
    [() => called(webhook, { batcher, maxBodyBytes: '1mb' }), /^maxBodyBytes="1mb": it must be a whole number/],
    [() => called(webhook, { batcher, groups: 'byGroup' }), /^groups="byGroup": it must be one of byChat, bySender/],
    [() => called(toNode, batcher), 'toNode got another object: give toNode(webhook({ batcher, providers }))'],
    [() => called(toKoa), /^toKoa got undefined: /],
    [() => called(toFastify), /^toFastify got undefined: /],
  ]
  for (const [make, says] of UNUSABLE)
    it(`refused when it is made, not when it is used: ${says}`, () => {
      const { message } = faultOf(make)
      if (says instanceof RegExp) expect(message).to.match(says)
      else expect(message).to.equal(says)
    })

  it('Batcher and Processor take one object with the options of both', async () => {
    const both = { store, batching: true, concurrency: 3, handle, name: 'both' }
    await new Batcher(both).close()
    await new Processor(both).stop()
  })
})

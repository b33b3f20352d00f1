/** What the library's classes make a store from. */
import { expect } from 'chai'
import { RedisStore } from '../../../src/store/redis/store.js'
import { type StoreOnRedisOptions, storeFrom } from '../../../src/store/store-options.js'

const redis = 'redis://127.0.0.1:1'

describe('the options of a store', () => {
  const REFUSED: [options: StoreOnRedisOptions, says: RegExp][] = [
    [{ redis, partitions: 0 }, /^partitions=0: must be a whole number from 1 to 1024$/],
    [{ redis, partitions: 1.5 }, /^partitions=1.5: must be/],
    [{ redis, waitReplicas: -1 }, /^waitReplicas=-1: must be a whole number from 0 to 100$/],
  ]
  for (const [options, says] of REFUSED)
    it(`an option out of its bounds is refused: ${says.source}`, () => {
      expect(() => storeFrom(options, 'test')).to.throw(RangeError, says)
    })

  it('a RedisStore refuses the same', () => {
    expect(() => new RedisStore({ redis, waitReplicas: -1 })).to.throw(RangeError, /^waitReplicas=-1: must be/)
  })

  it('partitions and replicas have defaults', () => {
    const given = { redis, partitions: undefined, waitReplicas: undefined }
    expect(() => storeFrom(given, 'test')).not.to.throw()
  })
})

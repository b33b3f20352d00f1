/** What a client is made from: by the library's user as by the settings, with the options that the guarantees need. */
import { expect } from 'chai'
import { Cluster, Redis } from 'ioredis'
import { addressOf, createClient } from '../../../../src/store/redis/connection.js'
import { redisError } from '../../../../src/store/redis/errors.js'
import type { RedisSource } from '../../../../src/store/redis/source.js'

const SENTINEL = 'redis+sentinel://bob:hush@127.0.0.1:1,127.0.0.1:2/1?name=mymaster&sentinelPassword=hush'

const cluster = () => new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true })

/** As JavaScript, where no type refuses it. */
const untyped = (source: unknown): RedisSource => JSON.parse('{}', () => source)

describe('a client', () => {
  it('takes no option from a URL that would break the guarantees', () => {
    const { options } = createClient('redis://u:pw@h:1/2?maxRetriesPerRequest=20&enableOfflineQueue=true', 'me')
    expect(options).to.include({ host: 'h', port: 1, db: 2, username: 'u', password: 'pw', connectionName: 'me' })
    expect(options).to.include({ maxRetriesPerRequest: 0, enableOfflineQueue: false })
  })

  it('refuses a string that is no address, without its credentials', () => {
    expect(() => createClient('http://bob:hush@h', 'me')).to.throw(RangeError, /^redis=http:\/\/\*\*\*@h: must be/)
  })

  const BY_SENTINEL: [how: string, source: RedisSource][] = [
    ['an address', SENTINEL],
    [
      'options',
      { sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'mymaster', role: 'slave', failoverDetector: true },
    ],
    [
      'a function',
      () => new Redis({ sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'mymaster', lazyConnect: true }),
    ],
  ]
  for (const [how, source] of BY_SENTINEL)
    it(`of Sentinel, by ${how}, follows failovers to the primary and gives up a frozen one after 2 s`, () => {
      expect(createClient(source, 'me').options).to.include({
        role: 'master',
        failoverDetector: false,
        commandTimeout: 2000,
        socketTimeout: 2000,
        maxRetriesPerRequest: 0,
      })
    })

  it('of Sentinel is named by the service, without credentials', () => {
    expect(addressOf(createClient(SENTINEL, 'me'))).to.equal(
      'redis+sentinel://mymaster (Sentinels 127.0.0.1:1, 127.0.0.1:2)',
    )
  })

  it('is not made by a function that makes a Cluster, which is closed', () => {
    const made: Cluster[] = []
    const make = () => {
      const client = cluster()
      made.push(client)
      return client
    }
    expect(() => createClient(untyped(make), 'me')).to.throw(
      TypeError,
      /give the Cluster itself, or redis: \{ nodes: \[/,
    )
    expect(made.map(({ status }) => status)).to.deep.equal(['end'])
  })

  it('is not made from a Cluster of several nodes', () => {
    const client = new Cluster([7000, 7001], { lazyConnect: true })
    expect(() => createClient(client, 'me')).to.throw(TypeError, /127.0.0.1:7000,127.0.0.1:7001 are nodes of a Cluster/)
  })

  it('is not made from several nodes', () => {
    expect(() => createClient('redis://a:1,b:2', 'me')).to.throw(TypeError, /redis:\/\/a:1,b:2 are nodes of a Cluster/)
  })
})

describe('an error of Sentinel', () => {
  const translated = (says: string) =>
    redisError(new Error(`All sentinels are unreachable. ${says}`), 'redis+sentinel://m')

  const CASES: [says: string, reason: string, message: RegExp][] = [
    ['Retrying from scratch after 50ms.', 'connection', /nothing answers where its Sentinels say that the primary is$/],
    [
      'Retrying … Last error: ERR No such master with that name',
      'other',
      /watch no service of this name: check name= in REDIS_URL$/,
    ],
    ['Retrying … Last error: WRONGPASS invalid', 'auth', /check sentinelUsername and sentinelPassword in REDIS_URL$/],
    ['Retrying … Last error: connect ECONNREFUSED ::1', 'connection', /none of its Sentinels answers \(connect ECONN/],
  ]
  for (const [says, reason, message] of CASES)
    it(`is explained: ${says}`, () => {
      expect(translated(says)).to.include({ name: 'StoreUnavailable', reason })
      expect(translated(says).message).to.match(message)
    })
})

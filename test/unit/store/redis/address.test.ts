/** Addresses of one Redis, of a Cluster and of Sentinels: what a user writes, what the client gets, what is shown. */
import { expect } from 'chai'
import {
  databaseOf,
  maskedAddress,
  type RedisAddress,
  redisAddress,
  shownAddress,
  withPassword,
} from '../../../../src/store/redis/address.js'

const SENTINELS = [
  { host: 's1', port: 26_379 },
  { host: '::1', port: 26_380 },
]

describe('the address of Redis', () => {
  const ACCEPTED: [address: string, means: RedisAddress][] = [
    ['redis://h', { host: 'h', port: 6379, db: 0 }],
    ['redis://bob:p%40ss@h:6380/3', { host: 'h', port: 6380, db: 3, username: 'bob', password: 'p@ss' }],
    ['redis://bob:a,b@h', { host: 'h', port: 6379, db: 0, username: 'bob', password: 'a,b' }],
    [
      'redis://bob:pw@a:7000,b,[::1]:7002',
      {
        nodes: [
          { host: 'a', port: 7000 },
          { host: 'b', port: 6379 },
          { host: '::1', port: 7002 },
        ],
        options: { username: 'bob', password: 'pw' },
      },
    ],
    [
      'rediss://a, b/0?family=6',
      {
        nodes: [
          { host: 'a', port: 6379 },
          { host: 'b', port: 6379 },
        ],
        options: { tls: {}, family: 6 },
      },
    ],
    [
      'redis+sentinel://bob:pw@s1,[::1]:26380/2?name=mymaster&sentinelUsername=eve&sentinelPassword=s%26cret',
      {
        sentinels: SENTINELS,
        name: 'mymaster',
        db: 2,
        username: 'bob',
        password: 'pw',
        sentinelUsername: 'eve',
        sentinelPassword: 's&cret',
      },
    ],
    [
      'rediss+sentinel://s1?name=m',
      {
        sentinels: [{ host: 's1', port: 26_379 }],
        name: 'm',
        db: 0,
        tls: {},
        enableTLSForSentinelMode: true,
        sentinelTLS: {},
      },
    ],
  ]
  for (const [address, means] of ACCEPTED)
    it(`${address} is understood`, () => expect(redisAddress(address)).to.deep.equal(means))

  const REFUSED: [address: string, says: RegExp][] = [
    [
      'redis://a:7000,redis://b:7001',
      /^repeats the scheme before its other servers: give it once, redis:\/\/host:port,/,
    ],
    ['rediss://:pw@a:7000, rediss://:pw@b:7001', /^repeats the scheme /],
    ['redis://a:7000,', /^has a comma without a server behind it/],
    ['redis+sentinel://a,,b?name=m', /^has a comma without a server /],
    ['redis://a:7000,b:7001/3', /Cluster and database 3: a Cluster has only 0/],
    ['redis://a,b:99999', /must be redis:\/\//],
    ['redis://u:hush@a,u:hush@b', /give the credentials once/],
    ['redis+sentinel://s1:26379', /add \?name=/],
    ['redis+sentinel://?name=m', /must be redis:\/\//],
    ['redis+cluster://a', /no scheme of its own: give redis:\/\//],
    ['sentinel://a?name=m', /must be redis:\/\//],
  ]
  for (const [address, says] of REFUSED)
    it(`${address} is refused with the remedy`, () =>
      expect(() => redisAddress(address))
        .to.throw(RangeError, says)
        .with.property('message')
        .that.does.not.include('hush'))

  it('a password that is given apart goes to the server, the nodes, or the primary', () => {
    expect(withPassword(redisAddress('redis://u:old@h'), 'new')).to.include({ username: 'u', password: 'new' })
    expect(withPassword(redisAddress('redis://u:old@a,b'), 'new')).to.deep.include({
      options: { username: 'u', password: 'new' },
    })
    const sentinel = withPassword(redisAddress('redis+sentinel://s1?name=m&sentinelPassword=s'), 'new')
    expect(sentinel).to.include({ password: 'new', sentinelPassword: 's' })
  })

  it('its database is 0 for a Cluster', () => {
    expect(databaseOf(redisAddress('redis://h/3'))).to.equal(3)
    expect(databaseOf(redisAddress('redis://a,b'))).to.equal(0)
  })

  const SHOWN: [address: string, shown: string][] = [
    ['redis://bob:hush@h/3', 'redis://h:6379'],
    ['rediss://[::1]:7000', 'rediss://[::1]:7000'],
    ['/run/redis.sock', '/run/redis.sock'],
    ['rediss://bob:hush@a:7000,b', 'rediss://a:7000,b:6379'],
    [
      'redis+sentinel://bob:hush@s1,[::1]:26380?name=mymaster&sentinelPassword=hush',
      'redis+sentinel://mymaster (Sentinels s1:26379, [::1]:26380)',
    ],
  ]
  for (const [address, shown] of SHOWN)
    it(`${shown} is shown without credentials`, () => expect(shownAddress(redisAddress(address))).to.equal(shown))

  it('of Sentinel the service and the primary are shown', () => {
    const address = redisAddress('redis+sentinel://s1?name=mymaster')
    expect(shownAddress(address, '127.0.0.1:6380')).to.equal('redis+sentinel://mymaster (127.0.0.1:6380)')
  })

  const MASKED: [address: string, masked: string][] = [
    ['redis://bob:hush@a,b', 'redis://***@a,b'],
    ['redis-sentinel://bob:hush@a?name=m', 'redis-sentinel://***@a?name=m'],
    ['redis://u:hush@a,u:hush@b', 'redis://***@b'],
    [
      'redis+sentinel://bob:hush@s1/0?name=mymaster&sentinelPassword=hush',
      'redis+sentinel://***@s1/0?name=mymaster&sentinelPassword=***',
    ],
    ['redis+sentinel://s1?sentinelUsername=hush&name=m', 'redis+sentinel://s1?sentinelUsername=***'],
    ['redis+sentinel://s1?sentinelPassword=hu&sh', 'redis+sentinel://s1?sentinelPassword=***'],
    ['redis+sentinel://bob:hu@s1?sentinelPassword=hu@sh', 'redis+sentinel://***'],
    ['redis://bob:hush?password=hush@h', 'redis://***'],
  ]
  for (const [address, masked] of MASKED)
    it(`${masked} is what an error repeats of ${address}`, () => expect(maskedAddress(address)).to.equal(masked))
})

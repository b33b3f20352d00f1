/** What users give as `redis`: a client of their own works, in any version of ioredis, and stays theirs. */
import { expect } from 'chai'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import {
  Cluster as Cluster5,
  type ClusterNode as ClusterNode5,
  type RedisOptions as Options5,
  Redis as Redis5,
} from 'ioredis5'
import { createClient, seedsOf } from '../../../../src/store/redis/connection.js'
import { plainSource, type RedisSource } from '../../../../src/store/redis/source.js'

const OWN = {
  host: '10.0.0.1',
  port: 7001,
  db: 3,
  username: 'bob',
  password: 'hush',
  lazyConnect: true,
  // About the user's own commands.
  keyPrefix: 'app:',
  commandTimeout: 60_000,
  maxRetriesPerRequest: null,
  enableAutoPipelining: true,
  stringNumbers: true,
  connectionName: 'app',
} satisfies RedisOptions & Options5

const CLIENTS: [version: string, client: Redis | Redis5][] = [
  ['6', new Redis(OWN)],
  ['5', new Redis5(OWN)],
]

/** As JavaScript, where no type refuses it. */
const untyped = (source: unknown): RedisSource => JSON.parse('{}', () => source)

describe('a client of the user as `redis`', () => {
  for (const [version, client] of CLIENTS) {
    it(`ioredis ${version}: Lull connects to the same server as the same user, by options of its own`, () => {
      const before = { ...client.options }
      const { options } = createClient(client, 'me')
      expect(options).to.include({ host: '10.0.0.1', port: 7001, db: 3, username: 'bob', password: 'hush' })
      expect(options).to.include({ connectionName: 'me', commandTimeout: 5000, maxRetriesPerRequest: 0 })
      expect(options).to.include({ enableAutoPipelining: false, stringNumbers: false })
      expect(options.keyPrefix).to.be.oneOf([undefined, ''])
      expect(client.options).to.deep.equal(before)
      expect(client.status).to.equal('wait')
    })

    it(`ioredis ${version}: each connection is one of Lull's own`, () => {
      const [one, other] = [createClient(client, 'me'), createClient(client, 'me')]
      expect(new Set<unknown>([client, one, other]).size).to.equal(3)
    })
  }

  it('that follows Sentinels keeps its list of them', () => {
    const client = new Redis5({ sentinels: [{ host: 'a', port: 1 }], name: 'mymaster', lazyConnect: true })
    const { options } = createClient(client, 'me')
    expect(options).to.include({ name: 'mymaster', role: 'master' })
    options.sentinels?.push({ host: 'b', port: 2 })
    expect(client.options.sentinels).to.deep.equal([{ host: 'a', port: 1 }])
  })

  it('may be given as options, by the types of either version', () => {
    const options: RedisOptions = { host: 'h' }
    const options5: Options5 = { host: 'h' }
    for (const each of [options, options5]) expect(createClient(each, 'me').options.host).to.equal('h')
    const seeds = { nodes: [{ host: 'h', port: 1 }], options: options5 }
    expect(seedsOf(seeds)).to.deep.equal([{ host: 'h', port: 1 }])
  })

  it('with a connector of its own is refused: Lull would connect elsewhere', () => {
    const { Connector } = createClient({ host: 'h' }, 'me').options
    expect(Connector).to.equal(undefined)
    const client = new Redis({ lazyConnect: true })
    Object.assign(client.options, { Connector: class {} })
    expect(() => createClient(client, 'me')).to.throw(TypeError, /^redis: the client has a Connector .*give a function/)
  })
})

describe('a Cluster of the user as `redis`', () => {
  const NODES: [how: string, nodes: ClusterNode5[], seeds: object[]][] = [
    [
      'objects',
      [{ host: 'a', port: 7000 }, { host: 'b' }],
      [
        { host: 'a', port: 7000 },
        { host: 'b', port: 6379 },
      ],
    ],
    ['ports', [7000], [{ host: '127.0.0.1', port: 7000 }]],
    [
      'addresses',
      ['redis://a:7000', 'b:7001'],
      [
        { host: 'a', port: 7000 },
        { host: 'b', port: 7001 },
      ],
    ],
  ]
  for (const [version, make] of [
    ['6', (nodes: ClusterNode5[]) => new Cluster(nodes, { lazyConnect: true, redisOptions: { password: 'hush' } })],
    ['5', (nodes: ClusterNode5[]) => new Cluster5(nodes, { lazyConnect: true, redisOptions: { password: 'hush' } })],
  ] as const)
    for (const [how, nodes, seeds] of NODES)
      it(`ioredis ${version}, by ${how}: Lull finds the nodes by the same seeds and the same password`, () => {
        const cluster = make(nodes)
        expect(seedsOf(cluster)).to.deep.equal(seeds.map(seed => ({ ...seed, password: 'hush' })))
        expect(cluster.status).to.equal('wait')
      })

  it('the credentials may be in the address of its first node', () => {
    const cluster = new Cluster(['rediss://bob:hush@a:7000'], { lazyConnect: true })
    expect(seedsOf(cluster)).to.deep.equal([{ host: 'a', port: 7000, username: 'bob', password: 'hush', tls: {} }])
  })

  it('whose addresses need a map is refused, with the remedy', () => {
    const natMap = { 'a:7000': { host: 'b', port: 1 } }
    const cluster = new Cluster([{ host: 'a', port: 7000 }], { lazyConnect: true, natMap })
    expect(() => seedsOf(cluster)).to.throw(TypeError, /without natMap: .*give redis: \{ nodes: \[/)
  })
})

describe('what is no `redis`', () => {
  const REFUSED: [source: unknown, says: RegExp][] = [
    [undefined, /^redis is missing: give a URL/],
    [null, /^redis is missing: give a URL/],
    [6379, /^redis=6379: give a URL/],
    [new URL('redis://h:1'), /^redis: it is no client of ioredis: give a URL/],
    [{ connect() {}, duplicate() {}, options: {} }, /^redis: it is no client of ioredis/],
    [{ host: 'h', keyPrefix: 'app:' }, /^redis: keyPrefix=app:: leave it out, and give Lull's own option prefix/],
  ]
  for (const [source, says] of REFUSED)
    it(`is refused in one line: ${says.source}`, () => {
      expect(() => plainSource(untyped(source)))
        .to.throw(TypeError, says)
        .with.property('message')
        .that.does.not.include('\n')
    })

  const MADE: [what: string, make: () => unknown, says: RegExp][] = [
    ['a promise', async () => new Redis({ lazyConnect: true }), /^redis: the function returns a promise: return the/],
    ['options', () => ({ host: 'h' }), /^redis: the function returns no client of ioredis: return new Redis/],
    ['nothing', () => {}, /^redis: the function returns no client of ioredis/],
    ['a client with a keyPrefix', () => new Redis5({ lazyConnect: true, keyPrefix: 'app:' }), /^redis: keyPrefix=app:/],
  ]
  for (const [what, make, says] of MADE)
    it(`is refused in one line: a function that returns ${what}`, () => {
      expect(() => createClient(untyped(make), 'me')).to.throw(TypeError, says)
    })
})

/** The settings: every variable's default and bounds, what an error shows and what it must not. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { groupsOf, KNOWN } from '../../src/config/known.js'
import { type AnySettings, declaredIn } from '../../src/config/setting.js'
import { type Config, ConfigError, type Environment, loadEnvironment, readConfig } from '../../src/config.js'

/** The one line that stops a start with `env`. */
function refusal(env: Environment): string {
  try {
    readConfig(env)
  } catch (error) {
    expect(error, String(error)).to.be.instanceOf(ConfigError)
    if (error instanceof ConfigError) return error.message
  }
  throw new Error(`${JSON.stringify(env)} was accepted`)
}

const QUEUE = {
  queue: 'messages',
  prefix: 'bull',
  shards: 1,
  answerAttempts: 3,
  jobRetentionMs: 86_400_000,
  jobTexts: 'erase',
}

const number = (options: object, name: string) => Number(new Map(Object.entries(options)).get(name))

/** A config as plain data: the handover by its kind and its options. */
const plain = ({ handover: { kind, options }, ...config }: Config) => ({ ...config, handover: { kind, ...options } })

const DEFAULTS: ReturnType<typeof plain> = {
  redis: { host: '127.0.0.1', port: 6379, db: 0 },
  redisIsSet: false,
  runtimeFolder: undefined,
  handoverIsSet: false,
  prefix: 'rapid-fire',
  configureRedis: true,
  partitions: undefined,
  waitReplicas: 0,
  rules: {
    quietGapMs: 10_000,
    maxWaitMs: 60_000,
    batchTtlMs: 60_000,
    maxMessages: 100,
    maxBytes: 262_144,
    dedupeMs: 86_400_000,
    maxAgeMs: 0,
    leaseMs: 30_000,
    maxAttempts: 5,
    order: 'serial',
    answering: 'queue',
    earlyStartMs: 0,
    typingGapMs: 0,
    holdTypes: [],
    holdMs: 20_000,
    holdMaxMs: 0,
    pauseMs: 1_800_000,
    paused: 'drop',
    answerTimeoutMs: 300_000,
  },
  batching: true,
  bodies: { maxBodyBytes: 16_777_216, maxBodyBytesInFlight: 67_108_864 },
  groups: 'byChat',
  onOwnMessage: 'ignore',
  raw: false,
  handover: { kind: 'bullmq', ...QUEUE },
  worker: { concurrency: 16 },
  shutdownMs: 25_000,
  api: { host: '127.0.0.1', port: 3000, showTexts: true },
  providers: {},
  logLevel: 'info',
  warnings: [],
}

/** Each number: what reads it, a value within its bounds, and the nearest two outside of them. */
const NUMBERS: [name: string, read: (config: Config) => number | undefined, good: number, low: number, high: number][] =
  [
    ['LULL_QUIET_GAP_MS', config => config.rules.quietGapMs, 2000, 9, 3_600_001],
    ['LULL_MAX_WAIT_MS', config => config.rules.maxWaitMs, 20_000, 9, 86_400_001],
    ['LULL_BATCH_TTL_MS', config => config.rules.batchTtlMs, 20_000, 19, 172_800_001],
    ['LULL_MAX_MESSAGES', config => config.rules.maxMessages, 1, 0, 10_001],
    ['LULL_MAX_BYTES', config => config.rules.maxBytes, 1, 0, 16_777_217],
    ['LULL_DEDUPE_MS', config => config.rules.dedupeMs, 1000, 999, 2_592_000_001],
    ['LULL_MAX_AGE_MS', config => config.rules.maxAgeMs, 5000, -1, 2_592_000_001],
    ['LULL_LEASE_MS', config => config.rules.leaseMs, 100, 99, 3_600_001],
    ['LULL_MAX_ATTEMPTS', config => config.rules.maxAttempts, 1, 0, 1001],
    ['LULL_ANSWER_TIMEOUT_MS', config => config.rules.answerTimeoutMs, 100, 99, 604_800_001],
    ['LULL_PARTITIONS', config => config.partitions, 16, 0, 1025],
    ['LULL_WAIT_REPLICAS', config => config.waitReplicas, 1, -1, 101],
    ['LULL_QUEUE_SHARDS', config => config.handover.queue?.shards, 3, 0, 1025],
    ['LULL_ANSWER_ATTEMPTS', config => number(config.handover.options, 'answerAttempts'), 1, 0, 1001],
    ['LULL_JOB_RETENTION_MS', config => config.handover.queue?.jobRetentionMs, 3_600_000, 3_599_999, 31_536_000_001],
    ['LULL_WORKER_CONCURRENCY', config => config.worker.concurrency, 1, 0, 10_001],
    ['LULL_SHUTDOWN_MS', config => config.shutdownMs, 100, 99, 3_600_001],
    ['LULL_MAX_BODY_BYTES', config => config.bodies.maxBodyBytes, 65_536, 65_535, 268_435_457],
    ['LULL_MAX_BODY_BYTES_IN_FLIGHT', config => config.bodies.maxBodyBytesInFlight, 16_777_216, 65_535, 4_294_967_297],
    ['PORT', config => config.api.port, 0, -1, 65_536],
    ['LULL_OPS_PORT', config => config.opsPort, 9100, -1, 65_536],
  ]

const CHOICES: [name: string, values: string[], read: (config: Config) => unknown, meanings?: unknown[]][] = [
  ['LULL_CONFIGURE_REDIS', ['on', 'off'], config => config.configureRedis, [true, false]],
  ['LULL_ORDER', ['serial', 'concurrent'], config => config.rules.order],
  ['LULL_BATCHING', ['on', 'off'], config => config.batching, [true, false]],
  ['LULL_GROUPS', ['byChat', 'bySender', 'ignore'], config => config.groups],
  ['LULL_ON_OWN_MESSAGE', ['ignore', 'drop', 'pause'], config => config.onOwnMessage],
  ['LULL_RAW', ['on', 'off'], config => config.raw, [true, false]],
  ['LOG_LEVEL', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], config => config.logLevel],
]

const secretsIn = (settings: AnySettings) =>
  declaredIn(settings).flatMap(([, declared]) => (declared.isSecret ? [declared] : []))

const SECRETS = [
  'LULL_API_TOKEN',
  'LULL_HANDOVER_SECRET',
  'WHATSAPP_APP_SECRET',
  'GREEN_API_WEBHOOK_TOKEN',
  'WAHA_HMAC_KEY',
  'EVOLUTION_API_KEY',
  'TWILIO_AUTH_TOKEN',
  'WAZZUP_CRM_KEY',
  'WWEBJS_API_KEY',
]

describe('config', () => {
  it('LULL_MAX_BODY_BYTES_IN_FLIGHT below LULL_MAX_BODY_BYTES stops the start', () => {
    expect(() => readConfig({ LULL_MAX_BODY_BYTES_IN_FLIGHT: '65536' })).to.throw(
      ConfigError,
      'LULL_MAX_BODY_BYTES_IN_FLIGHT=65536 is less than LULL_MAX_BODY_BYTES=16777216: make it at least that',
    )
  })

  it('every default is the contract’s', () => {
    expect(plain(readConfig({}))).to.deep.equal(DEFAULTS)
  })

  it('an empty value, or one of spaces, counts as not set', () => {
    const empty = Object.fromEntries(
      [...NUMBERS, ...CHOICES].map(([name], i) => [name, i % 2 ? '' : '  ']).concat([['REDIS_URL', '']]),
    )
    expect(plain(readConfig(empty))).to.deep.equal(DEFAULTS)
  })

  for (const { variable } of groupsOf(KNOWN).flatMap(({ settings }) => secretsIn(settings)))
    it(`${variable} that is set but empty stops the start with one line`, () => {
      for (const empty of ['', ' ', '\t'])
        expect(refusal({ [variable]: empty })).to.equal(
          `${variable}= is set but empty: set it to the secret, or remove the variable`,
        )
    })

  for (const [name, read, good, low, high] of NUMBERS)
    it(`${name} is a whole number within its bounds, and the error for another value names them`, () => {
      expect(read(readConfig({ [name]: String(good) }))).to.equal(good)
      for (const bad of [low, high, '1.5', '10s', '1e4', '0x10', 'NaN', '99999999999999999999']) {
        const line = refusal({ [name]: String(bad) })
        expect(line).to.match(new RegExp(`^${name}=${String(bad).replace('.', '\\.')}: must be `))
        expect(line)
          .to.include(String(low + 1))
          .and.to.include(String(high - 1))
      }
    })

  for (const [name, values, read, meanings = values] of CHOICES)
    it(`${name} is one of ${values.join(', ')}`, () => {
      expect(values.map(value => read(readConfig({ [name]: value })))).to.deep.equal(meanings)
      for (const bad of ['x', values[0]?.toUpperCase() ?? '', 'true'])
        if (!values.includes(bad))
          expect(refusal({ [name]: bad })).to.equal(`${name}=${bad}: must be one of ${values.join(', ')}`)
    })

  it('LULL_HTTP_TIMEOUT_MS, LULL_HANDOVER_URL and its secret belong to the http handover', () => {
    const env = { LULL_HANDOVER: 'http', LULL_HANDOVER_URL: 'https://example.org/in' }
    const handover = (more: Environment = {}) => plain(readConfig({ ...env, ...more })).handover
    expect(handover()).to.deep.equal({ kind: 'http', url: 'https://example.org/in', timeoutMs: 60_000 })
    expect(handover({ LULL_HANDOVER_SECRET: 's3cret', LULL_HTTP_TIMEOUT_MS: '500' })).to.deep.equal({
      kind: 'http',
      url: 'https://example.org/in',
      secret: 's3cret',
      timeoutMs: 500,
    })
    expect(refusal({ LULL_HANDOVER: 'http' })).to.match(/^LULL_HANDOVER=http: LULL_HANDOVER_URL is missing/)
    expect(refusal({ LULL_HTTP_TIMEOUT_MS: '1' })).to.match(/100 to 3600000/)
    expect(refusal({ LULL_HANDOVER: 'kafka' })).to.equal('LULL_HANDOVER=kafka: must be one of bullmq, http')
    for (const url of ['ftp://example.org', 'example.org', 'http://', 'x y'])
      expect(refusal({ LULL_HANDOVER_URL: url })).to.match(
        /^LULL_HANDOVER_URL=.*: must be an http:\/\/ or https:\/\/ URL$/,
      )
  })

  it('prefix, queue, handler, host, token and public URL are texts, checked for their form', () => {
    const config = readConfig({
      LULL_PREFIX: 'shop',
      LULL_QUEUE: 'inbox',
      LULL_QUEUE_PREFIX: 'q:a',
      LULL_WORKER_HANDLER: './answer.mjs',
      HOST: '::1',
      LULL_API_TOKEN: 'token',
      LULL_PUBLIC_URL: 'https://bot.example.org',
      WHATSAPP_VERIFY_TOKEN: 'any words',
    })
    expect(config.prefix).to.equal('shop')
    expect(config.handover.queue).to.include({ name: 'inbox', prefix: 'q:a' })
    expect(config.worker.handler).to.equal('./answer.mjs')
    expect(config.api).to.deep.equal({
      host: '::1',
      port: 3000,
      showTexts: true,
      token: 'token',
      publicUrl: 'https://bot.example.org',
    })
    expect(config.providers.meta).to.deep.equal({ verifyToken: 'any words' })
    expect(refusal({ LULL_PREFIX: 'a.b' })).to.match(/^LULL_PREFIX=a\.b: .*no dot, colon, brace/)
    expect(refusal({ LULL_QUEUE: 'a:b' })).to.match(/^LULL_QUEUE=a:b: .*without colons/)
    expect(refusal({ HOST: 'a b' })).to.match(/^HOST=a b: /)
    expect(refusal({ LULL_PUBLIC_URL: 'bot.example.org' })).to.match(/^LULL_PUBLIC_URL=bot\.example\.org: /)
  })

  it('LULL_OPS_PORT is off, or a port', () => {
    expect(readConfig({ LULL_OPS_PORT: 'off' })).not.to.have.property('opsPort')
    expect(readConfig({ LULL_OPS_PORT: '0' }).opsPort).to.equal(0)
  })

  it('LULL_ALLOW_UNSIGNED names providers, or all', () => {
    const allowed = (list: string) => readConfig({ LULL_ALLOW_UNSIGNED: list }).providers.allowUnsigned
    expect(allowed('all')).to.equal('all')
    expect(allowed('waha,all')).to.equal('all')
    expect(allowed('waha, generic')).to.deep.equal(['waha', 'generic'])
    expect(allowed('none')).to.deep.equal([])
    expect(refusal({ LULL_ALLOW_UNSIGNED: 'none,waha' })).to.match(
      /^LULL_ALLOW_UNSIGNED=none,waha: must be all, or none,/,
    )
    expect(refusal({ LULL_ALLOW_UNSIGNED: 'whats' })).to.match(
      /^LULL_ALLOW_UNSIGNED=whats: must be all, or .*green-api/,
    )
  })

  it('each provider’s secret goes to its provider', () => {
    const config = readConfig({
      WHATSAPP_APP_SECRET: 'a',
      GREEN_API_WEBHOOK_TOKEN: 'b',
      WAHA_HMAC_KEY: 'c',
      EVOLUTION_API_KEY: 'd',
      TWILIO_AUTH_TOKEN: 'e',
      LULL_PUBLIC_URL: 'https://x.example/lull',
      WAZZUP_CRM_KEY: 'f',
      WWEBJS_API_KEY: 'g',
    })
    expect(config.providers).to.deep.equal({
      meta: { appSecret: 'a' },
      greenApi: { webhookToken: 'b' },
      waha: { hmacKey: 'c' },
      evolution: { apiKey: 'd' },
      twilio: { authToken: 'e', publicUrl: 'https://x.example/lull' },
      wazzup: { crmKey: 'f' },
      wwebjs: { apiKey: 'g' },
    })
  })

  it('Twilio’s token needs the public URL, which Twilio signs', () => {
    expect(refusal({ TWILIO_AUTH_TOKEN: 'hush' })).to.match(/^TWILIO_AUTH_TOKEN=\*\*\*: LULL_PUBLIC_URL is missing/)
  })

  it('max wait is at least the quiet gap, and the TTL is more than it', () => {
    expect(refusal({ LULL_MAX_WAIT_MS: '9999' })).to.match(/^LULL_MAX_WAIT_MS=9999 .*LULL_QUIET_GAP_MS=10000/)
    expect(refusal({ LULL_BATCH_TTL_MS: '10000' })).to.match(/^LULL_BATCH_TTL_MS=10000 .*LULL_QUIET_GAP_MS=10000/)
    expect(readConfig({ LULL_MAX_WAIT_MS: '10000', LULL_BATCH_TTL_MS: '10001' }).rules).to.include({
      maxWaitMs: 10_000,
    })
  })

  it('an unknown LULL_ name is reported with the name that was probably meant, and other names are ignored', () => {
    expect(readConfig({ LULL_QUIET_GAP: '5', LULL_FLUX_CAPACITOR: '1', HOME: '/root' }).warnings).to.deep.equal([
      "LULL_QUIET_GAP is no setting of Lull's and has no effect: did you mean LULL_QUIET_GAP_MS?",
      "LULL_FLUX_CAPACITOR is no setting of Lull's and has no effect",
    ])
  })

  it('LULL_MOVE_FROM stops the start, and names what to do instead', () => {
    expect(refusal({ LULL_MOVE_FROM: 'redis://bob:hush@old' })).to.equal(
      'LULL_MOVE_FROM=redis://***@old: is not supported yet: drain the old Redis instead, as docs/operations.md says, and remove it',
    )
  })

  it('an error is one line of bounded length for any value', () => {
    expect(refusal({ LULL_ORDER: 'a\nb\u001b[31m' })).to.match(/^LULL_ORDER="a\\nb\\u001b\[31m": /)
    expect(refusal({ LULL_ORDER: 'x'.repeat(10_000) }).length).to.be.below(300)
  })

  describe('REDIS_URL', () => {
    const redis = (url: string, password?: string) => readConfig({ REDIS_URL: url, REDIS_PASSWORD: password }).redis

    it('is a redis:// URL with credentials and a database', () => {
      expect(redis('redis://bob:p%40ss@redis.example:6380/3')).to.deep.equal({
        host: 'redis.example',
        port: 6380,
        db: 3,
        username: 'bob',
        password: 'p@ss',
      })
      expect(redis('redis://[::1]')).to.deep.equal({ host: '::1', port: 6379, db: 0 })
      expect(redis('redis://:pw@h/')).to.deep.equal({ host: 'h', port: 6379, db: 0, password: 'pw' })
      expect(readConfig({ REDIS_URL: 'redis://h' }).redisIsSet).to.equal(true)
    })

    it('is a rediss:// URL for TLS', () => {
      expect(redis('rediss://h:6380')).to.deep.equal({ host: 'h', port: 6380, db: 0, tls: {} })
    })

    it('is the path of a socket', () => {
      expect(redis('/run/redis.sock')).to.deep.equal({ path: '/run/redis.sock', db: 0 })
      expect(redis('unix:///run/redis.sock?db=2&password=pw')).to.deep.equal({
        path: '/run/redis.sock',
        db: 2,
        password: 'pw',
      })
      expect(redis('.lull/redis.sock')).to.deep.equal({ path: '.lull/redis.sock', db: 0 })
    })

    it('REDIS_PASSWORD overrides its password, and goes with the default address too', () => {
      expect(redis('redis://bob:old@h', 'new one')).to.include({ username: 'bob', password: 'new one' })
      expect(readConfig({ REDIS_PASSWORD: 'pw' }).redis).to.include({ host: '127.0.0.1', password: 'pw' })
    })

    it('may name nodes of a Cluster, or Sentinels, and so may LULL_QUEUE_REDIS_URL', () => {
      const nodes = [7000, 7001].map(port => ({ host: 'h', port }))
      const sentinels = [{ host: 'h', port: 26_379 }]
      expect(redis('redis://h:7000,h:7001', 'pw')).to.deep.equal({ nodes, options: { password: 'pw' } })
      expect(redis('redis+sentinel://h/1?name=m', 'pw')).to.deep.equal({ sentinels, name: 'm', db: 1, password: 'pw' })
      const queue = (url: string) => readConfig({ LULL_QUEUE_REDIS_URL: url }).handover.queue?.redis
      expect(queue('redis://h:7000,h:7001')).to.deep.equal({ nodes, options: {} })
      expect(queue('redis+sentinel://h?name=m')).to.deep.equal({ sentinels, name: 'm', db: 0 })
    })

    it('ignores client options that would break the guarantees', () => {
      expect(redis('redis://h?enableOfflineQueue=true&maxRetriesPerRequest=20&family=6')).to.deep.equal({
        host: 'h',
        port: 6379,
        db: 0,
        family: 6,
      })
    })

    it('an address that cannot be used is refused, with the remedy', () => {
      expect(refusal({ REDIS_URL: '127.0.0.1:6379' })).to.match(/^REDIS_URL=127\.0\.0\.1:6379: must be redis:\/\//)
      expect(refusal({ REDIS_URL: 'http://h' })).to.match(/^REDIS_URL=http:\/\/h: must be redis:\/\//)
      expect(refusal({ REDIS_URL: 'redis://h/one' })).to.match(/whole number from 0/)
      expect(refusal({ REDIS_URL: 'redis://h:99999' })).to.match(/^REDIS_URL=/)
      expect(refusal({ REDIS_URL: 'redis+sentinel://h' })).to.match(/^REDIS_URL=redis\+sentinel:\/\/h: .*add \?name=/)
    })
  })

  describe('secrets', () => {
    for (const name of SECRETS)
      it(`${name} is not shown by its own error`, () => {
        const line = refusal({ [name]: 'hush hush\u0000' })
        expect(line)
          .to.match(new RegExp(`^${name}=\\*\\*\\*: must be`))
          .and.not.to.include('hush')
      })

    it('an address is shown without its credentials, even if it is malformed', () => {
      const addresses = [
        'redis://bob:hush@h/one',
        'redis://bob:hu#sh@h',
        'redis://bob:hu/sh@h:6379/x',
        'http://bob:hush@h',
        'bob:hush@h',
        'redis://:hush@sh@h:99999',
        'redis://:%hush@h',
        '/run/redis.sock?db=x&password=hush',
        'redis://h/x?password=hush',
        'redis://bob:hush@a,bob:hush@b',
        'redis+sentinel://bob:hush@h?sentinelUsername=bob&sentinelPassword=hush',
      ]
      for (const name of ['REDIS_URL', 'LULL_QUEUE_REDIS_URL'])
        for (const address of addresses) expect(refusal({ [name]: address })).not.to.match(/hu|bob/)
      expect(refusal({ LULL_HANDOVER_URL: 'https://bob:hush@h/' })).to.equal(
        'LULL_HANDOVER_URL=https://***@h/: must hold no user and no password',
      )
    })
  })

  describe('.env', () => {
    let directory: string

    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), 'lull-env-'))
    })
    afterEach(() => rmSync(directory, { recursive: true }))

    it('adds variables that are not set, and overrides none that is, not even an empty one', () => {
      process.env['LULL_TEST_SET'] = 'kept'
      process.env['LULL_TEST_EMPTY'] = ''
      try {
        writeFileSync(join(directory, '.env'), 'LULL_TEST_SET=lost\nLULL_TEST_EMPTY=lost\nLULL_TEST_NEW="a b" # why\n')
        expect(loadEnvironment(directory)).to.include({
          LULL_TEST_SET: 'kept',
          LULL_TEST_EMPTY: '',
          LULL_TEST_NEW: 'a b',
        })
        expect(process.env).not.to.have.property('LULL_TEST_NEW')
      } finally {
        delete process.env['LULL_TEST_SET']
        delete process.env['LULL_TEST_EMPTY']
      }
    })

    it('may be absent, but one that cannot be read is an error', () => {
      expect(loadEnvironment(directory)).to.deep.equal({ ...process.env })
      expect(() => loadEnvironment(join(directory, 'x\0'))).to.throw(ConfigError)
    })
  })
})

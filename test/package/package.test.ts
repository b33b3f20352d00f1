/**
 * Guarantee **package**: `npm i` of the result of `npm pack` brings few packages. It can be imported from ESM and from
 * CommonJS, runs `lull up` and the library's examples, and says in one line which optional package is missing. Types:
 * types.test.ts.
 */
import { cp, lstat, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { startCluster } from '../support/cluster.js'
import { INSTALL_TIMEOUT_MS, installedPackage, pack } from '../support/installed.js'
import { freePort, lull, runCommand, runNode } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Lull, ioredis and what ioredis needs. */
const PACKAGES = [
  '@ioredis/commands',
  'cluster-key-slot',
  'debug',
  'denque',
  'ioredis',
  'lull',
  'ms',
  'redis-errors',
  'standard-as-callback',
]
const MOST_BYTES = 10_000_000

const doctorSays = z.object({ findings: z.array(z.object({ check: z.string(), verdict: z.string() })) })

const NAMES = 'Batcher, bullmq, http, MemoryStore, Processor, webhook'

describe('package', function () {
  this.timeout(60_000)
  let folder: string
  let bin: string
  let paths: string[]

  before(async function () {
    this.timeout(INSTALL_TIMEOUT_MS)
    const installed = await installedPackage()
    folder = installed.folder
    bin = installed.bin
    paths = installed.paths
  })

  after(() => rm(folder, { recursive: true, force: true }))

  const evaluate = async (type: 'module' | 'commonjs', code: string) => {
    const line = await runNode([`--input-type=${type}`, '--eval', code], { cwd: folder })
    return z.record(z.string(), z.unknown()).parse(JSON.parse(line))
  }

  it('brings ioredis and nothing else, in a few megabytes', async () => {
    const lock = z
      .object({ packages: z.record(z.string(), z.unknown()) })
      .parse(JSON.parse(await readFile(join(folder, 'node_modules/.package-lock.json'), 'utf8')))
    const names = Object.keys(lock.packages).map(path => path.replace(/^.*node_modules\//, ''))
    expect(names.toSorted()).to.deep.equal(PACKAGES)
    const files = await readdir(join(folder, 'node_modules'), { recursive: true, withFileTypes: true })
    const sizes = files.filter(file => file.isFile()).map(file => lstat(join(file.parentPath, file.name)))
    const bytes = (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0)
    expect(bytes).to.be.below(MOST_BYTES)
  })

  it('holds what it needs, without sources, tests and source maps', () => {
    expect(paths).to.include.members([
      'LICENSE',
      'README.md',
      'dist/THIRD-PARTY-LICENSES.txt',
      'docs/batch.schema.json',
      'docs/openapi.json',
      'dist/cjs/index.d.ts',
      'dist/cjs/index.js',
      'dist/dashboard/index.html',
      'dist/esm/bin.js',
      'dist/esm/index.d.ts',
      'dist/esm/index.js',
      'docs/library.md',
      'redis.conf',
    ])
    expect(paths.filter(path => /^(src|test|scripts|bench|dist\/internal)\//.test(path))).to.deep.equal([])
    expect(paths.filter(path => path.startsWith('.') || /\.(log|map)$/.test(path))).to.deep.equal([])
  })

  it('has every file that its README and its documentation link to', async () => {
    const pages = paths.filter(path => path === 'README.md' || /^docs\/.*\.md$/.test(path))
    const links = await Promise.all(pages.map(page => linksOf(page)))
    const missing = links.flat().filter(link => !paths.some(path => path === link || path.startsWith(`${link}/`)))
    expect(missing).to.deep.equal([])
  })

  const linksOf = async (page: string) => {
    const text = await readFile(join(folder, 'node_modules/lull', page), 'utf8')
    const targets = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)|(?:src|srcset)="([^"]+)"/g)].map(
      ([, link, image]) => link ?? image ?? '',
    )
    return targets
      .filter(target => !/^(https?|mailto):/.test(target))
      .map(target => normalize(join(dirname(page), target)).replace(/\/$/, ''))
  }

  it('names the licence of every package that is bundled', async () => {
    const licences = await readFile(join(folder, 'node_modules/lull/dist/THIRD-PARTY-LICENSES.txt'), 'utf8')
    for (const name of ['koa', 'commander', 'pino', 'zod'])
      expect(licences).to.match(new RegExp(`^${name} \\d[\\d.]+: MIT$`, 'm'))
    expect(licences).to.not.match(/^\S+ \S+: undefined$/m)
  })

  it('is built when it is packed without a `dist`, as npm does for a git address', async function () {
    this.timeout(INSTALL_TIMEOUT_MS)
    const copy = await mkdtemp(join(tmpdir(), 'lull-sources-'))
    try {
      for (const name of ['package.json', 'package-lock.json', 'tsconfig.json', 'scripts', 'src'])
        await cp(join(root, name), join(copy, name), { recursive: true })
      await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
      expect((await pack(copy, copy)).paths).to.include.members(['dist/esm/bin.js', 'dist/cjs/index.d.ts'])
    } finally {
      await rm(copy, { recursive: true, force: true })
    }
  })

  it('can be imported from ESM, which opens nothing', async () => {
    const found = await evaluate(
      'module',
      `const { ${NAMES} } = await import('lull')
      console.log(JSON.stringify({
        types: [${NAMES}].map(value => typeof value),
        opened: process.getActiveResourcesInfo().filter(resource => /TCP|TLS|Server|Timeout|Process|FS|Signal/.test(resource)),
        listeners: process.listenerCount('SIGTERM') + process.listenerCount('SIGINT') + process.listenerCount('uncaughtException'),
      }))`,
    )
    expect(found).to.deep.equal({ types: Array(6).fill('function'), opened: [], listeners: 0 })
  })

  it('can be required from CommonJS, which loads one file of Lull and none of BullMQ', async () => {
    const found = await evaluate(
      'commonjs',
      `const { ${NAMES} } = require('lull')
      console.log(JSON.stringify({
        types: [${NAMES}].map(value => typeof value),
        loaded: Object.keys(require.cache).filter(path => !/node_modules.(?!lull)/.test(path)).length,
        others: [...new Set(Object.keys(require.cache).flatMap(path => /node_modules.((?:@[^/]+.)?[^/]+)/.exec(path)?.[1] ?? []))],
      }))`,
    )
    expect(found['types']).to.deep.equal(Array(6).fill('function'))
    expect(found['loaded']).to.equal(1)
    expect(found['others']).to.include('ioredis').and.not.include('bullmq')
  })

  it('makes a batch of two messages from CommonJS', async () => {
    const found = await evaluate(
      'commonjs',
      `const { Batcher, MemoryStore, Processor } = require('lull')
      const store = new MemoryStore({ quietGapMs: 50 })
      const batcher = new Batcher({ store })
      const processor = new Processor({ store, handle: batch => { console.log(JSON.stringify({ text: batch.text })); void processor.stop() } })
      processor.start().then(() => batcher.append('a@c.us', [{ messageId: '1', text: 'hi' }, { messageId: '2', text: 'there' }]))`,
    )
    expect(found).to.deep.equal({ text: 'hi\nthere' })
  })

  it('has the JSON Schema of a batch, and the API’s description', async () => {
    const found = await evaluate(
      'commonjs',
      `console.log(JSON.stringify({
        batch: require('lull/batch.schema.json').properties.version.const,
        openapi: require('lull/openapi.json').openapi,
      }))`,
    )
    expect(found).to.deep.equal({ batch: 1, openapi: '3.1.1' })
  })

  it('`lull --version` prints the version', async () => {
    const { version } = z
      .object({ version: z.string() })
      .parse(JSON.parse(await runNode(['-p', `JSON.stringify(require('lull/package.json'))`], { cwd: folder })))
    expect((await runCommand(bin, ['--version'], { cwd: folder })).trim()).to.equal(version)
  })

  const SHORT = { LULL_QUIET_GAP_MS: '1500' }
  const upTakesABatch = async (args: string[], env: Record<string, string>, meanwhile = async () => {}) => {
    const port = await freePort()
    const up = await lull(['up', ...args], { PORT: String(port), ...SHORT, ...env }, { bin })
    try {
      const url = `http://127.0.0.1:${port}`
      await until(() => answersOk(`${url}/livez`), { what: () => `/livez; its output: ${up.stderr.join(' | ')}` })
      for (const [i, text] of ['hi', 'a cake'].entries()) {
        const response = await fetch(`${url}/webhook/whatsapp/batched/generic`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ chatId: 'a@c.us', messageId: `m${i}`, text }),
        })
        expect(response.status).to.equal(200)
      }
      const described: unknown = await (await fetch(`${url}/openapi.json`)).json()
      const packed = await readFile(join(folder, 'node_modules/lull/docs/openapi.json'), 'utf8')
      expect(described).to.deep.equal(JSON.parse(packed))
      await up.line(/a@c\.us: 2 messages by gap/)
      await meanwhile()
      return [...up.stdout, ...up.stderr].join('\n')
    } finally {
      expect((await up.stop()).code).to.equal(0)
    }
  }

  it('`lull up --embedded` makes a batch of two messages', () => upTakesABatch(['--embedded'], {}))

  /** Settings on a Redis, for a test alone. */
  const onRedis = async () => {
    const prefix = uniquePrefix()
    return { REDIS_URL: await testRedis(), LULL_PREFIX: prefix, LULL_QUEUE: prefix }
  }

  it('`lull up` without BullMQ makes a batch on a Redis, and says how to get a queue', async () => {
    const env = await onRedis()
    const said = await upTakesABatch([], env, async () => {
      const examined = await lull(['doctor', '--json'], { ...SHORT, ...env }, { bin })
      await examined.exit
      const { findings } = doctorSays.parse(JSON.parse(examined.stdout.join('')))
      // Nothing misses a queue that there is not.
      expect(findings.filter(({ check }) => /^(settings|workers|queue)/.test(check))).to.deep.equal([
        { check: 'settings', verdict: 'ok' },
      ])
      const forgot = await lull(['forget', 'a@c.us'], env, { bin })
      expect(await forgot.exit).to.deep.equal({ code: 0, signal: null })
      expect(forgot.stdout.join('')).to.include('forgot a@c.us: ')
    })
    expect(said).to.match(/bullmq is not installed, so there is no queue.*npm install bullmq/)
  })

  it('`lull up` without BullMQ makes a batch on a Cluster, whichever nodes the address names', async () => {
    const cluster = await startCluster({ replicas: 0 })
    try {
      for (const nodes of [cluster.seeds, ...cluster.seeds.map(seed => [seed])]) {
        const at = nodes.map(({ host, port }) => `${host}:${port}`).join(',')
        const said = await upTakesABatch([], { REDIS_URL: `redis://${at}`, LULL_PREFIX: uniquePrefix() })
        expect(said).to.match(/bullmq is not installed, so there is no queue/)
      }
    } finally {
      await cluster.stop()
    }
  })

  for (const [what, args, env] of [
    ['a worker', ['worker'], {}],
    ['a processor', ['processor'], {}],
    ['`lull up` that is to use the queue', ['up'], { LULL_HANDOVER: 'bullmq', PORT: '0' }],
  ] as const)
    it(`${what} without BullMQ ends with the command that installs it`, async () => {
      const failed = await lull([...args], { ...(await onRedis()), ...env }, { bin })
      expect(await failed.exit).to.deep.equal({ code: 1, signal: null })
      expect(failed.stderr.at(-1)).to.match(/needs the package bullmq: npm install bullmq@6$/)
    })

  it('`lull up` without BullMQ does not pass by a queue that is there', async () => {
    const env = await onRedis()
    const redis = new Redis(env.REDIS_URL)
    await redis.hset(`bull:${env.LULL_QUEUE}:meta`, 'version', 'bullmq:6')
    await redis.quit()
    const failed = await lull(['up'], { ...env, PORT: '0' }, { bin })
    expect((await failed.exit).code).to.equal(1)
    expect(failed.stderr.at(-1)).to.match(/npm install bullmq@6; there is a queue .* already/)
  })

  it('the board without BullMQ answers 501 with the command that installs it', async () => {
    const api = await lull(['api'], { ...(await onRedis()), PORT: '0', LULL_API_TOKEN: 'a-token' }, { bin })
    try {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(await api.line(/api listens on/))?.[0]
      const board = await fetch(`${url}/queues`, { headers: { authorization: 'Bearer a-token' } })
      expect(board.status).to.equal(501)
      expect(await board.text()).to.include('npm install bullmq@6')
    } finally {
      await api.stop()
    }
  })

  it('`lull up` with BullMQ makes a batch on a Redis through the queue', async () => {
    // As `npm i bullmq` would install it.
    await symlink(join(root, 'node_modules/bullmq'), join(folder, 'node_modules/bullmq'))
    try {
      const said = await upTakesABatch([], await onRedis())
      expect(said).to.match(/worker takes batches from the queue/)
    } finally {
      await rm(join(folder, 'node_modules/bullmq'))
    }
  })

  for (const example of ['library.mjs', 'embedded.mjs'])
    it(`examples/${example} runs`, async () => {
      await cp(join(folder, 'node_modules/lull/examples', example), join(folder, example))
      const env = { ...process.env, REDIS_URL: await testRedis() }
      expect(await runNode([example], { cwd: folder, env })).to.match(/cake/)
    })
})

const answersOk = (url: string) =>
  fetch(url).then(
    response => response.ok,
    () => false,
  )

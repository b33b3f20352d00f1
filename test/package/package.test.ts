/**
 * Guarantee **package**: the result of `npm pack`, installed elsewhere, can be imported from ESM and from CommonJS, has
 * types for both, and runs `lull up` and the library's examples.
 */
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { z } from 'zod'
import { freePort, lull, runCommand, runNode } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const INSTALL_TIMEOUT_MS = 180_000
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error']

/** Uses the names of the contract, with their types. */
const USE = `
const store = new MemoryStore({ quietGapMs: 500 })
const batcher: Batcher = new Batcher({ store })
const result: AppendResult = await batcher.append('a@c.us', [{ messageId: '1', text: 'hi' }])
const due: number | undefined = result.dueInMs
const processor = new Processor({ store, handle: (batch: Batch, { signal, attempt }) => void [batch.text, signal.aborted, attempt + 1] })
const receive: (request: Request) => Promise<Response> = webhook({ batcher, providers: { meta: { verifyToken: 'x' } } })
const handovers = [bullmq({ queue: 'q', redis: 'redis://127.0.0.1' }), http({ url: 'https://example.org' })]
// @ts-expect-error: a message has an id
void batcher.append('a@c.us', { text: 'hi' })
export { due, handovers, processor, receive }
`
const NAMES = 'Batcher, bullmq, http, MemoryStore, Processor, webhook'

describe('package', function () {
  this.timeout(60_000)
  let folder: string
  let bin: string

  before(async function () {
    this.timeout(INSTALL_TIMEOUT_MS)
    folder = await realpath(await mkdtemp(join(tmpdir(), 'lull-package-')))
    const packed = await runCommand('npm', ['pack', '--json', '--pack-destination', folder, ...QUIET], { cwd: root })
    const { filename } = parsePacked(packed)
    await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
    await runCommand('npm', ['install', '--prefer-offline', ...QUIET, join(folder, filename)], { cwd: folder })
    bin = join(folder, 'node_modules/.bin/lull')
  })

  after(() => rm(folder, { recursive: true, force: true }))

  const evaluate = async (type: 'module' | 'commonjs', code: string) => {
    const line = await runNode([`--input-type=${type}`, '--eval', code], { cwd: folder })
    return z.record(z.string(), z.unknown()).parse(JSON.parse(line))
  }

  it('holds what it needs, without sources and tests', async () => {
    const packed = await runCommand('npm', ['pack', '--json', '--dry-run', '--ignore-scripts', ...QUIET], { cwd: root })
    const paths = parsePacked(packed).files.map(({ path }) => path)
    expect(paths).to.include.members([
      'LICENSE',
      'README.md',
      'docs/batch.schema.json',
      'docs/openapi.json',
      'dist/cjs/index.d.ts',
      'dist/cjs/index.js',
      'dist/esm/bin.js',
      'dist/esm/index.d.ts',
      'dist/esm/index.js',
      'redis.conf',
    ])
    expect(paths.filter(path => /^(src|test|scripts|bench)\//.test(path))).to.deep.equal([])
    expect(paths.filter(path => path.startsWith('.') || path.endsWith('.log'))).to.deep.equal([])
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

  it('can be required from CommonJS, which does not load BullMQ', async () => {
    const found = await evaluate(
      'commonjs',
      `const { ${NAMES} } = require('lull')
      console.log(JSON.stringify({
        types: [${NAMES}].map(value => typeof value),
        bullmq: Object.keys(require.cache).filter(path => /node_modules.bullmq/.test(path)).length,
      }))`,
    )
    expect(found).to.deep.equal({ types: Array(6).fill('function'), bullmq: 0 })
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

  it('has types for ESM and for CommonJS, also with `skipLibCheck` off', async () => {
    const types = join(folder, 'node_modules/@types')
    await mkdir(types, { recursive: true })
    await symlink(join(root, 'node_modules/@types/node'), join(types, 'node')).catch(error => {
      if (error.code !== 'EEXIST') throw error
    })
    const imports = `import { type AppendResult, type Batch, ${NAMES} } from 'lull'\n`
    await writeFile(join(folder, 'use.mts'), imports + USE)
    // CommonJS has no top-level await.
    await writeFile(
      join(folder, 'use.cts'),
      imports + USE.replace(/await (.*)$/m, '(void $1, { accepted: 1, duplicates: 0, tooOld: 0 })'),
    )
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2022',
      lib: ['es2022', 'esnext.disposable', 'dom'],
      strict: true,
      noEmit: true,
      types: ['node'],
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.mts', 'use.cts'] }))
    await runNode([join(root, 'node_modules/typescript/bin/tsc'), '--project', folder])
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

  const upTakesABatch = async (args: string[], env: Record<string, string>) => {
    const port = await freePort()
    const up = await lull(['up', ...args], { PORT: String(port), LULL_QUIET_GAP_MS: '1500', ...env }, { bin })
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
    } finally {
      expect((await up.stop()).code).to.equal(0)
    }
  }

  it('`lull up --embedded` makes a batch of two messages', () => upTakesABatch(['--embedded'], {}))

  it('`lull up` makes a batch of two messages on a Redis', async () => {
    const prefix = uniquePrefix()
    await upTakesABatch([], { REDIS_URL: await testRedis(), LULL_PREFIX: prefix, LULL_QUEUE: prefix })
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

function parsePacked(json: string) {
  const file = z.object({ path: z.string() })
  const [packed] = z.array(z.object({ filename: z.string(), files: z.array(file) })).parse(JSON.parse(json))
  if (!packed) throw new Error('npm pack made nothing')
  return packed
}

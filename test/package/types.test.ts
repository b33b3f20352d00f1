/**
 * Guarantee **types**: programs that use the installed package compile under the settings of today's frameworks, without
 * any other package than Node's types, and the package has no fault that the tools for it know.
 */
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { INSTALL_TIMEOUT_MS, installedPackage } from '../support/installed.js'
import { NEXT_COMPILER_OPTIONS } from '../support/next-compiler-options.js'
import { runNode } from '../support/processes.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const modules = join(root, 'node_modules')
/** TypeScript 5.6, which knows `moduleResolution: node`; 7 does not. */
const olderTypescript = createRequire(createRequire(import.meta.url).resolve('@arethetypeswrong/core')).resolve(
  'typescript/bin/tsc',
)

/** Uses the names of the contract, with their types. */
const USE = `
import {
  type AppendResult, type Batch, Batcher, type BatcherOptions, bullmq, http, MemoryStore, Processor, type ProviderName,
  type ProvidersOptions, type RuleOptions, type Rules, webhook,
} from 'lull'
import { Redis } from 'ioredis'
const store = new MemoryStore({ quietGapMs: 500 })
const batcher: Batcher = new Batcher({ store })
const result: Promise<AppendResult> = batcher.append('a@c.us', [{ messageId: '1', text: 'hi' }])
const due: Promise<number | undefined> = result.then(({ dueInMs }) => dueInMs)
const processor = new Processor({ store, handle: (batch: Batch, { signal, attempt }) => void [batch.text, signal.aborted, attempt + 1] })
const receive: (request: Request) => Promise<Response> = webhook({ batcher, providers: { meta: { verifyToken: 'x' } } })
const handovers = [bullmq({ queue: 'q', redis: 'redis://127.0.0.1' }), http({ url: 'https://example.org' })]
const rules: RuleOptions = { quietGapMs: 500, order: 'serial', holdTypes: ['voice', 'audio'] }
const most: number = ({} as Rules).maxBytes
// @ts-expect-error: a message has an id
void batcher.append('a@c.us', { text: 'hi' })
// @ts-expect-error: no such order
const wrongOrder: RuleOptions = { order: 'sometimes' }
// @ts-expect-error: a number
const wrongRule: string = ({} as Rules).maxBytes
// @ts-expect-error: it is appSecret
const wrongSecret: ProvidersOptions = { meta: { appsecret: 'x' } }
interface Order { orderId: string }
const orders = new Processor<Order>({ store, handle: ({ messages }) => messages.map(({ meta }) => meta && meta.orderId) })
void new Batcher<Order>({ store }).append('a@c.us', { messageId: '1', meta: { orderId: 'o-1' } })
// @ts-expect-error: an Order has no such field
void new Batcher<Order>({ store }).append('a@c.us', { messageId: '1', meta: { order: 'o-1' } })
const ours: ProviderName[] = ['meta', 'a-channel-of-ours']
const clients = () => [new Batcher({ redis: {} as Redis }), new Batcher({ redis: () => ({}) as Redis })]
type Own = BatcherOptions & { tenant: string }
const tenant: string = ({} as Own).tenant
export { clients, orders, ours, tenant, due, handovers, most, processor, receive, rules, wrongOrder, wrongRule, wrongSecret }
`

describe('types of the package', function () {
  this.timeout(60_000)
  let folder: string
  let tarball: string

  before(async function () {
    this.timeout(INSTALL_TIMEOUT_MS)
    const installed = await installedPackage()
    folder = installed.folder
    tarball = installed.tarball
    await mkdir(join(folder, 'node_modules/@types'))
    await symlink(join(modules, '@types/node'), join(folder, 'node_modules/@types/node'))
    for (const file of ['use.ts', 'use.mts', 'use.cts']) await writeFile(join(folder, file), USE)
  })

  after(() => rm(folder, { recursive: true, force: true }))

  const compile = async (tsc: string, compilerOptions: object, files: string[]) => {
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
    await runNode([tsc, '--project', folder, '--noEmit'])
  }

  it('are found by ESM and by CommonJS, also with `skipLibCheck` off', () =>
    compile(
      join(modules, 'typescript/bin/tsc'),
      {
        module: 'nodenext',
        target: 'es2022',
        lib: ['es2022', 'esnext.disposable', 'dom'],
        strict: true,
        exactOptionalPropertyTypes: true,
        types: ['node'],
      },
      ['use.mts', 'use.cts'],
    ))

  it('are found with the tsconfig of `nest new` (Nest 10: moduleResolution node)', () =>
    compile(
      olderTypescript,
      {
        module: 'commonjs',
        declaration: true,
        removeComments: true,
        emitDecoratorMetadata: true,
        experimentalDecorators: true,
        allowSyntheticDefaultImports: true,
        target: 'ES2021',
        sourceMap: true,
        outDir: './dist',
        baseUrl: './',
        incremental: true,
        skipLibCheck: true,
        strictNullChecks: false,
        noImplicitAny: false,
        strictBindCallApply: false,
        forceConsistentCasingInFileNames: false,
        noFallthroughCasesInSwitch: false,
      },
      ['use.ts'],
    ))

  it('are found with the tsconfig of create-next-app (Next 15: moduleResolution bundler)', () =>
    compile(olderTypescript, NEXT_COMPILER_OPTIONS, ['use.ts']))

  it('have no fault that arethetypeswrong knows', () =>
    runNode([
      join(modules, '@arethetypeswrong/cli/dist/index.js'),
      tarball,
      '--no-definitely-typed',
      // Data: who resolves as Node 10 did reads them by their path, docs/openapi.json.
      '--exclude-entrypoints',
      'batch.schema.json',
      'openapi.json',
    ]))

  it('are described by a package.json in which publint finds nothing', () =>
    runNode([join(modules, 'publint/src/cli.js'), 'run', '--strict', tarball]))
})

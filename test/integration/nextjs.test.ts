/**
 * Guarantee **frameworks**, for Next.js: its route is a function from Request to Response with the types that Next asks
 * for. Next itself, 370 MB with its packages, is not installed: docs/recipes/nextjs.md says what was tried by hand.
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Batcher } from '../../src/batcher.js'
import { META, metaConversation, metaHandshake, metaWebhook } from '../support/meta-webhook.js'
import { NEXT_COMPILER_OPTIONS } from '../support/next-compiler-options.js'
import { build, example, type LullProcess, runNode } from '../support/processes.js'
import { testRedis } from '../support/redis.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const ROUTE = 'examples/nextjs/app/webhook/route.ts'
const URL_OF_IT = 'https://bot.example/webhook'

interface Route {
  GET(request: Request): Promise<Response>
  POST(request: Request): Promise<Response>
}

describe('frameworks: Next.js', function () {
  this.timeout(180_000)

  it('the route has the types that `next build` asks of it', async () => {
    await build()
    const folder = await mkdtemp(join(tmpdir(), 'lull-next-'))
    try {
      await mkdir(join(folder, 'node_modules'))
      await symlink(root, join(folder, 'node_modules/lull'))
      await symlink(join(root, 'node_modules/@types'), join(folder, 'node_modules/@types'))
      await symlink(join(root, 'examples/nextjs/app'), join(folder, 'app'))
      await symlink(join(root, 'examples/nextjs/lib'), join(folder, 'lib'))
      // As Next's own generated .next/types/validator.ts has it; a NextRequest is a Request.
      await writeFile(
        join(folder, 'validator.ts'),
        `type Handler = (request: Request & { nextUrl: URL }, context: { params: Promise<{}> }) => Promise<Response | void> | Response | void
         import * as route from './app/webhook/route'
         export const checked: { GET: Handler; POST: Handler } = route`,
      )
      const compilerOptions = { ...NEXT_COMPILER_OPTIONS, types: ['node'], preserveSymlinks: true }
      await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['validator.ts'] }))
      const require = createRequire(import.meta.url)
      const tsc = createRequire(require.resolve('@arethetypeswrong/core')).resolve('typescript/bin/tsc')
      await runNode([tsc, '--project', folder])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  describe('at run time', () => {
    let processor: LullProcess
    let route: Route

    before(async () => {
      await build()
      Object.assign(process.env, { REDIS_URL: await testRedis() })
      route = await import(new URL(`../../${ROUTE}`, import.meta.url).href)
    })
    after(async () => {
      const { lullBatcher }: { lullBatcher?: Batcher } = Object(globalThis)
      await lullBatcher?.close()
      for (const name of ['REDIS_URL', 'WHATSAPP_APP_SECRET', 'WHATSAPP_VERIFY_TOKEN']) delete process.env[name]
    })
    afterEach(() => processor.stop())

    it('the import needs no secret; two signed webhooks become one batch, and what is not signed is refused', async () => {
      Object.assign(process.env, { WHATSAPP_APP_SECRET: META.appSecret, WHATSAPP_VERIFY_TOKEN: META.verifyToken })
      processor = await example('nextjs/processor.mjs', { REDIS_URL: await testRedis() })
      await processor.line(/^waiting/)
      const post = async (text: string, secret?: string) => {
        const request = new Request(URL_OF_IT, metaWebhook({ text, ...(secret && { secret }) }))
        return (await route.POST(request)).status
      }
      const challenge = await route.GET(new Request(URL_OF_IT + metaHandshake('42')))
      expect(await challenge.text()).to.equal('42')
      expect(await post('forged', 'another secret')).to.equal(401)
      expect(await post('Привет 👋')).to.equal(200)
      expect(await post('a/b?')).to.equal(200)
      await processor.line(/: Привет/)
      expect(processor.stdout.slice(1)).to.deep.equal([`${metaConversation()}: Привет 👋 · a/b?`])
    })
  })
})

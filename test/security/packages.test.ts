/**
 * What is installed where: a processor runs without the compiler, twilio and bull-board, and images have full versions.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type LullProcess, lull, runNode } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'

const file = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

/** The packages that scripts/keep-packages.mjs leaves installed. */
async function keptWith(...optional: string[]): Promise<string[]> {
  const script = fileURLToPath(new URL('../../scripts/keep-packages.mjs', import.meta.url))
  const paths = await runNode([script, '--list', ...optional])
  return paths
    .trim()
    .split('\n')
    .map(path => path.replace(/^.*node_modules\//, ''))
}

describe('packages', function () {
  this.timeout(60_000)
  const running: LullProcess[] = []
  afterEach(async () => {
    for (const command of running.splice(0)) await command.kill()
  })

  it('the image of a processor has no compiler, no twilio and no bull-board', async () => {
    const needed = await keptWith('bullmq')
    expect(needed).to.include('bullmq').and.include('ioredis')
    expect(
      needed.filter(name => /^(typescript|twilio|axios|lodash|@bull-board|@typescript|@types)(\/|$)/.test(name)),
    ).to.deep.equal([])
    expect(await keptWith())
      .to.include.members(['bullmq', 'twilio', '@bull-board/koa'])
      .and.not.include('typescript')
  })

  it('without the optional ones every role runs, and the board names them', async () => {
    const prefix = uniquePrefix()
    const hooks = fileURLToPath(new URL('../support/without-optional.mjs', import.meta.url))
    const env = {
      REDIS_URL: await testRedis(),
      LULL_PREFIX: prefix,
      LULL_QUEUE: `queue-${prefix}`,
      LULL_API_TOKEN: 'a-token',
      LULL_QUIET_GAP_MS: '50',
      PORT: '0',
      NODE_OPTIONS: `--import=${hooks}`,
    }
    const start = async (role: string) => {
      const command = await lull([role], env)
      running.push(command)
      return command
    }
    const [api, worker] = [await start('api'), await start('worker'), await start('processor')]
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(await api.line(/api listens on/))?.[0]
    const headers = { authorization: 'Bearer a-token', 'content-type': 'application/json' }
    const body = JSON.stringify({ messageId: 'm1', text: 'hi' })
    expect((await fetch(`${url}/conversations/c/messages`, { method: 'POST', headers, body })).status).to.equal(200)
    await worker.line(/the handler is done/)
    const board = await fetch(`${url}/queues`, { headers })
    expect(board.status).to.equal(501)
    expect(await board.text()).to.include('npm install @bull-board/api@9 @bull-board/koa@9')
  })

  it('every image has a full version or a digest', () => {
    const dockerfile = file('Dockerfile')
    const stages = [...dockerfile.matchAll(/ AS (\S+)$/gm)].map(([, name]) => name)
    const argumentOf = (name: string) => new RegExp(`^ARG ${name}=(\\S+)$`, 'm').exec(dockerfile)?.[1] ?? ''
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image = '']) =>
      image.replace(/\$\{(\w+)\}/g, (_, name: string) => argumentOf(name)),
    )
    const images = [
      ...bases.filter(image => !stages.includes(image)),
      ...[...file('docker-compose.yml').matchAll(/^\s+image: (\S+)$/gm)].map(([, image = '']) => image),
    ].filter(image => !/^lull(-api)?$/.test(image))
    expect(images)
      .to.include.members(bases.filter(image => /^node:/.test(image)))
      .and.have.length.above(2)
    for (const image of images) expect(image).to.match(/:\d+\.\d+\.\d+(-\w+)?$|@sha256:[0-9a-f]{64}$/)
  })
})

/**
 * What is installed where: a processor runs without the compiler, twilio and bull-board, and images have full versions.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { z } from 'zod'
import { type LullProcess, lull } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'

const file = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

const names = z.record(z.string(), z.string()).default({})
const locked = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      dev: z.boolean().optional(),
      optional: z.boolean().optional(),
      devOptional: z.boolean().optional(),
    }),
  ),
})

describe('packages', function () {
  this.timeout(60_000)
  const running: LullProcess[] = []
  afterEach(async () => {
    for (const command of running.splice(0)) await command.kill()
  })

  it('without the optional and the development ones there is no compiler, no twilio and no bull-board', () => {
    const { packages } = locked.parse(JSON.parse(file('package-lock.json')))
    const needed = Object.entries(packages)
      .filter(([, { dev, optional, devOptional }]) => !dev && !optional && !devOptional)
      .map(([path]) => path.replace(/^.*node_modules\//, ''))
    expect(needed).to.include('bullmq').and.include('koa')
    expect(
      needed.filter(name => /^(typescript|twilio|axios|lodash|@bull-board|@typescript|@types)(\/|$)/.test(name)),
    ).to.deep.equal([])
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
    expect(await board.text()).to.include('npm install @bull-board/api @bull-board/koa')
  })

  it('every image has a full version or a digest', () => {
    const dockerfile = file('Dockerfile')
    const stages = [...dockerfile.matchAll(/ AS (\S+)$/gm)].map(([, name]) => name)
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image = '']) => image)
    const images = [
      ...bases.filter(image => !stages.includes(image) && !image.startsWith('$')),
      ...[...file('docker-compose.yml').matchAll(/^\s+image: (\S+)$/gm)].map(([, image = '']) => image),
    ].filter(image => !/^lull(-api)?$/.test(image))
    expect(images).to.have.length(5)
    for (const image of images) expect(image).to.match(/:\d+\.\d+\.\d+(-\w+)?$|@sha256:[0-9a-f]{64}$/)
    expect(names.parse(JSON.parse(file('package.json')).optionalDependencies)).to.have.all.keys(
      'twilio',
      '@bull-board/api',
      '@bull-board/koa',
    )
  })
})

/** A client that is generated from `/openapi.json` of a running API compiles, and runs the whole life of a conversation. */
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { json } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { createApp } from '../../src/api/app.js'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { http } from '../../src/handover/http.js'
import { listen } from '../../src/http/listen.js'
import { silent } from '../../src/logger.js'
import { Processor } from '../../src/processor/processor.js'
import { runNode } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const TOKEN = 'a-token'
const PROGRAM = 'test/support/openapi/program'
const GENERATOR = 'node_modules/openapi-typescript/bin/cli.js'

interface Client {
  clientOf(url: string, token: string): unknown
  life(lull: unknown, receiver: { next(): Promise<Batch>; refuse(isRefusing: boolean): void }): Promise<unknown>
}

describe('a client generated from /openapi.json', () => {
  const releases: (() => unknown)[] = []
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  /** Answers 202, or 500 while it refuses. */
  async function receiver() {
    const taken: Batch[] = []
    let isRefusing = false
    const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
      const batch = await json(request)
      if (!isRefusing) taken.push(batch as Batch)
      response.writeHead(isRefusing ? 500 : 202).end()
    })
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    releases.push(() => new Promise(done => server.close(done)))
    const refuse = (now: boolean) => {
      isRefusing = now
    }
    const { port } = server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}/`, refuse, next: () => until(() => taken.shift(), { what: 'a batch' }) }
  }

  async function running(url: string): Promise<string> {
    const options = { redis: await testRedis(), prefix: uniquePrefix(), quietGapMs: 200, maxAttempts: 1 }
    const batcher = new Batcher(options)
    const processor = new Processor({ ...options, handover: http({ url }) })
    const api = await listen(createApp({ batcher, log: silent, apiToken: TOKEN, providers: {} }), {
      host: '127.0.0.1',
      port: 0,
    })
    releases.push(
      () => batcher.close(),
      () => processor.stop({ timeoutMs: 1000 }),
      () => api.close(1000),
    )
    await processor.start()
    return api.url
  }

  /** A folder with the generated client and the programs that use it. */
  async function generated(api: string): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'lull-client-'))
    releases.push(() => rmSync(folder, { recursive: true }))
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
    for (const file of ['life.ts', 'mistakes.ts']) copyFileSync(join(PROGRAM, file), join(folder, file))
    const compilerOptions = { strict: true, noEmit: true, module: 'nodenext', target: 'es2022', types: [] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    const hook = pathToFileURL('test/support/openapi/typescript-api.mjs').href
    await runNode(['--import', hook, GENERATOR, `${api}/openapi.json`, '-o', join(folder, 'api.ts')])
    return folder
  }

  it('refuses wrong names at compile time, and runs a whole life', async () => {
    const { url, ...receiving } = await receiver()
    const api = await running(url)
    const folder = await generated(api)
    await runNode(['node_modules/typescript/bin/tsc', '-p', folder])
    const { clientOf, life }: Client = await import(pathToFileURL(join(folder, 'life.ts')).href)
    expect(await life(clientOf(api, TOKEN), receiving)).to.deep.equal({
      quietGap: { name: 'quietGapMs', value: 30_000, scope: 'shop' },
      accepted: 2,
      waiting: 2,
      edited: 'edited',
      flushed: 2,
      text: 'hi\na plain cake',
      committed: true,
      freed: true,
      again: 410,
      isAnswered: true,
      dead: ['m3'],
      redriven: true,
      paused: 'collect',
      resumed: true,
      lives: ['answered', 'answered'],
      forgotten: 0,
      rules: {},
    })
  }).timeout(90_000)
})

/**
 * Guarantee **shutdown**: SIGTERM at any moment, under load. An API answers the requests that it has begun to read; a
 * processor hands over what it has claimed, or gives it back for another one to claim at once; every process ends
 * within its bound.
 */
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { z } from 'zod'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { hangingProxy } from '../support/hanging-proxy.js'
import { type LullProcess, lull } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = 'a@c.us'
const SHUTDOWN_MS = 3000
/**
 * Well below a lease, and below the 22 s after which an answer is first checked. A batch that comes out by then was
 * handed over, given back or left to other processors; it did not wait for a lease or a check.
 */
const WELL_UNDER_A_LEASE_MS = 20_000
const LEASE_MS = 60_000

type Role = 'api' | 'processor' | 'worker'

describe('shutdown', function () {
  this.timeout(150_000)
  let env: Record<string, string>
  let batcher: Batcher
  let running: LullProcess[]

  beforeEach(async () => {
    const redis = await testRedis()
    const prefix = uniquePrefix()
    running = []
    env = {
      REDIS_URL: redis,
      LULL_PREFIX: prefix,
      LULL_QUEUE: `queue-${prefix}`,
      LULL_QUIET_GAP_MS: '100',
      LULL_LEASE_MS: String(LEASE_MS),
      LULL_SHUTDOWN_MS: String(SHUTDOWN_MS),
      LULL_WORKER_HANDLER: fileURLToPath(new URL('../support/printing-handler.mjs', import.meta.url)),
      PORT: '0',
    }
    batcher = new Batcher({ redis, prefix, quietGapMs: 100 })
  })

  afterEach(async () => {
    await Promise.all(running.map(process => process.kill()))
    await batcher.close()
  })

  const start = async (role: Role, more: Record<string, string> = {}) => {
    const process = await lull([role], { ...env, ...more }, { stopTimeoutMs: SHUTDOWN_MS + 10_000 })
    running.push(process)
    await process.line(new RegExp(`${role} started`))
    return process
  }

  const urlOf = async (api: LullProcess) => /http:\/\/[\d.]+:\d+/.exec(await api.line(/api listens on/))?.[0] ?? ''

  /** In the order in which their batches were released. */
  const messagesOf = (workers: LullProcess[]): string[] =>
    workers
      .flatMap(({ stdout }) => stdout.filter(line => line.startsWith('BATCH ')))
      .map((line): Batch => JSON.parse(line.slice('BATCH '.length)))
      .sort((one, other) => one.releasedAtMs - other.releasedAtMs)
      .flatMap(({ messages }) => messages.map(({ messageId }) => messageId))

  const bodyOf = (chatId: string, messageId: string) => JSON.stringify({ chatId, messageId, text: messageId })

  /** A request whose head the API has read. Its body is sent when the returned function is called. */
  const begun = async (url: string, messageId: string) => {
    const body = bodyOf(CHAT, messageId)
    const sending = request(`${url}/webhook/whatsapp/batched/generic`, {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        expect: '100-continue',
      },
    })
    const answer = once(sending, 'response').then(async ([response]) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      return { status: response.statusCode, body: String(Buffer.concat(chunks)) }
    })
    answer.catch(() => {}) // The test that awaits it gets the rejection.
    sending.flushHeaders()
    await once(sending, 'continue')
    return () => {
      sending.end(body)
      return answer
    }
  }

  it('an API stores and answers the requests that it has begun, and ends', async () => {
    const api = await start('api')
    const url = await urlOf(api)
    const ids = Array.from({ length: 20 }, (_, i) => `m${i}`)
    const sends = await Promise.all(ids.map(id => begun(url, id)))
    api.send('SIGTERM')
    await api.line(/SIGTERM: stopping/)
    const answers = await Promise.all(sends.map(send => send()))
    for (const answer of answers)
      expect(answer).to.deep.equal({ status: 200, body: '{"accepted":1,"duplicates":0,"ignored":0}' })
    expect(await api.exit).to.deep.equal({ code: 0, signal: null })
    expect(api.stdout.at(-1), 'the last line of a clean stop').to.match(/"msg":"stopped"/)
    const { messages } = await batcher.conversation(CHAT)
    expect(messages.map(({ message }) => message.messageId)).to.have.members(ids)
  })

  it('an API ends within its bound if a client never sends its body', async () => {
    const api = await start('api')
    const url = await urlOf(api)
    await begun(url, 'm1')
    expect(await api.stop()).to.include({ signal: null })
    expect((await batcher.conversation(CHAT)).waiting).to.equal(0)
  })

  it('a processor gives back what it cannot hand over in time, and another one claims it at once, as the same attempt', async () => {
    let isHanging = true
    const bodies: string[] = []
    const receiver = createServer(async (incoming, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(Buffer.from(chunk))
      bodies.push(String(Buffer.concat(chunks)))
      if (!isHanging) response.end()
    })
    receiver.listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    const { port } = z.object({ port: z.number() }).parse(receiver.address())
    const http = { LULL_HANDOVER: 'http', LULL_HANDOVER_URL: `http://127.0.0.1:${port}/` }
    try {
      const first = await start('processor', http)
      await batcher.append(CHAT, { messageId: 'm1', text: 'm1' })
      await until(() => bodies.length === 1, { what: 'the handover' })
      expect((await first.stop()).code).to.equal(0)
      isHanging = false
      await start('processor', http)
      await until(() => bodies.length === 2, { timeoutMs: WELL_UNDER_A_LEASE_MS, what: 'the handover by another' })
      await until(async () => (await batcher.conversations()).length === 0, { what: 'the answer' })
      const history = (await batcher.history()).reverse()
      const attempts = history.filter(({ step }) => step === 'reclaimed').map(({ detail }) => detail['attempt'])
      expect(attempts).to.deep.equal(['1'])
    } finally {
      receiver.closeAllConnections()
      receiver.close()
    }
  })

  it('every role stops within its bound while Redis hangs', async () => {
    const proxy = await hangingProxy(env['REDIS_URL'] ?? '')
    env['REDIS_URL'] = proxy.url
    const roles = ['api', 'processor', 'worker'] as const
    const processes = await Promise.all(roles.map(role => start(role)))
    await batcher.append(CHAT, { messageId: 'm1', text: 'm1' })
    await until(() => messagesOf(processes).length === 1, { what: 'the batch' })
    proxy.hang()
    // `stop` rejects if it has to kill.
    const ends = await Promise.all(processes.map(process => process.stop()))
    expect(ends.map(({ signal }) => signal)).to.deep.equal([null, null, null])
    await proxy.stop()
  })

  it('every message answered 200 comes out once and in order while all roles are stopped and replaced under load', async () => {
    const workers: LullProcess[] = []
    const standing: Record<Role, LullProcess[]> = { api: [], processor: [], worker: [] }
    const urls: string[] = []
    // So that some answers are under way whenever a processor stops.
    env['WORK_MS'] = '100'
    const replace = async (role: Role, index: number) => {
      const process = await start(role)
      standing[role][index] = process
      if (role === 'worker') workers.push(process)
      if (role === 'api') urls[index] = await urlOf(process)
    }
    const roles = ['api', 'processor', 'worker'] as const
    await Promise.all(roles.flatMap(role => [replace(role, 0), replace(role, 1)]))
    let isOver = false
    const accepted: string[] = []
    /** Sends one message after the other, each until one of the APIs answers 200. */
    const client = async (chatId: string) => {
      for (let n = 0; !isOver; n++) {
        const messageId = `${chatId} ${n}`
        for (let tried = 0; ; tried++) {
          const response = await fetch(`${urls[tried % 2]}/webhook/whatsapp/batched/generic`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: bodyOf(chatId, messageId),
          }).catch(() => undefined)
          if (response?.status === 200) break
          expect(response?.status ?? 503, await response?.text()).to.equal(503)
          await delay(10)
        }
        accepted.push(messageId)
        await delay(Math.random() * 150)
      }
    }
    const clients = Array.from({ length: 20 }, (_, i) => client(`chat${i}@c.us`))
    for (const [role, index] of [
      ['processor', 0],
      ['worker', 1],
      ['api', 0],
      ['processor', 1],
      ['worker', 0],
      ['api', 1],
    ] as const) {
      await delay(Math.random() * 300)
      const stopping = standing[role][index]?.stop()
      await replace(role, index)
      expect(await stopping, role).to.deep.equal({ code: 0, signal: null })
    }
    isOver = true
    await Promise.all(clients)
    await until(() => messagesOf(workers).length >= accepted.length, {
      timeoutMs: WELL_UNDER_A_LEASE_MS,
      what: () => `${accepted.length} messages (${messagesOf(workers).length} came)`,
    })
    await until(async () => (await batcher.conversations()).length === 0, { what: 'everything to be answered' })
    const received = messagesOf(workers)
    expect(received.toSorted()).to.deep.equal(accepted.toSorted())
    const ofChat = (messages: string[], i: number) => messages.filter(id => id.startsWith(`chat${i}@`))
    for (const i of clients.keys()) expect(ofChat(received, i)).to.deep.equal(ofChat(accepted, i))
    expect(await batcher.dead()).to.deep.equal([])
  })
})

/**
 * examples/serverless.mjs on a platform that freezes it between two invocations (SIGSTOP): the first webhook after a thaw
 * is stored, whatever became of the connections to Redis meanwhile.
 */
import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { Batcher } from '../../src/batcher.js'
import { type HangingProxy, hangingProxy } from '../support/hanging-proxy.js'
import { freePort, type LullProcess, supportScript } from '../support/processes.js'
import { privateRedis, type RedisServer } from '../support/redis.js'
import { until } from '../support/wait.js'

const APP_SECRET = 'app-secret'
const CHAT = '106540352242922/79990000011@c.us'
const file = new URL('../../examples/serverless.mjs', import.meta.url).href

describe('a serverless function', function () {
  this.timeout(60_000)
  let server: RedisServer
  let proxy: HangingProxy
  let redis: Redis
  let batcher: Batcher
  let host: LullProcess
  let url: string

  beforeEach(async () => {
    server = await privateRedis()
    proxy = await hangingProxy(server.url)
    redis = new Redis(server.url)
    batcher = new Batcher({ redis: server.url })
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    host = await supportScript('function-host.mjs', {
      FUNCTION: file,
      PORT: String(port),
      REDIS_URL: proxy.url,
      WHATSAPP_APP_SECRET: APP_SECRET,
      WHATSAPP_VERIFY_TOKEN: 'verify-token',
      CRON_SECRET: 'cron-secret',
    })
    await host.line(/^waiting for invocations/)
  })

  afterEach(async () => {
    await host.stop()
    await batcher.close()
    redis.disconnect()
    await proxy.stop()
    await server.stop()
  })

  async function deliver(messageId: string, path = '/') {
    const body = JSON.stringify(metaBody(messageId))
    const signature = createHmac('sha256', APP_SECRET).update(body).digest('hex')
    const headers = { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` }
    const response = await fetch(url + path, { method: 'POST', headers, body })
    return { status: response.status, body: await response.json() }
  }

  const STORED = { status: 200, body: { accepted: 1, duplicates: 0, ignored: 0 } }
  const messageIds = async () => (await batcher.conversation(CHAT)).messages.map(({ message }) => message.messageId)

  it('stores the first webhook after a thaw, if Redis has closed its connections', async () => {
    expect(await deliver('m1')).to.deep.equal(STORED)
    host.send('SIGSTOP')
    const frozen = (await clientsOf(redis)).filter(({ name }) => name.endsWith(`.${host.pid}`))
    expect(frozen).to.have.lengthOf(2)
    for (const { id } of frozen) await redis.client('KILL', 'ID', id)
    host.send('SIGCONT')
    expect(await deliver('m2')).to.deep.equal(STORED)
    expect(await messageIds()).to.deep.equal(['m1', 'm2'])
  })

  it('stores it, if nothing comes back on the connections', async () => {
    expect(await deliver('m1')).to.deep.equal(STORED)
    host.send('SIGSTOP')
    proxy.silence()
    host.send('SIGCONT')
    expect(await deliver('m2')).to.deep.equal(STORED)
    expect(await messageIds()).to.deep.equal(['m1', 'm2'])
  })

  it('stores webhooks that come as events of AWS Lambda, and answers Meta’s handshake', async () => {
    expect(await deliver('m1', '/lambda')).to.deep.equal(STORED)
    const query = 'hub.mode=subscribe&hub.verify_token=verify-token&hub.challenge=42'
    expect(await (await fetch(`${url}/lambda?${query}`)).text()).to.equal('42')
    expect(await (await fetch(`${url}/?${query}`)).text()).to.equal('42')
    expect((await fetch(`${url}/lambda`, { method: 'POST', body: '{}' })).status).to.equal(401)
  })

  it('hands over what is due when the cron job runs, after a thaw too', async () => {
    const cron = async (secret = 'cron-secret') =>
      (await fetch(`${url}/cron`, { headers: { authorization: `Bearer ${secret}` } })).status
    await deliver('m1')
    await deliver('m2')
    expect(await cron('another')).to.equal(401)
    expect(await cron()).to.equal(204)
    expect(await messageIds()).to.deep.equal(['m1', 'm2'])
    await batcher.flush(CHAT)
    host.send('SIGSTOP')
    for (const { id, name } of await clientsOf(redis))
      if (name.endsWith(`.${host.pid}`)) await redis.client('KILL', 'ID', id)
    host.send('SIGCONT')
    expect(await cron()).to.equal(204)
    await host.line(/^to 79990000011@c\.us: I have read your 2 messages: text of m1 · text of m2$/)
    await until(async () => (await batcher.conversation(CHAT)).heldBy === undefined, { what: 'the end of the answer' })
  })
})

const ID = /^id=(\d+) .* name=(\S*) /

async function clientsOf(redis: Redis) {
  const lines = z
    .string()
    .parse(await redis.client('LIST'))
    .split('\n')
  return lines.flatMap(line => {
    const [, id, name = ''] = ID.exec(line) ?? []
    return id === undefined ? [] : [{ id, name }]
  })
}

const metaBody = (messageId: string) => ({
  object: 'whatsapp_business_account',
  entry: [
    {
      id: '1',
      changes: [
        {
          field: 'messages',
          value: {
            messaging_product: 'whatsapp',
            metadata: { display_phone_number: '15550783881', phone_number_id: '106540352242922' },
            messages: [
              {
                from: '79990000011',
                id: messageId,
                timestamp: String(Math.floor(Date.now() / 1000)),
                type: 'text',
                text: { body: `text of ${messageId}` },
              },
            ],
          },
        },
      ],
    },
  ],
})

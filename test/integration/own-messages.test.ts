/**
 * Guarantee **own messages**: what a person sends from the business's own phone stops the bot, what the bot sends never
 * does: whichever process takes the webhook or gets the bot's ids, and in whatever order.
 */
import { expect } from 'chai'
import { z } from 'zod'
import { Batcher } from '../../src/batcher.js'
import { freePort, type LullProcess, lull } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'

const CHAT = '79990000011@c.us'
const TOKEN = 'a-token'

describe('own messages', function () {
  this.timeout(60_000)
  let prefix: string
  let redis: string
  let batcher: Batcher
  let apis: { process: LullProcess; url: string }[]

  const start = async (env: Record<string, string>) => {
    const port = await freePort()
    const process = await lull(['api'], {
      REDIS_URL: redis,
      LULL_PREFIX: prefix,
      LULL_API_TOKEN: TOKEN,
      LULL_ALLOW_UNSIGNED: 'all',
      PORT: String(port),
      ...env,
    })
    await process.line(/api listens/)
    apis.push({ process, url: `http://127.0.0.1:${port}` })
  }

  beforeEach(async () => {
    redis = await testRedis()
    prefix = uniquePrefix()
    apis = []
    batcher = new Batcher({ redis, prefix })
  })
  afterEach(async () => {
    for (const { process } of apis) await process.kill()
    await batcher.close()
  })

  const call = async (api: number, method: string, path: string, body?: unknown) => {
    const response = await fetch(`${apis[api]?.url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    expect(response.status, `${method} ${path}`).to.equal(200)
    return z.record(z.string(), z.unknown()).parse(await response.json())
  }
  const webhook = (api: number, body: unknown, provider = 'generic') =>
    call(api, 'POST', `/webhook/whatsapp/batched/${provider}`, body)
  const own = (messageId: string, by?: string) => ({ messageId, account: 'shop', chatId: CHAT, fromMe: true, by })
  const message = (messageId: string) => ({ messageId, account: 'shop', chatId: CHAT, text: messageId })
  const id = `shop/${CHAT}`
  const path = `/conversations/${encodeURIComponent(id)}`

  it('with drop the bot’s own never drop, though the webhook comes first and to another process', async () => {
    await start({ LULL_ON_OWN_MESSAGE: 'drop' })
    await start({ LULL_ON_OWN_MESSAGE: 'drop' })
    await webhook(0, message('m1'))
    const answered = webhook(0, own('b1'))
    expect(await call(1, 'POST', `${path}/sent`, { messageId: 'b1' })).to.deep.equal({ sent: 1, resumed: false })
    expect(await answered).to.include({ ignored: 1 })
    await call(1, 'POST', `/conversations/sent?id=${encodeURIComponent(id)}`, { messageId: ['b2'] })
    await webhook(0, own('b2', 'human'))
    expect((await batcher.conversation(id)).waiting).to.equal(1)
    await webhook(1, own('h1', 'human'))
    expect((await batcher.conversation(id)).waiting).to.equal(0)
  })

  it('with pause an id that is reported after its webhook was answered ends the pause, and no other pause', async () => {
    await start({ LULL_ON_OWN_MESSAGE: 'pause', LULL_PAUSED: 'collect' })
    await webhook(0, own('b1'))
    expect((await batcher.conversation(id)).paused).to.be.an('object')
    await webhook(0, message('m1'))
    expect(await call(0, 'POST', `${path}/sent`, { messageId: 'b1' })).to.deep.equal({ sent: 1, resumed: true })
    const { paused, open } = await batcher.conversation(id)
    expect(paused).to.equal(undefined)
    expect(open?.count).to.equal(1)
    await webhook(0, own('h1', 'human'))
    await webhook(0, own('b2', 'human'))
    expect(await call(0, 'POST', `${path}/sent`, { messageId: 'b2' })).to.deep.equal({ sent: 1, resumed: false })
    expect((await batcher.conversation(id)).paused).to.be.an('object')
  })

  it('each conversation goes by its stored settings, which may change while the API runs', async () => {
    await start({})
    await webhook(0, own('h1', 'human'))
    expect((await batcher.conversation(id)).paused).to.equal(undefined)
    await call(0, 'PUT', '/settings/shop', { onOwnMessage: 'pause', pauseMs: 60_000 })
    await webhook(0, own('h2', 'human'))
    expect((await batcher.conversation(id)).paused?.inMs).to.be.within(1, 60_000)
    await batcher.resume(id)
    await webhook(0, own('h2', 'human'))
    expect((await batcher.conversation(id)).paused, 'a repeated delivery').to.equal(undefined)
    await call(0, 'DELETE', '/settings/shop')
    await webhook(0, own('h3', 'human'))
    expect((await batcher.conversation(id)).paused).to.equal(undefined)
  })

  it('a provider’s own mark decides without any reported id', async () => {
    await start({ LULL_ON_OWN_MESSAGE: 'pause' })
    const greenApi = (typeWebhook: string, idMessage: string) => ({
      typeWebhook,
      instanceData: { idInstance: 'shop' },
      idMessage,
      senderData: { chatId: CHAT },
      messageData: { typeMessage: 'textMessage', textMessageData: { textMessage: 'hi' } },
    })
    await webhook(0, greenApi('outgoingAPIMessageReceived', 'g1'), 'green-api')
    expect((await batcher.conversation(id)).paused).to.equal(undefined)
    await webhook(0, greenApi('outgoingMessageReceived', 'g2'), 'green-api')
    expect((await batcher.conversation(id)).paused).to.be.an('object')
  })
})

/**
 * One provider cannot touch another's conversation: an account belongs to the provider that proved it. On a real Redis.
 */
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { createApp } from '../../src/api/app.js'
import { Batcher } from '../../src/batcher.js'
import { type Listening, listen } from '../../src/http/listen.js'
import type { ProvidersOptions } from '../../src/providers/registry.js'
import { NO_OWNER_KEPT_MS } from '../../src/webhook/accounts.js'
import { Rejections } from '../../src/webhook/rejections.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const SECRET = 'hush'
const TOKEN = 'a-token'
const META = readFileSync('test/fixtures/webhooks/meta/text.json', 'utf8')
const ACCOUNT = '106540352200001'
const CHAT = '79000000011@c.us'
const ID = 'wamid.HBgLNzkwMDAwMDAwMTEVAgASGBQzQUU1MzUzODc5QkQ2OUJGRERDQgA='
const CONVERSATION = `${ACCOUNT}/${CHAT}`

/** Everything that a WPPConnect can do to a conversation of Meta's account. */
const FORGED: Record<string, object> = {
  append: {
    event: 'onmessage',
    session: ACCOUNT,
    id: `false_${CHAT}_3A7FCA5BE4C452BDCCB4`,
    from: CHAT,
    body: 'forged',
  },
  edit: { event: 'onmessageedit', session: ACCOUNT, id: `false_${CHAT}_${ID}`, from: CHAT, newBody: 'forged' },
  revoke: { event: 'onrevokedmessage', session: ACCOUNT, id: 'x', refId: `false_${CHAT}_${ID}`, from: CHAT },
  typing: { event: 'onpresencechanged', session: ACCOUNT, id: CHAT, state: 'composing' },
  own: {
    event: 'onmessage',
    session: ACCOUNT,
    id: `true_${CHAT}_3A7FCA5BE4C452BDCCB5`,
    fromMe: true,
    to: CHAT,
    body: 'x',
  },
}

const providers: ProvidersOptions = {
  meta: { appSecret: SECRET },
  greenApi: { webhookToken: SECRET },
  wwebjs: { apiKey: SECRET },
  allowUnsigned: ['wppconnect', 'generic'],
}

describe('accounts of providers', () => {
  let redis: Redis
  let prefix: string
  const releases: (() => Promise<unknown>)[] = []
  beforeEach(async () => {
    redis = new Redis(await testRedis())
    prefix = uniquePrefix()
    releases.push(async () => redis.disconnect())
  })
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  /** An API process of its own on the same Redis. */
  async function start() {
    const batcher = new Batcher({
      redis: await testRedis(),
      prefix,
      quietGapMs: 60_000,
      maxWaitMs: 600_000,
      batchTtlMs: 120_000,
    })
    const lines: string[] = []
    const note = (_: object, line: string) => void lines.push(line)
    const log = { debug: () => {}, info: () => {}, warn: note, error: note }
    const rejections = new Rejections(log)
    const app = createApp({ batcher, log, apiToken: TOKEN, providers, rejections, onOwnMessage: 'drop' })
    const server: Listening = await listen(app, { host: '127.0.0.1', port: 0 })
    releases.push(
      () => batcher.close(),
      () => server.close(0),
    )
    const post = async (provider: string, body: unknown, headers: Record<string, string> = {}) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const init = { method: 'POST', body: text, headers }
      return (await fetch(`${server.url}/webhook/whatsapp/batched/${provider}`, init)).status
    }
    const signed = { 'X-Hub-Signature-256': `sha256=${createHmac('sha256', SECRET).update(META).digest('hex')}` }
    return {
      batcher,
      lines,
      rejections,
      url: server.url,
      post,
      meta: () => post('meta', META, signed),
      forge: (kind: string) => post('wppconnect', FORGED[kind]),
    }
  }

  for (const kind of Object.keys(FORGED))
    it(`an unsigned ${kind} for an account that a signed webhook named is refused, and changes nothing`, async () => {
      const { batcher, meta, forge, rejections } = await start()
      expect(await meta()).to.equal(200)
      const before = await batcher.conversation(CONVERSATION)
      expect(before.messages).to.have.length(1)
      for (let times = 0; times < 2; times += 1) expect(await forge(kind)).to.equal(403)
      const after = await batcher.conversation(CONVERSATION)
      expect([after.messages, after.open?.dueAtMs]).to.deep.equal([before.messages, before.open?.dueAtMs])
      expect(rejections.all).to.have.length(1)
      expect(rejections.all[0]).to.include({ provider: 'wppconnect', reason: 'account', count: 2 })
    })

  it('an unsigned provider writes to accounts without an owner, and becomes the owner of none', async () => {
    const { meta, forge } = await start()
    for (const kind of Object.keys(FORGED)) expect(await forge(kind), kind).to.equal(200)
    expect(await redis.hgetall(`${prefix}.accounts`)).to.deep.equal({})
    expect(await meta()).to.equal(200)
    expect(await redis.hgetall(`${prefix}.accounts`)).to.deep.equal({ [ACCOUNT]: 'meta' })
    expect(await forge('own')).to.equal(403)
  })

  it('another process sees the owner when its own answer is too old', async () => {
    const [first, second] = [await start(), await start()]
    expect(await second.forge('typing')).to.equal(200)
    expect(await first.meta()).to.equal(200)
    await until(async () => (await second.forge('typing')) === 403, {
      what: 'the owner to be seen',
      timeoutMs: NO_OWNER_KEPT_MS + 3000,
    })
  })

  it('a second signed provider is refused, with one line in the log that names the owner', async () => {
    const { meta, post, lines } = await start()
    expect(await meta()).to.equal(200)
    const body = {
      sessionId: ACCOUNT,
      dataType: 'message',
      data: {
        message: { id: { _serialized: `false_${CHAT}_3A1` }, from: CHAT, type: 'chat', body: 'hi', timestamp: 1 },
      },
    }
    for (let times = 0; times < 3; times += 1) expect(await post('wwebjs', body, { 'x-api-key': SECRET })).to.equal(403)
    const refused = lines.filter(line => line.startsWith('refused'))
    expect(refused).to.have.length(1)
    expect(refused[0]).to.include('wwebjs').and.include('belongs to meta').and.include(ACCOUNT).and.not.include(SECRET)
  })

  it('no account counts as an account', async () => {
    const { batcher, post } = await start()
    const body = {
      typeWebhook: 'incomingMessageReceived',
      idMessage: 'g1',
      timestamp: 1,
      senderData: { chatId: CHAT },
      messageData: { typeMessage: 'textMessage', textMessageData: { textMessage: 'hi' } },
    }
    const bearer = { Authorization: `Bearer ${SECRET}` }
    expect(await post('generic', { chatId: CHAT, messageId: '1', text: 'hi' })).to.equal(200)
    expect(await post('green-api', body, bearer)).to.equal(200)
    expect((await batcher.conversation(CHAT)).waiting).to.equal(2)
    expect(await redis.hgetall(`${prefix}.accounts`)).to.deep.equal({ '': 'green-api' })
    await until(async () => (await post('generic', { chatId: CHAT, messageId: '2', text: 'hi' })) === 403, {
      what: 'the owner to be seen',
      timeoutMs: NO_OWNER_KEPT_MS + 3000,
    })
  })

  it('a webhook for several accounts is 403 if one is another provider’s, and the others are stored', async () => {
    const { batcher, meta, post } = await start()
    expect(await meta()).to.equal(200)
    const body = [
      { account: ACCOUNT, chatId: CHAT, messageId: 'forged' },
      { account: 'mine', chatId: CHAT, messageId: 'm1' },
    ]
    expect(await post('generic', body)).to.equal(403)
    expect((await batcher.conversation(`mine/${CHAT}`)).waiting).to.equal(1)
    expect((await batcher.conversation(CONVERSATION)).waiting).to.equal(1)
  })

  it('the operator’s token writes to every account', async () => {
    const { meta, url, batcher } = await start()
    expect(await meta()).to.equal(200)
    const response = await fetch(`${url}/conversations/${encodeURIComponent(CONVERSATION)}/messages`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify({ messageId: 'by-hand', text: 'hi' }),
    })
    expect(response.status).to.equal(200)
    expect((await batcher.conversation(CONVERSATION)).waiting).to.equal(2)
  })

  it('a webhook of a known account costs no further command', async () => {
    const { meta, batcher } = await start()
    /** Redis counts the commands of a script too, so it is the scripts that are counted: one appends. */
    const scripts = async () => Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(await redis.info('commandstats'))?.[1] ?? 0)
    expect(await meta()).to.equal(200)
    expect(await meta()).to.equal(200)
    const before = await scripts()
    const WEBHOOKS = 20
    for (let times = 0; times < WEBHOOKS; times += 1) expect(await meta()).to.equal(200)
    expect((await scripts()) - before).to.equal(WEBHOOKS)
    expect((await batcher.conversation(CONVERSATION)).waiting).to.equal(1)
  })
})

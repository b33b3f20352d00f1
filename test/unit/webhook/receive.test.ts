import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { Batcher } from '../../../src/batcher.js'
import { DEFAULT_MAX_BODY_BYTES as MAX_BODY_BYTES } from '../../../src/http/body-bounds.js'
import { Refusal } from '../../../src/http/refusal.js'
import { silent } from '../../../src/logger.js'
import { PROVIDERS } from '../../../src/providers/registry.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { Receiver, type ReceiverOptions } from '../../../src/webhook/receive.js'
import { Rejections } from '../../../src/webhook/rejections.js'
import { Recorder } from './recorder.js'

const fixture = (file: string) => readFileSync(new URL(`../../fixtures/webhooks/${file}`, import.meta.url))

interface Sent {
  provider?: string
  direct?: boolean
  headers?: Record<string, string>
}

function setUp(options: Partial<ReceiverOptions> = {}) {
  const batcher = new Recorder()
  const receiver = new Receiver({ batcher, isLocal: true, ...options })
  const send = async (body: unknown, { provider, direct, headers = {} }: Sent = {}) => {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    const { body: answer } = await receiver.deliver({ body: bytes, header: name => headers[name], provider, direct })
    return answer
  }
  const refusal = async (body: unknown, sent?: Sent) => {
    const error: unknown = await send(body, sent).then(
      () => undefined,
      error => error,
    )
    return error instanceof Refusal ? error.status : error
  }
  return { batcher, receiver, send, refusal }
}

const message = (messageId: string, chatId = 'a', more = {}) => ({ messageId, chatId, text: messageId, ...more })

describe('webhook: messages go into their conversations', () => {
  it('appends once for each conversation, with its messages in order', async () => {
    const { batcher, send } = setUp()
    const answer = await send([message('1', 'a'), message('2', 'b'), message('3', 'a')])
    expect(answer).to.deep.equal({ accepted: 3, duplicates: 0, ignored: 0 })
    expect(batcher.texts).to.deep.equal([
      ['a', ['1', '3']],
      ['b', ['2']],
    ])
  })

  it('a customer who writes to two numbers has two conversations', async () => {
    const { batcher, send } = setUp()
    expect(await send(fixture('meta/multi-entry-two-wabas.json'))).to.deep.equal({
      accepted: 2,
      duplicates: 0,
      ignored: 1,
    })
    expect(batcher.texts).to.deep.equal([
      ['106540352200001/79000000011@c.us', ['раз']],
      ['106540352200002/79000000011@c.us', ['два']],
    ])
  })

  it('an invalid item does not affect the others', async () => {
    const { batcher, send } = setUp()
    const answer = await send([null, 7, 'x', [], {}, { chatId: 'a' }, { messageId: '1' }, message('2')])
    expect(answer).to.deep.equal({ accepted: 1, duplicates: 0, ignored: 7 })
    expect(batcher.texts).to.deep.equal([['a', ['2']]])
  })

  it('a webhook without messages is 200 and counted as ignored', async () => {
    const { send } = setUp()
    for (const file of ['meta/statuses-only.json', 'meta/missing-message-id.json', 'waha/presence-typing.json'])
      expect(await send(fixture(file)), file).to.deep.equal({ accepted: 0, duplicates: 0, ignored: 1 })
    expect(await send([])).to.deep.equal({ accepted: 0, duplicates: 0, ignored: 0 })
  })

  it('passes the direct flag on', async () => {
    const { batcher, send } = setUp()
    await send(message('1'), { direct: true })
    expect(batcher.noted[0]?.direct).to.equal(true)
  })

  it('names the provider and the group in each message, and keeps the body only with raw', async () => {
    const { batcher, send } = setUp()
    await send(fixture('green-api/group-text.json'))
    const [first] = batcher.noted[0]?.messages ?? []
    expect(first).to.include({ provider: 'green-api', isGroup: true }).and.not.have.property('raw')

    const withRaw = setUp({ raw: true })
    await withRaw.send([message('1', 'a', { extra: { kept: true } })])
    expect(withRaw.batcher.noted[0]?.messages?.[0]?.raw).to.have.nested.property('extra.kept', true)
  })

  it('a message whose body is nested too deep loses its raw only', async () => {
    const { batcher, send } = setUp({ raw: true })
    const deep = `{"messageId":"1","chatId":"a","text":"hi","x":${'['.repeat(900)}${']'.repeat(900)}}`
    expect(await send(deep)).to.include({ accepted: 1 })
    expect(batcher.noted[0]?.messages).to.deep.equal([
      { messageId: '1', type: 'text', text: 'hi', senderId: 'a', provider: 'generic' },
    ])
  })

  it('counts messages that are too old as ignored', async () => {
    const batcher = Object.assign(new Recorder(), {
      append: async () => ({ accepted: 1, duplicates: 2, tooOld: 3 }),
    })
    const { send } = setUp({ batcher })
    expect(await send(message('1'))).to.deep.equal({ accepted: 1, duplicates: 2, ignored: 3 })
  })

  it('rejects if one of several conversations could not be written', async () => {
    const { batcher, send } = setUp()
    const error = new Error('down')
    batcher.failing = { conversationId: 'b', error }
    const failed: unknown = await send([message('1', 'a'), message('2', 'b'), message('3', 'c')]).catch(e => e)
    expect(failed).to.equal(error)
    expect(batcher.texts).to.deep.equal([
      ['a', ['1']],
      ['c', ['3']],
    ])
  })

  it('conversations may have the names of inherited object keys', async () => {
    const { batcher, send } = setUp()
    await send(
      '[{"messageId":"constructor","chatId":"__proto__","__proto__":{"text":"x"},"type":"toString","text":"hi"}]',
    )
    expect(batcher.noted).to.have.length(1)
    expect(batcher.noted[0]).to.include({ conversationId: '__proto__' })
    expect(batcher.noted[0]?.messages?.[0]).to.include({ messageId: 'constructor', type: 'unknown' })
    expect(Object.hasOwn(Object.prototype, 'text')).to.equal(false)
  })

  it('an id that is not an exact number, or too long, counts as missing', async () => {
    const { send } = setUp()
    const body = `[{"messageId":1234567890123456789,"chatId":"a"},{"messageId":"${'x'.repeat(2000)}","chatId":"a"}]`
    expect(await send(body)).to.deep.equal({ accepted: 0, duplicates: 0, ignored: 2 })
    expect(await send({ messageId: 12, chatId: 79000000011 })).to.include({ accepted: 1 })
  })
})

describe('webhook: groups and own messages', () => {
  const group = { messageId: '1', chatId: '1203@g.us', senderId: '7900@c.us', text: 'x', account: 'shop' }
  const plain = { messageId: '1', chatId: '1203@g.us', senderId: '7900@c.us', text: 'x' }

  it('byChat: a group is one conversation', async () => {
    const { batcher, send } = setUp()
    await send([group, plain])
    expect(batcher.noted.map(each => each.conversationId)).to.deep.equal(['shop/1203@g.us', '1203@g.us'])
  })

  it('bySender: each member of a group has a conversation, <group>/<sender>', async () => {
    const { batcher, send } = setUp({ groups: 'bySender' })
    await send([group, plain])
    expect(batcher.noted.map(each => each.conversationId)).to.deep.equal([
      'shop/1203@g.us/7900@c.us',
      '1203@g.us%2F7900@c.us',
    ])
  })

  it('ignore: groups count as ignored', async () => {
    const { send } = setUp({ groups: 'ignore' })
    expect(await send([group, message('2')])).to.deep.equal({ accepted: 1, duplicates: 0, ignored: 1 })
  })

  it('an own message is ignored; with drop it drops the open batch, in the order of the items', async () => {
    const own = { ...message('2'), fromMe: true }
    const ignoring = setUp()
    expect(await ignoring.send([message('1'), own])).to.deep.equal({ accepted: 1, duplicates: 0, ignored: 1 })
    expect(ignoring.batcher.noted).to.have.length(1)

    const dropping = setUp({ onOwnMessage: 'drop' })
    expect(await dropping.send([message('1'), own, message('3')])).to.include({ accepted: 2, ignored: 1 })
    expect(dropping.batcher.noted.map(each => each.dropped ?? each.messages?.[0]?.text)).to.deep.equal(['1', true, '3'])
  })

  it('a message that the bot sent drops nothing', async () => {
    const { batcher, send } = setUp({ onOwnMessage: 'drop' })
    await send({ ...JSON.parse(fixture('green-api/text.json').toString()), typeWebhook: 'outgoingAPIMessageReceived' })
    expect(batcher.noted).to.deep.equal([])
    await send(fixture('green-api/outgoing-from-phone.json'))
    expect(batcher.noted).to.deep.equal([{ conversationId: '1101000001/79000000011@c.us', dropped: true }])
  })

  it('onOwnMessage=drop needs a batcher with drop', () => {
    const { append, typing } = new Recorder()
    expect(() => new Receiver({ batcher: { append, typing }, onOwnMessage: 'drop' })).to.throw(TypeError, 'drop')
  })
})

describe('webhook: edits, revocations, reactions and typing', () => {
  const chat = '106540352200001/79000000011@c.us'
  const original = 'wamid.HBgLNzkwMDAwMDAwMTEVAgASGBQzQUU1MzUzODc5QkQ2OUJGRERDQgA='

  it('an edit and a revocation go to the conversation of their message', async () => {
    const { batcher, send } = setUp()
    expect(await send(fixture('meta/edit.json'))).to.deep.equal({ accepted: 0, duplicates: 0, ignored: 0, edited: 1 })
    expect(await send(fixture('meta/revoke.json'))).to.deep.equal({
      accepted: 0,
      duplicates: 0,
      ignored: 0,
      revoked: 1,
    })
    expect(batcher.noted).to.deep.equal([
      { conversationId: chat, edited: { messageId: original, text: 'Здравствуйте! Сколько стоит доставка в Тулу?' } },
      { conversationId: chat, revoked: original },
    ])
  })

  it('counts late edits and revocations, and an edit of an unknown message as ignored', async () => {
    const { batcher, send } = setUp()
    batcher.outcome = 'tooLate'
    expect(await send(fixture('green-api/edited.json'))).to.include({ ignored: 0, tooLate: 1 })
    expect(await send(fixture('green-api/deleted.json'))).to.include({ ignored: 0, tooLate: 1 })
    batcher.outcome = 'first'
    expect(await send(fixture('green-api/edited.json'))).to.deep.equal({ accepted: 0, duplicates: 0, ignored: 1 })
    expect(await send(fixture('green-api/deleted.json'))).to.include({ ignored: 0, revoked: 1 })
  })

  it('ignores them if the batcher has no edit and revoke', async () => {
    const { append, typing } = new Recorder()
    const { send } = setUp({
      batcher: Object.assign(new Recorder(), { append, typing, edit: undefined, revoke: undefined }),
    })
    expect(await send(fixture('green-api/edited.json'))).to.deep.equal({ accepted: 0, duplicates: 0, ignored: 1 })
  })

  it('a reaction neither opens nor extends a batch', async () => {
    const { batcher, send } = setUp()
    for (const file of ['meta/reaction.json', 'waha/message-reaction-removed.json'])
      expect(await send(fixture(file))).to.deep.equal({ accepted: 0, duplicates: 0, ignored: 1 })
    expect(batcher.noted).to.deep.equal([])
  })

  it('a sign of typing extends by twelve seconds, its end by nothing', async () => {
    const { batcher, send } = setUp()
    const signs = ['waha/presence-typing.json', 'waha/presence-paused.json', 'evolution/presence-composing.json']
    for (const file of [...signs, 'evolution/presence-paused.json', 'wppconnect/onpresencechanged.json'])
      expect(await send(fixture(file)), file).to.include({ accepted: 0, ignored: 1 })
    expect(batcher.noted).to.deep.equal([
      { conversationId: 'default/79000000011@c.us', typingMs: 12_000 },
      { conversationId: 'shop/79000000011@c.us', typingMs: 12_000 },
      { conversationId: 'shop/79000000011@c.us', typingMs: 12_000 },
    ])
  })

  it('where there is a typing gap, the end of typing makes the batch due that long afterwards', async () => {
    for (const [account, file] of [
      ['default', 'waha/presence-paused.json'],
      ['shop', 'evolution/presence-paused.json'],
    ] as const) {
      const store = new MemoryStore({ quietGapMs: 30_000, typingGapMs: 4000 })
      const { send } = setUp({ batcher: new Batcher({ store }) })
      const id = `${account}/79000000011@c.us`
      await store.append({ conversationId: id, messages: [{ messageId: 'm1', type: 'text' }] })
      await send(fixture(account === 'default' ? 'waha/presence-typing.json' : 'evolution/presence-composing.json'))
      expect((await store.conversation(id)).open?.dueInMs).to.be.within(11_000, 12_000)
      expect(await send(fixture(file))).to.deep.equal({ accepted: 0, duplicates: 0, ignored: 1 })
      expect((await store.conversation(id)).open?.dueInMs).to.be.within(3000, 4000)
    }
  })

  it('in a group, only by sender the end of typing counts', async () => {
    const group = fixture('waha/presence-group.json').toString().replace('recording', 'paused')
    const ended: string[] = []
    const typingEnded = async (id: string) => void ended.push(id)
    for (const groups of ['byChat', 'bySender'] as const)
      await setUp({ groups, batcher: Object.assign(new Recorder(), { typingEnded }) }).send(group)
    expect(ended).to.deep.equal(['default/120363000000000001@g.us/79000000011@c.us'])
  })

  it('in a group, by sender, they go to the member’s conversation', async () => {
    const { batcher, send } = setUp({ groups: 'bySender' })
    await send(fixture('waha/presence-group.json'))
    expect(batcher.noted[0]?.conversationId).to.equal('default/120363000000000001@g.us/79000000011@c.us')
    const ignoring = setUp({ groups: 'ignore' })
    await ignoring.send(fixture('waha/presence-group.json'))
    expect(ignoring.batcher.noted).to.deep.equal([])
  })

  it('a batch has the edited text, and lacks the revoked message', async () => {
    const store = new MemoryStore()
    const { send } = setUp({ batcher: new Batcher({ store }) })
    const [first, second] = ['E3B778CCB66890C0FD2E', 'M2']
    const text = JSON.parse(fixture('green-api/text.json').toString())
    await send({ ...text, idMessage: first })
    await send({ ...text, idMessage: second })
    await send(fixture('green-api/edited.json'))
    const conversationId = '1101000001/79000000011@c.us'
    await store.flush(conversationId)
    const texts = (await store.conversation(conversationId)).messages.map(({ message }) => message.text)
    expect(texts[0]).to.equal('Здравствуйте, поправка')
    expect(await send(fixture('green-api/deleted.json'))).to.include({ revoked: 1 })
    expect((await store.conversation(conversationId)).messages.map(({ message }) => message.messageId)).to.deep.equal([
      second,
    ])
  })
})

describe('webhook: bodies', () => {
  it('a body that is neither JSON nor a form is refused with 400', async () => {
    const { refusal } = setUp()
    const bodies = ['', ' ', '{', 'hello', fixture('meta/malformed-truncated.txt'), Buffer.from([0xff, 0xfe, 0x7b])]
    for (const body of bodies) expect(await refusal(body)).to.equal(400)
  })

  it('JSON of no known provider is refused with 400', async () => {
    const { refusal } = setUp()
    for (const body of ['{}', '"hello"', '7', 'null', 'true', '{"foo":1}']) expect(await refusal(body)).to.equal(400)
  })

  it('accepts a form, and JSON with a form’s content type, as curl sends it', async () => {
    const { batcher, send } = setUp()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    await send('messageId=1&chatId=a&text=a+b%26c', { headers })
    await send('{"messageId":"2","chatId":"a","text":"json"}', { headers })
    await send('\uFEFF{"messageId":"3","chatId":"a","text":"marked"}')
    expect(batcher.noted.map(({ messages }) => messages?.[0]?.text)).to.deep.equal(['a b&c', 'json', 'marked'])
  })

  it('accepts 16 MiB; a byte more is 413', async () => {
    const { send, refusal } = setUp()
    const padded = (length: number) => {
      const body = JSON.stringify([message('1')])
      return Buffer.from(body.padEnd(length, ' '))
    }
    expect(await send(padded(MAX_BODY_BYTES))).to.include({ accepted: 1 })
    expect(await refusal(padded(MAX_BODY_BYTES + 1))).to.equal(413)
  })

  it('a compressed body is refused with 415', async () => {
    expect(await setUp().refusal(message('1'), { headers: { 'content-encoding': 'gzip' } })).to.equal(415)
  })
})

describe('webhook: providers and secrets', () => {
  it('with a named provider the body’s shape is not guessed', async () => {
    const { send, refusal } = setUp()
    const body = fixture('meta/text.json')
    expect(await send(body, { provider: 'meta' })).to.include({ accepted: 1 })
    const error = await refusal(body, { provider: 'waha' })
    expect(error).to.be.an('error').with.property('code', 'malformed')
  })

  it('a provider’s name may be in any case', async () => {
    expect(await setUp().send(fixture('meta/text.json'), { provider: 'Meta' })).to.include({ accepted: 1 })
  })

  it('a body that is neither JSON nor a form is refused with what it was sent as', async () => {
    const refused = async (body: string, headers = {}) =>
      setUp()
        .send(body, { headers })
        .then(() => '', String)
    const remedy = 'send JSON, or form data as application/x-www-form-urlencoded'
    expect(await refused('MessageSid=1&From=2')).to.include(`has no Content-Type: ${remedy}`)
    expect(await refused('--x', { 'content-type': 'multipart/form-data; boundary=x' })).to.include(
      `has the Content-Type "multipart/form-data; boundary=x": ${remedy}`,
    )
  })

  it('a chat’s id that is too long is not called missing alone', async () => {
    const error = await setUp().refusal(message('1', 'a'.repeat(513)), { provider: 'generic' })
    expect(error).to.be.an('error').with.property('message').that.includes('or longer than 512 characters')
  })

  it('an unknown provider is 404', async () => {
    expect(await setUp().refusal(message('1'), { provider: 'telegraph' })).to.equal(404)
    expect(await setUp().refusal(message('1'), { provider: '__proto__' })).to.equal(404)
  })

  const appSecret = 'test-app-secret'
  const signed = fixture('meta/raw-signed-escaped.txt')
  const signature = 'sha256=b5a44140df4f1c0300ccacecc70d53354cf603cc4e041a4fd5630747849be644'

  it('with an app secret, Meta’s signature of the bytes is checked', async () => {
    const { send, refusal } = setUp({ providers: { meta: { appSecret } } })
    const headers = { 'x-hub-signature-256': signature }
    expect(await send(signed, { headers })).to.include({ accepted: 1 })
    expect(await refusal(JSON.stringify(JSON.parse(signed.toString())), { headers })).to.equal(401)
    expect(await refusal(signed)).to.equal(401)
    expect(await refusal(signed, { headers: { 'x-hub-signature-256': `${signature}0` }, provider: 'meta' })).to.equal(
      401,
    )
  })

  it('once a provider has a secret, providers without one are refused', async () => {
    const providers = { meta: { appSecret } }
    const { refusal } = setUp({ providers })
    expect(await refusal(message('1'))).to.equal(401)
    expect(await refusal(fixture('waha/message-text.json'), { provider: 'waha' })).to.equal(401)
    const allowing = setUp({ providers: { ...providers, allowUnsigned: ['waha'] } })
    expect(await allowing.send(fixture('waha/message-text.json'))).to.include({ accepted: 1 })
    expect(await allowing.refusal(message('1'))).to.equal(401)
    const all = setUp({ providers: { ...providers, allowUnsigned: 'all' } })
    expect(await all.send(message('1'))).to.include({ accepted: 1 })
    expect(await all.refusal(fixture('meta/text.json'))).to.equal(401)
  })

  for (const { name, option, settings, signature } of PROVIDERS.filter(each => 'signature' in each))
    it(`${name} whose secret is given but empty or undefined is an error, unless it says unsigned`, async () => {
      const [secret = ''] = Object.keys(settings.shape)
      expect(signature.secret({ [option]: { [secret]: 'filled' } })).to.equal('filled')
      for (const value of ['', undefined]) {
        const own = { [secret]: value }
        expect(() => setUp({ providers: { [option]: own } })).to.throw(
          TypeError,
          `providers.${option}.${secret} is empty`,
        )
        const { receiver } = setUp({ providers: { [option]: { ...own, unsigned: true } } })
        const error = await receiver
          .deliver({ body: Buffer.from('null'), header: () => undefined, provider: name })
          .catch(error => error)
        expect(error).to.include({ name: 'UnreadableBody' })
      }
      const both = { [secret]: 'filled', unsigned: true }
      expect(() => setUp({ providers: { [option]: both } })).to.throw(TypeError, 'exclude each other')
    })

  it('a list of unsigned providers opens no other one, with and without a secret elsewhere', async () => {
    for (const meta of [{}, { meta: { appSecret } }])
      for (const words of [{ allowUnsigned: ['wppconnect'] }, { wppconnect: { unsigned: true as const } }]) {
        const { send, refusal } = setUp({ providers: { ...meta, ...words } })
        expect(await refusal(message('1'))).to.equal(401)
        expect(await refusal(message('1'), { provider: 'generic' })).to.equal(401)
        expect(await refusal(signed)).to.equal(401)
        expect(await send(fixture('wppconnect/onmessage-text.json'))).to.include({ accepted: 1 })
      }
  })

  it('a refusal is logged once a minute, with the setting and without the secret', async () => {
    const lines: string[] = []
    const note = (_fields: object, line: string) => void lines.push(line)
    const log = { debug: () => {}, info: note, warn: note, error: note }
    const { refusal } = setUp({ providers: { meta: { appSecret } }, log })
    for (let times = 0; times < 3; times += 1) await refusal(signed)
    expect(lines).to.have.length(1)
    expect(lines[0]).to.include('WHATSAPP_APP_SECRET').and.not.include(appSecret)
  })
})

describe('webhook: Meta’s handshake', () => {
  const ask = (providers: ReceiverOptions['providers'], query: Record<string, string>) => {
    try {
      return setUp({ providers }).receiver.handshake(name => query[name])
    } catch (error) {
      return error instanceof Refusal ? error.status : error
    }
  }
  const query = { 'hub.mode': 'subscribe', 'hub.challenge': '1158201444', 'hub.verify_token': 'vibecoding' }

  it('returns the challenge for the right token', () => {
    expect(ask({ meta: { verifyToken: 'vibecoding' } }, query)).to.deep.equal({ status: 200, body: '1158201444' })
  })

  it('is refused for a wrong token, without one, and if none is set', () => {
    expect(ask({ meta: { verifyToken: 'other' } }, query)).to.equal(403)
    expect(ask({ meta: { verifyToken: 'vibecoding' } }, { 'hub.mode': 'subscribe' })).to.equal(403)
    expect(ask({}, query)).to.equal(403)
    expect(ask({ meta: { verifyToken: '' } }, { ...query, 'hub.verify_token': '' })).to.equal(403)
  })

  it('a handshake that is refused is counted, also where no token is set', () => {
    for (const meta of [{ verifyToken: 'other' }, {}]) {
      const rejections = new Rejections(silent)
      const { receiver } = setUp({ providers: { meta }, rejections })
      expect(() => receiver.handshake(name => query[name as keyof typeof query])).to.throw(Refusal)
      expect(rejections.all).to.have.length(1)
      expect(rejections.all[0]).to.include({ provider: 'meta', reason: 'verify_token', count: 1 })
    }
  })

  it('another GET is 400', () => {
    expect(ask({ meta: { verifyToken: 'vibecoding' } }, {})).to.equal(400)
  })
})

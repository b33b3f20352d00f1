/** Messages of a conversation: corrections, and the rules that come with them. */
import { expect } from 'chai'
import { type Serving, serve } from './serving.js'

const ID = 'a/b%2Fc@c.us'
const PATH = `/conversations/${encodeURIComponent(ID)}/messages`
const MESSAGE_ID = 'wamid.HB/g=='
const message = { messageId: MESSAGE_ID, text: 'hi', senderId: '79990000011@c.us' }

/** The three forms of the address of one message. */
const placesOf = (messageId: string) => [
  `${PATH}/${encodeURIComponent(messageId)}`,
  `/conversations/messages/${encodeURIComponent(messageId)}?id=${encodeURIComponent(ID)}`,
  `/conversations/messages?id=${encodeURIComponent(ID)}&messageId=${encodeURIComponent(messageId)}`,
]
const [PLACE = ''] = placesOf(MESSAGE_ID)

describe('API: the messages of a conversation', () => {
  let api: Serving
  beforeEach(async () => {
    api = await serve()
  })
  afterEach(() => api.close(0))

  const textsOf = async () => (await api.store.conversation(ID)).messages.map(each => each.message.text)

  const handOver = async () => {
    await api.store.flush(ID)
    await api.store.claim({ owner: 'test', maxBatches: 1, maxBytes: 1e6 })
  }

  it('keeps what a program sends as meta, and refuses what is nested too deep', async () => {
    const meta = { orderId: 'o-1', items: [null, 2.5, 'tea ☕'] }
    await api.call('POST', PATH, { ...message, meta })
    const [kept] = (await api.store.conversation(ID)).messages
    expect(kept?.message.meta).to.deep.equal(meta)
    const deep = JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`)
    const { status, json } = await api.call('POST', PATH, [message, { messageId: 'm2', meta: deep }])
    expect(status).to.equal(400)
    expect(json)
      .to.have.property('error')
      .that.matches(/^messages\[1\]\.meta is nested deeper than 100 levels: it must be JSON/)
  })

  const wrong: [field: string, value: unknown, fields: object][] = [
    ...['messageId', 'id', 'senderId', 'replyTo', 'payloadId'].flatMap(field =>
      [{}, true, 1.5, 'x'.repeat(513)].map((value): [string, unknown, object] => [field, value, { [field]: value }]),
    ),
    ...['text', 'body', 'senderName', 'name', 'type', 'media', 'location', 'contacts'].flatMap(field =>
      [['hi'], true].map((value): [string, unknown, object] => [field, value, { [field]: value }]),
    ),
    ...['timestamp', 'sentAtMs'].flatMap(field =>
      [{}, 'soon', -1].map((value): [string, unknown, object] => [field, value, { [field]: value }]),
    ),
    ['media.url', 5, { media: { id: 'f-1', url: 5 } }],
    ['location.name', {}, { location: { latitude: 1, longitude: 2, name: {} } }],
    ['location', { latitude: 1 }, { location: { latitude: 1 } }],
    ['contacts[1].phones', '123', { contacts: [{ name: 'Ann' }, { name: 'Bo', phones: '123' }] }],
  ]
  it('refuses a field that it cannot read, by its name, and stores nothing', async () => {
    for (const [field, value, fields] of wrong) {
      const { status, json } = await api.call('POST', PATH, [message, { messageId: 'm2', ...fields }])
      expect(status, `${field}: ${JSON.stringify(value)}`).to.equal(400)
      const { error } = json as { error: string }
      expect(error.startsWith(`messages[1].${field}=${JSON.stringify(value).slice(0, 20)}`), error).to.equal(true)
      expect(error).to.match(/: it must be a/)
    }
    expect(await textsOf()).to.deep.equal([])
  })

  it('reads ids and texts that are numbers, times of all kinds, and absent fields', async () => {
    const empty = { senderName: '', replyTo: false, media: [], contacts: [], timestamp: 0 }
    const fields = { ...empty, messageId: 7, text: 5, senderId: 79990000011, sentAtMs: '2026-11-29T10:00:00Z' }
    expect((await api.call('POST', PATH, fields)).json).to.include({ accepted: 1 })
    const nothing = { location: { latitude: null, longitude: '' }, media: {}, sentAtMs: '0001-01-01T00:00:00Z' }
    expect((await api.call('POST', PATH, { ...nothing, messageId: 8 })).json).to.include({ accepted: 1 })
    const [kept] = (await api.store.conversation(ID)).messages
    expect(kept?.message).to.include({ messageId: '7', text: '5', sentAtMs: Date.parse('2026-11-29T10:00:00Z') })
  })

  it('takes no meta from a webhook, which anybody may send', async () => {
    const { status } = await api.call('POST', '/webhook/whatsapp/batched/generic', {
      ...message,
      chatId: '79990000011@c.us',
      meta: { isAdmin: true },
    })
    expect(status).to.equal(200)
    const [kept] = (await api.store.conversation('79990000011@c.us')).messages
    expect(kept?.message).to.include({ text: 'hi' }).and.not.to.have.property('meta')
  })

  it('edits a message that waits, in every form of its address', async () => {
    await api.call('POST', PATH, message)
    for (const [i, place] of placesOf(MESSAGE_ID).entries()) {
      const { status, json } = await api.call('PUT', place, { text: `text ${i}` })
      expect([status, json], place).to.deep.equal([200, { result: 'edited' }])
      expect(await textsOf()).to.deep.equal([`text ${i}`])
    }
  })

  it('revokes a message that waits, in every form of its address', async () => {
    for (const [i, place] of placesOf(MESSAGE_ID).entries()) {
      await api.store.forget(ID)
      await api.call('POST', PATH, [message, { messageId: 'other', text: `${i}` }])
      const { status, json } = await api.call('DELETE', place)
      expect([status, json], place).to.deep.equal([200, { result: 'revoked' }])
      expect(await textsOf()).to.deep.equal([`${i}`])
    }
  })

  it('a revocation that comes before its message is remembered', async () => {
    expect((await api.call('DELETE', PLACE)).json).to.deep.equal({ result: 'remembered' })
    expect((await api.call('POST', PATH, message)).json).to.include({ accepted: 0, duplicates: 1 })
  })

  it('a message that a processor has claimed is 409 tooLate', async () => {
    await api.call('POST', PATH, message)
    await handOver()
    for (const got of [await api.call('PUT', PLACE, { text: 'late' }), await api.call('DELETE', PLACE)]) {
      expect(got.status).to.equal(409)
      expect(got.json).to.include({ result: 'tooLate' }).and.to.have.property('error')
    }
  })

  it('a message that never came is 404 unknown', async () => {
    const edit = await api.call('PUT', PLACE, { text: 'x' })
    expect(edit.status).to.equal(404)
    expect(edit.json).to.deep.equal({
      error: `message ${JSON.stringify(MESSAGE_ID)} has not come to this conversation: check both ids`,
      result: 'unknown',
    })
    expect((await api.call('DELETE', `${PLACE}?author=me`)).json).to.include({ result: 'unknown' })
  })

  it('with ?author= only the sender may correct a message: else 403 notAuthor', async () => {
    await api.call('POST', PATH, message)
    const stranger = `${PLACE}?author=stranger`
    for (const got of [await api.call('PUT', stranger, { text: 'x' }), await api.call('DELETE', stranger)]) {
      expect(got.status).to.equal(403)
      expect(got.json).to.include({ result: 'notAuthor' }).and.to.have.property('error')
    }
    expect(await textsOf()).to.deep.equal(['hi'])
    const sender = `${PLACE}?author=245@lid&author=${encodeURIComponent(message.senderId)}`
    expect((await api.call('PUT', sender, { text: 'mine' })).json).to.deep.equal({ result: 'edited' })
    expect((await api.call('DELETE', sender)).json).to.deep.equal({ result: 'revoked' })
  })

  it('an edit without a text, or a correction without a message or a conversation, is 400', async () => {
    await api.call('POST', PATH, message)
    for (const body of [undefined, {}, { text: 7 }, { text: null }, ['x']])
      expect((await api.call('PUT', PLACE, body)).status, JSON.stringify(body)).to.equal(400)
    const id = encodeURIComponent(ID)
    for (const method of ['PUT', 'DELETE'])
      for (const path of [
        `/conversations/messages?id=${id}`,
        `/conversations/messages?id=${id}&messageId=`,
        `/conversations/messages?id=&messageId=m`,
        '/conversations/messages/m',
        `${PATH}/${'x'.repeat(600)}`,
        `${PLACE}?author=`,
      ])
        expect((await api.call(method, path, { text: 'x' })).status, `${method} ${path}`).to.equal(400)
    expect(await textsOf()).to.deep.equal(['hi'])
  })

  it('DELETE /conversations/messages is the conversation with the id messages', async () => {
    await api.call('POST', '/conversations/messages/messages', message)
    expect((await api.call('DELETE', '/conversations/messages?messageId=m1')).status).to.equal(400)
    expect((await api.call('DELETE', '/conversations/messages')).json).to.deep.equal({ dropped: 1 })
  })

  it('appends by rules of its own', async () => {
    const { json } = await api.call('POST', PATH, { ...message, rules: { quietGapMs: 3000 } })
    expect(json).to.have.property('dueInMs').that.is.within(1, 3000)
    const rules = { maxMessages: 2 }
    await api.call('POST', PATH, { messages: [{ messageId: '2', text: 'again' }], rules })
    expect((await api.store.conversation(ID)).open).to.equal(undefined)
  })

  it('a rule flush seals the batch with this message', async () => {
    const { json } = await api.call('POST', PATH, { ...message, rules: { flush: true } })
    expect(json).to.include({ accepted: 1, dueInMs: 0 })
  })

  it('rules that cannot be used are 400 with the line that names the rule, and nothing is stored', async () => {
    const refusals: [rules: unknown, error: RegExp][] = [
      [{ quietGapMs: 5 }, /^quietGapMs=5: .*10.*3600000/],
      [{ quietGap: 5000 }, /^quietGap=5000: there is no such rule, did you mean quietGapMs\?$/],
      [{ quietGapMs: 90_000 }, /maxWaitMs=60000 is less than quietGapMs=90000/],
      [{ flush: 'yes' }, /^flush=.*yes.* is neither true nor false$/],
      [null, /^rules is not an object/],
      ['quietGapMs=6000', /^rules is not an object/],
      [[1], /^rules is not an object/],
    ]
    for (const [rules, error] of refusals) {
      const { status, json } = await api.call('POST', PATH, { ...message, rules })
      expect(status, JSON.stringify(rules)).to.equal(400)
      expect(json).to.have.property('error').that.matches(error)
    }
    expect((await api.store.conversation(ID)).waiting).to.equal(0)
  })
})

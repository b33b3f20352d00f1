/**
 * Bodies of the same documented kinds as the fixtures, and of those that the fixtures have none of: what each
 * provider's documentation or source says it sends.
 */
import { expect } from 'chai'
import type { Item } from '../../../src/providers/provider.js'
import { providers } from '../../../src/providers/registry.js'

function itemsOf(provider: string, body: unknown): Item[] {
  const found = providers.named(provider)
  if (found === undefined) throw new Error(`no provider ${provider}`)
  return found.parse(body)
}

/** The one item of a body; of a message what it says, and in which chat. */
function only(provider: string, body: unknown) {
  const [item, ...more] = itemsOf(provider, body)
  if (item === undefined || more.length > 0) throw new Error(`${more.length + 1} items instead of one`)
  if (item.kind !== 'message') return item
  const { message, chatId, account } = item
  return { kind: item.kind, chatId, account, ...message }
}

const PHONE = '79000000011@c.us'
const LID = '245000000000001@lid'

describe('providers: evolution', () => {
  const upsert = (message: object, key: object = {}, more: object = {}) => ({
    event: 'messages.upsert',
    instance: 'shop',
    sender: '79000000001@s.whatsapp.net',
    data: {
      key: { remoteJid: '79000000011@s.whatsapp.net', fromMe: false, id: '3A29C638EEE478C90CC0', ...key },
      messageTimestamp: 1767262500,
      message,
    },
    ...more,
  })

  it('a hidden id with the phone number beside it is the phone’s conversation', () => {
    for (const alt of [{ remoteJidAlt: '79000000011:3@s.whatsapp.net' }, { senderPn: '79000000011@s.whatsapp.net' }])
      expect(only('evolution', upsert({ conversation: 'x' }, { remoteJid: LID, ...alt }))).to.include({
        chatId: PHONE,
        senderId: PHONE,
      })
    const inGroup = { remoteJid: '1203@g.us', participant: LID, participantAlt: '79000000011@s.whatsapp.net' }
    expect(only('evolution', upsert({ conversation: 'x' }, inGroup))).to.include({
      chatId: '1203@g.us',
      senderId: PHONE,
    })
  })

  it('reads messages in wrappers', () => {
    const image = { imageMessage: { caption: 'c', mimetype: 'image/png', contextInfo: { stanzaId: 'Q' } } }
    for (const name of ['ephemeralMessage', 'viewOnceMessage', 'viewOnceMessageV2'])
      expect(only('evolution', upsert({ [name]: { message: image } }))).to.include({
        type: 'image',
        text: 'c',
        replyTo: 'Q',
      })
    const document = { documentMessage: { caption: 'c', fileName: 'a.pdf', mimetype: 'application/pdf' } }
    expect(only('evolution', upsert({ documentWithCaptionMessage: { message: document } }))).to.deep.include({
      type: 'document',
      text: 'c',
      media: { mimeType: 'application/pdf', fileName: 'a.pdf' },
    })
  })

  it('knows the kinds of WhatsApp', () => {
    const kinds: [object, object][] = [
      [{ audioMessage: { ptt: true, url: 'u' } }, { type: 'voice' }],
      [{ audioMessage: { url: 'u' } }, { type: 'audio' }],
      [{ stickerMessage: {} }, { type: 'sticker' }],
      [{ contactsArrayMessage: {} }, { type: 'contacts' }],
      [
        { listResponseMessage: { title: 't', singleSelectReply: { selectedRowId: 'r' } } },
        { text: 't', payloadId: 'r' },
      ],
      [{ templateButtonReplyMessage: { selectedId: 'b', selectedDisplayText: 't' } }, { text: 't', payloadId: 'b' }],
      [{ somethingNew: { text: 'x' } }, { type: 'unknown' }],
    ]
    for (const [message, expected] of kinds) expect(only('evolution', upsert(message))).to.include(expected)
    const place = { locationMessage: { degreesLatitude: 1.5, degreesLongitude: 2.5, name: 'n' } }
    expect(only('evolution', upsert(place))).to.deep.include({ location: { latitude: 1.5, longitude: 2.5, name: 'n' } })
  })

  it('prefers the address that Evolution gave a file to the encrypted one', () => {
    const message = { imageMessage: { url: 'https://mmg.whatsapp.net/x' }, mediaUrl: 'https://s3.example/x' }
    expect(only('evolution', upsert(message))).to.deep.include({ media: { url: 'https://s3.example/x' } })
  })

  it('an own message from a phone is a person’s, one with an id of WhatsApp Web may be the bot’s echo', () => {
    const own = (id: string) => only('evolution', upsert({ conversation: 'x' }, { fromMe: true, id }))
    expect(own('3A1F70972E2AC7ED168C')).to.include({ kind: 'own', chatId: PHONE, by: 'human' })
    for (const messageId of ['3EB0C767D097B7C60AE4', '3EB0C767D097B7C60AE4AB'])
      expect(own(messageId)).to.deep.equal({
        kind: 'own',
        account: 'shop',
        chatId: PHONE,
        isGroup: false,
        messageId,
        mayBeEcho: true,
      })
  })

  it('an own reaction, call or correction is no answer', () => {
    const id = '3A1F70972E2AC7ED168C'
    for (const message of [
      { reactionMessage: { key: { id: 'M1' }, text: '👍' } },
      { protocolMessage: { type: 'REVOKE', key: { id: 'M1' } } },
    ])
      expect(only('evolution', upsert(message, { fromMe: true, id }))).to.include({
        kind: 'ignored',
        reason: 'from_me',
      })
  })

  it('send.message is what the bot sent', () => {
    const sent = { ...upsert({ conversation: 'x' }, { fromMe: true, id: 'B1' }), event: 'send.message' }
    expect(only('evolution', sent)).to.include({ kind: 'own', messageId: 'B1', chatId: PHONE, by: 'bot' })
  })

  it('reads edits and revocations in each of their events', () => {
    const where = { account: 'shop', chatId: PHONE, isGroup: false, senderId: PHONE }
    const edit = { kind: 'edit', ...where, messageId: 'M1', text: 'new' }
    const revoke = { kind: 'revoke', ...where, messageId: 'M1' }
    const key = { remoteJid: '79000000011@s.whatsapp.net', fromMe: false, id: 'M1' }
    const protocol = { key, type: 14, editedMessage: { conversation: 'new' } }
    const event = (name: string, data: unknown) => ({ event: name, instance: 'shop', sender: '79000000001@c.us', data })
    expect(only('evolution', upsert({ protocolMessage: protocol }))).to.deep.equal(edit)
    expect(only('evolution', upsert({ editedMessage: { message: { protocolMessage: protocol } } }))).to.deep.equal(edit)
    expect(only('evolution', event('messages.edited', protocol))).to.deep.equal(edit)
    expect(only('evolution', upsert({ protocolMessage: { key, type: 'REVOKE' } }))).to.deep.equal(revoke)
    expect(only('evolution', event('messages.delete', key))).to.deep.equal(revoke)
    expect(only('evolution', event('MESSAGES_DELETE', { key }))).to.deep.equal(revoke)
    const theirSide = { ...protocol, key: { ...key, remoteJid: '79000000001@s.whatsapp.net', fromMe: true } }
    const unplaced = { kind: 'unplaced', account: 'shop', messageId: 'M1', text: 'new' }
    expect(only('evolution', event('messages.edited', theirSide))).to.deep.equal(unplaced)
    expect(only('evolution', event('messages.delete', { ...key, fromMe: true }))).to.include({ reason: 'from_me' })
  })

  it('ignores messages that no person wrote', () => {
    const reasons: [object, string][] = [
      [{ reactionMessage: { text: '👍' } }, 'reaction'],
      [{ albumMessage: { expectedImageCount: 2 } }, 'album'],
      [{ protocolMessage: { type: 3 } }, 'protocol'],
      [{ senderKeyDistributionMessage: {} }, 'invalid:no_message'],
    ]
    for (const [message, reason] of reasons)
      expect(only('evolution', upsert(message))).to.include({ kind: 'ignored', reason })
    expect(only('evolution', { event: 'connection.update', instance: 'shop', data: {} })).to.include({
      reason: 'event:connection.update',
    })
    expect(only('evolution', upsert({ conversation: 'x' }, { remoteJid: '1@newsletter' }))).to.include({
      reason: 'newsletter',
    })
  })
})

describe('providers: waha', () => {
  const event = (name: string, payload: object) => ({ event: name, session: 'default', payload })
  const payload = { id: 'false_245000000000001@lid_AAA', from: LID, fromMe: false, timestamp: 1767262500, body: 'x' }

  it('a hidden id with the phone number in the engine’s data is the phone’s conversation', () => {
    for (const _data of [
      { key: { remoteJidAlt: '79000000011@s.whatsapp.net' } },
      { key: { senderPn: '79000000011@s.whatsapp.net' } },
      { Info: { SenderAlt: '79000000011:12@s.whatsapp.net' } },
    ])
      expect(only('waha', event('message', { ...payload, _data }))).to.include({ chatId: PHONE, senderId: PHONE })
  })

  it('edits and revocations', () => {
    const one = { ...payload, id: 'false_79000000011@c.us_BBB', from: PHONE }
    const where = { account: 'default', chatId: PHONE, isGroup: false, senderId: PHONE }
    expect(only('waha', event('message.edited', { ...one, body: 'new', editedMessageId: 'AAA' }))).to.deep.equal({
      kind: 'edit',
      ...where,
      messageId: 'AAA',
      text: 'new',
    })
    const before = { ...one, id: 'false_79000000011@c.us_AAA' }
    for (const revoked of [
      { before: null, after: one, revokedMessageId: 'AAA' },
      { before, after: null, revokedMessageId: 'false_79000000011@c.us_AAA' },
      { before, after: one },
    ])
      expect(only('waha', event('message.revoked', revoked))).to.deep.equal({
        kind: 'revoke',
        ...where,
        messageId: 'AAA',
      })
    expect(
      only('waha', event('message.revoked', { after: { ...one, fromMe: true }, revokedMessageId: 'A' })),
    ).to.include({
      reason: 'from_me',
    })
  })

  it('a medium keeps the long id, by which WAHA fetches it, and a voice message is one', () => {
    const media = { url: 'u', mimetype: 'audio/ogg; codecs=opus' }
    expect(
      only('waha', event('message', { ...payload, hasMedia: true, media, _data: { type: 'ptt' } })),
    ).to.deep.include({
      type: 'voice',
      media: { id: payload.id, url: 'u', mimeType: media.mimetype },
    })
  })
})

describe('providers: twilio', () => {
  const form = { MessageSid: 'MM1', AccountSid: 'AC1', From: 'whatsapp:+79000000011', To: 'whatsapp:+7900', Body: '' }

  it('an image has its address and kind, several are several messages', () => {
    const media = (i: number) => ({
      [`MediaUrl${i}`]: `https://api.twilio.com/${i}`,
      [`MediaContentType${i}`]: 'image/jpeg',
    })
    expect(only('twilio', { ...form, NumMedia: '1', ...media(0), Body: 'c' })).to.deep.include({
      type: 'image',
      text: 'c',
      media: { url: 'https://api.twilio.com/0', mimeType: 'image/jpeg' },
    })
    const items = itemsOf('twilio', { ...form, NumMedia: '2', ...media(0), ...media(1) })
    expect(items.map(item => item.kind === 'message' && item.message.messageId)).to.deep.equal(['MM1', 'MM1/1'])
    expect(itemsOf('twilio', { ...form, NumMedia: '1e9', ...media(0) })).to.have.length(1)
  })

  it('a person who hides the number has the user id; a list reply says what was chosen', () => {
    expect(only('twilio', { ...form, From: 'whatsapp:RU.4566546130000001', Body: 'x' })).to.include({
      chatId: 'RU.4566546130000001@bsuid',
      type: 'text',
    })
    expect(only('twilio', { ...form, MessageType: 'interactive', ListId: 'l', ListTitle: 't' })).to.include({
      type: 'interactive',
      payloadId: 'l',
      text: 't',
    })
  })
})

describe('providers: wazzup', () => {
  const body = (more: object) => ({
    messages: [
      {
        messageId: 'm1',
        channelId: 'ch',
        chatType: 'whatsapp',
        chatId: '79000000011',
        type: 'text',
        text: 'x',
        ...more,
      },
    ],
  })

  it('an edited message is an edit; an own message that is edited or deleted is not an answer', () => {
    expect(only('wazzup', body({ isEdited: true, text: 'new', oldInfo: { oldText: 'x' } }))).to.include({
      kind: 'edit',
      messageId: 'm1',
      text: 'new',
    })
    expect(only('wazzup', body({ isEcho: true }))).to.include({ kind: 'own', by: 'human' })
    expect(only('wazzup', body({ isEcho: true, isDeleted: true }))).to.include({ kind: 'ignored', reason: 'from_me' })
  })

  it('its test request and its other webhooks contain no message', () => {
    expect(only('wazzup', { test: true })).to.include({ reason: 'event:test' })
    expect(only('wazzup', { createContact: {} })).to.include({ reason: 'event:createContact' })
  })

  it('ids of other messengers are not read as phone numbers, and groups are groups', () => {
    expect(only('wazzup', body({ chatType: 'telegram' }))).to.include({ chatId: '79000000011@telegram' })
    expect(only('wazzup', body({ chatType: 'whatsgroup', chatId: '1203' }))).to.include({ chatId: '1203@g.us' })
    expect(
      only('wazzup', body({ type: 'document', contentUri: 'https://s/x?filename=a.pdf', text: '' })),
    ).to.deep.include({
      type: 'document',
      media: { url: 'https://s/x?filename=a.pdf', fileName: 'a.pdf' },
    })
  })
})

describe('providers: wwebjs', () => {
  const id = { fromMe: false, remote: PHONE, id: 'AAA', _serialized: `false_${PHONE}_AAA` }
  const event = (dataType: string, data: object) => ({ dataType, sessionId: 'shop', data })
  const message = { id, body: 'x', type: 'chat', from: PHONE, to: '79000000001@c.us', timestamp: 1767262500 }
  const where = { account: 'shop', chatId: PHONE, isGroup: false, senderId: PHONE }

  it('edits and revocations', () => {
    expect(only('wwebjs', event('message_edit', { message, newBody: 'new', prevBody: 'x' }))).to.deep.equal({
      kind: 'edit',
      ...where,
      messageId: 'AAA',
      text: 'new',
    })
    expect(
      only('wwebjs', event('message_revoke_everyone', { message: { ...message, type: 'revoked' } })),
    ).to.deep.equal({
      kind: 'revoke',
      ...where,
      messageId: 'AAA',
    })
    const after = { ...message, type: 'revoked', id: { ...id, id: 'BBB' } }
    expect(only('wwebjs', event('message_revoke_everyone', { after, before: message }))).to.include({
      messageId: 'AAA',
    })
    const named = { ...message, id: { ...id, id: 'BBB' }, _data: { protocolMessageKey: id } }
    expect(only('wwebjs', event('message_revoke_everyone', { message: named }))).to.include({ messageId: 'AAA' })
  })

  it('ids of minified builds, of texts and of objects are read alike', () => {
    for (const form of [
      { $1: `false_${PHONE}_AAA` },
      { remote: { _serialized: PHONE }, id: 'AAA' },
      `false_${PHONE}_AAA`,
    ])
      expect(only('wwebjs', event('message', { message: { ...message, id: form } }))).to.include({
        messageId: 'AAA',
        chatId: PHONE,
      })
  })

  it('an own message from WhatsApp Web may be the bot’s echo, and does not count as a person’s answer', () => {
    const own = (stanza: string) =>
      only(
        'wwebjs',
        event('message_create', { message: { ...message, fromMe: true, id: { ...id, fromMe: true, id: stanza } } }),
      )
    expect(own('3EB0C767D097B7C60AE4')).to.include({ kind: 'own', mayBeEcho: true }).and.to.not.have.property('by')
    expect(own('3A1F70972E2AC7ED168C')).to.include({ kind: 'own', chatId: PHONE, by: 'human' })
    expect(own('AC5E4C1F8F9A4F2B8A1D3C5E7F901234')).to.include({ kind: 'own', by: 'human' })
  })

  it('an own notice, such as of a call, is no answer', () => {
    const call = { ...message, type: 'call_log', fromMe: true, id: { ...id, fromMe: true, id: '3A1F70972E2AC7ED168C' } }
    expect(only('wwebjs', event('message_create', { message: call }))).to.include({
      kind: 'ignored',
      reason: 'from_me',
    })
  })

  it('a medium keeps the long id, by which it is downloaded', () => {
    const image = { ...message, type: 'image', hasMedia: true, _data: { mimetype: 'image/jpeg' } }
    expect(only('wwebjs', event('message', { message: image }))).to.deep.include({
      media: { id: `false_${PHONE}_AAA`, mimeType: 'image/jpeg' },
    })
  })
})

describe('providers: wppconnect', () => {
  const body = (more: object) => ({
    event: 'onmessage',
    session: 'shop',
    id: `false_${PHONE}_AAA`,
    from: PHONE,
    ...more,
  })

  it('a file’s body is a picture of it, not its caption', () => {
    const image = body({ type: 'image', body: '/9j/4AAQ', caption: 'c', mimetype: 'image/jpeg' })
    expect(only('wppconnect', image)).to.deep.include({
      type: 'image',
      text: 'c',
      media: { id: `false_${PHONE}_AAA`, mimeType: 'image/jpeg' },
    })
  })

  it('revocations, edits, and a hidden id whose sender is named by the number', () => {
    const revoked = {
      event: 'onrevokedmessage',
      session: 'shop',
      id: 'false_x_BBB',
      refId: { _serialized: `false_${PHONE}_AAA` },
    }
    expect(only('wppconnect', { ...revoked, from: PHONE })).to.include({
      kind: 'revoke',
      chatId: PHONE,
      messageId: 'AAA',
    })
    expect(only('wppconnect', body({ event: 'onmessageedit', msg: { body: 'new' } }))).to.include({
      kind: 'edit',
      text: 'new',
    })
    const hidden = body({ id: `false_${LID}_AAA`, from: LID, type: 'chat', body: 'x', sender: { id: PHONE } })
    expect(only('wppconnect', hidden)).to.include({ chatId: PHONE })
  })
})

describe('providers: meta', () => {
  const body = (field: string, value: object) => ({
    object: 'whatsapp_business_account',
    entry: [{ id: '1', changes: [{ field, value: { metadata: { phone_number_id: 'n' }, ...value } }] }],
  })

  it('one contact beside messages of two people is one person’s, and not the other’s', () => {
    const text = (from: string, id: string) => ({ from, id, type: 'text', text: { body: id } })
    const contacts = [{ wa_id: '79000000011', user_id: 'RU.13491', profile: { name: 'Мария' } }]
    const messages = [text('79000000011', 'M1'), text('79000000012', 'M2'), text('79000000011', 'M3')]
    const named = itemsOf('meta', body('messages', { contacts, messages })).map(
      item => item.kind === 'message' && [item.chatId, item.message.senderName, item.samePerson],
    )
    const maria = [PHONE, 'Мария', [PHONE, 'RU.13491@bsuid']]
    expect(named).to.deep.equal([maria, ['79000000012@c.us', undefined, undefined], maria])
  })

  it('an edited caption is an edit', () => {
    const edit = { original_message_id: 'M1', message: { type: 'image', image: { id: 'x', caption: 'new' } } }
    const message = { from: '79000000011', id: 'M2', timestamp: '1767262500', type: 'edit', edit }
    expect(only('meta', body('messages', { messages: [message] }))).to.include({
      kind: 'edit',
      messageId: 'M1',
      text: 'new',
    })
  })

  it('a correction of an own message is not an answer', () => {
    const echo = {
      from: '79000000001',
      to: '79000000011',
      id: 'M2',
      type: 'revoke',
      revoke: { original_message_id: 'M1' },
    }
    expect(only('meta', body('smb_message_echoes', { message_echoes: [echo] }))).to.include({ reason: 'from_me' })
  })
})

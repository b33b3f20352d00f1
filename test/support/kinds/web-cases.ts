/**
 * What programs on WhatsApp Web send: WAHA's WEBJS, wwebjs-api and WPPConnect, by the message's `type`; WAHA's own
 * events.
 */
import { waha, webjs, wppconnect, wwebjs } from './envelopes.js'
import { CHAT, CONTACTS, JID, type Kind, type KindCase, type Outcome, STANZA, VCARD } from './kind-case.js'

const LONG_ID = `false_${CHAT}_${STANZA}`
const PICTURE = `/9j/${'A'.repeat(80)}`

interface Form {
  kind: Kind
  type: string
  outcome: Outcome
  /** The message's own fields, as whatsapp-web.js and WPPConnect have them. */
  fields?: object
  /** WAHA's envelope, where it says more than `body`. */
  payload?: object
  form?: string
}

const FORMS: Form[] = [
  { kind: 'text', type: 'chat', fields: { body: 'привет' }, outcome: { read: { type: 'text', text: 'привет' } } },
  { kind: 'empty text', type: 'chat', fields: { body: '' }, outcome: { ignored: 'unknown:chat' } },
  {
    kind: 'pressed button',
    type: 'buttons_response',
    fields: { body: 'Да', selectedButtonId: 'yes' },
    outcome: { read: { type: 'interactive', text: 'Да', payloadId: 'yes' } },
  },
  {
    kind: 'chosen list row',
    type: 'list_response',
    fields: {
      body: 'Экспресс',
      selectedRowId: 'express',
      listResponse: { title: 'Экспресс', singleSelectReply: { selectedRowId: 'express' } },
    },
    outcome: { read: { type: 'interactive', text: 'Экспресс', payloadId: 'express' } },
  },
  {
    kind: 'contact',
    type: 'vcard',
    fields: { body: VCARD },
    payload: { vCards: [VCARD] },
    outcome: { read: { type: 'contacts', text: undefined, contacts: CONTACTS } },
  },
  {
    kind: 'contact',
    form: 'several',
    type: 'multi_vcard',
    fields: { body: '', vCards: [VCARD], vcardList: [{ displayName: 'Анна Петрова', vcard: VCARD }] },
    payload: { vCards: [VCARD] },
    outcome: { read: { type: 'contacts', contacts: CONTACTS } },
  },
  {
    kind: 'location',
    type: 'location',
    fields: { body: PICTURE, lat: 54.2, lng: 37.61, location: { latitude: 54.2, longitude: 37.61 } },
    payload: { location: { latitude: '54.2', longitude: '37.61' } },
    outcome: { read: { type: 'location', text: undefined, location: { latitude: 54.2, longitude: 37.61 } } },
  },
  { kind: 'poll', type: 'poll_creation', fields: { body: 'Когда?' }, outcome: { read: { text: 'Когда?' } } },
  {
    kind: 'group invitation',
    type: 'groups_v4_invite',
    fields: { body: 'вступайте' },
    outcome: { read: { text: 'вступайте' } },
  },
  {
    kind: 'order',
    type: 'order',
    fields: { body: 'без лука' },
    outcome: { read: { type: 'order', text: 'без лука' } },
  },
  {
    kind: 'order',
    form: 'its title alone',
    type: 'order',
    fields: { body: '', orderTitle: 'Торт' },
    outcome: { read: { type: 'order', text: 'Торт' } },
  },
  {
    kind: 'poll',
    form: 'its name alone',
    type: 'poll_creation',
    fields: { body: '', pollName: 'Когда?' },
    outcome: { read: { text: 'Когда?' } },
  },
  { kind: 'call', type: 'call_log', outcome: { ignored: 'call' } },
  { kind: 'notice of WhatsApp’s own', type: 'e2e_notification', outcome: { ignored: 'system' } },
  { kind: 'notice of WhatsApp’s own', form: 'a group’s', type: 'gp2', outcome: { ignored: 'system' } },
  { kind: 'notice of WhatsApp’s own', form: 'still encrypted', type: 'ciphertext', outcome: { ignored: 'system' } },
  { kind: 'disappearing-message setting', type: 'protocol', outcome: { ignored: 'system' } },
  { kind: 'album: the message before its pictures', type: 'album', outcome: { ignored: 'album' } },
  { kind: 'reaction', type: 'reaction', fields: { body: '👍' }, outcome: { ignored: 'reaction' } },
  { kind: 'poll vote', type: 'poll_update', outcome: { ignored: 'poll_vote' } },
  { kind: 'pin', type: 'pinned_message', outcome: { ignored: 'pin' } },
  { kind: 'unknown kind', type: 'something_new', outcome: { ignored: 'unknown:something_new' } },
]

const ofForm = ({ kind, type, fields = {}, payload = {}, outcome, form }: Form): KindCase[] => {
  const body = 'body' in fields ? { body: fields.body } : {}
  const named = form === undefined ? { kind, outcome } : { kind, outcome, form }
  return [
    {
      ...named,
      provider: 'waha',
      form: ['WEBJS', form].filter(Boolean).join(', '),
      body: webjs({ ...fields, type }, { ...body, ...payload }),
    },
    { ...named, provider: 'wwebjs', body: wwebjs({ ...fields, type, _data: fields }) },
    { ...named, provider: 'wppconnect', body: wppconnect({ ...fields, type }) },
  ]
}

const mediaOf = (mimetype: string) => ({ hasMedia: true, media: { url: 'u', mimetype } })

/** The files that the three send alike, by WhatsApp Web's word for each. */
const FILES: [Kind, string, string, string][] = [
  ['video', 'video', 'video/mp4', 'video'],
  ['video note', 'ptv', 'video/mp4', 'video'],
  ['audio', 'audio', 'audio/mpeg', 'audio'],
  ['sticker', 'sticker', 'image/webp', 'sticker'],
  ['document with a caption', 'document', 'application/pdf', 'document'],
]

const ofFile = ([kind, type, mimetype, expected]: (typeof FILES)[number]): KindCase[] => {
  const outcome = { read: { type: expected, text: 'вот' } }
  return [
    {
      kind,
      provider: 'waha',
      form: 'WEBJS',
      body: webjs({ type, caption: 'вот' }, { ...mediaOf(mimetype), body: 'вот' }),
      outcome,
    },
    {
      kind,
      provider: 'wwebjs',
      body: wwebjs({ type, hasMedia: true, body: 'вот', _data: { caption: 'вот', mimetype } }),
      outcome,
    },
    { kind, provider: 'wppconnect', body: wppconnect({ type, caption: 'вот', mimetype, body: PICTURE }), outcome },
  ]
}

export const WEB_CASES: KindCase[] = [
  ...FILES.flatMap(ofFile),
  {
    kind: 'text',
    provider: 'waha',
    form: 'the chat in the id alone',
    body: waha({}, { body: 'привет', from: null }),
    outcome: { read: { chatId: CHAT, senderId: CHAT, text: 'привет' } },
  },
  ...[
    wwebjs({ type: 'chat', body: 'вот', _data: { quotedMsg: { id: `false_${CHAT}_Q` } } }),
    wppconnect({ type: 'chat', body: 'вот', quotedMsgId: `false_${CHAT}_Q` }),
  ].map(
    (body): KindCase => ({
      kind: 'link preview or quote',
      provider: 'dataType' in body ? 'wwebjs' : 'wppconnect',
      form: 'by the long id of the quoted message',
      body,
      outcome: { read: { text: 'вот', replyTo: 'Q' } },
    }),
  ),
  {
    kind: 'location',
    provider: 'wppconnect',
    form: 'with an address',
    body: wppconnect({ type: 'location', lat: 54.2, lng: 37.61, loc: 'Склад\nЛенина 5' }),
    outcome: { read: { location: { latitude: 54.2, longitude: 37.61, name: 'Склад', address: 'Ленина 5' } } },
  },
  {
    kind: 'link preview or quote',
    provider: 'wwebjs',
    body: wwebjs({ type: 'chat', body: 'вот', _data: { quotedStanzaID: 'Q' } }),
    outcome: { read: { type: 'text', text: 'вот', replyTo: 'Q' } },
  },
  {
    kind: 'link preview or quote',
    provider: 'wppconnect',
    body: wppconnect({ type: 'chat', body: 'вот', quotedStanzaID: 'Q' }),
    outcome: { read: { type: 'text', text: 'вот', replyTo: 'Q' } },
  },
  {
    kind: 'view once, left out on linked devices',
    provider: 'wppconnect',
    body: wppconnect({ type: 'image', isViewOnce: true }),
    outcome: { read: { type: 'unsupported' } },
  },
  ...FORMS.flatMap(ofForm),
  {
    kind: 'voice note',
    provider: 'waha',
    form: 'WEBJS',
    body: webjs({ type: 'ptt' }, mediaOf('audio/ogg')),
    outcome: { read: { type: 'voice', media: { id: LONG_ID, url: 'u', mimeType: 'audio/ogg' } } },
  },
  {
    kind: 'voice note',
    provider: 'wwebjs',
    body: wwebjs({ type: 'ptt', hasMedia: true }),
    outcome: { read: { type: 'voice', media: { id: LONG_ID } } },
  },
  {
    kind: 'voice note',
    provider: 'wppconnect',
    body: wppconnect({ type: 'ptt', mimetype: 'audio/ogg', body: PICTURE }),
    outcome: { read: { type: 'voice', media: { id: LONG_ID, mimeType: 'audio/ogg' } } },
  },
  {
    kind: 'image',
    provider: 'waha',
    form: 'WEBJS',
    body: webjs({ type: 'image', body: PICTURE, caption: 'вид' }, { ...mediaOf('image/jpeg'), body: 'вид' }),
    outcome: { read: { type: 'image', text: 'вид' } },
  },
  {
    kind: 'image',
    provider: 'wwebjs',
    body: wwebjs({ type: 'image', hasMedia: true, body: 'вид', _data: { mimetype: 'image/jpeg' } }),
    outcome: { read: { type: 'image', text: 'вид' } },
  },
  {
    kind: 'image',
    provider: 'wppconnect',
    body: wppconnect({ type: 'image', body: PICTURE, caption: 'вид', mimetype: 'image/jpeg' }),
    outcome: { read: { type: 'image', text: 'вид' } },
  },
  {
    kind: 'medium that the provider did not fetch',
    provider: 'waha',
    body: waha({}, { hasMedia: true }),
    outcome: { read: { type: 'unknown', media: { id: LONG_ID } } },
  },
  {
    kind: 'view once, left out on linked devices',
    provider: 'waha',
    form: 'WEBJS',
    body: webjs({ type: 'ciphertext', subtype: 'view_once_unavailable_fanout' }, { body: '' }),
    outcome: { read: { type: 'unsupported' } },
  },
  {
    kind: 'view once, left out on linked devices',
    provider: 'waha',
    form: 'NOWEB, a stub',
    body: waha({ key: { isViewOnce: true }, messageStubType: 2 }),
    outcome: { read: { type: 'unsupported' } },
  },
  {
    kind: 'view once, left out on linked devices',
    provider: 'waha',
    form: 'GOWS, a stub',
    body: waha({ Info: {}, IsUnavailable: true }),
    outcome: { read: { type: 'unsupported' } },
  },
  {
    kind: 'view once, left out on linked devices',
    provider: 'wwebjs',
    body: wwebjs({ type: 'image', _data: { isViewOnce: true } }),
    outcome: { read: { type: 'unsupported' } },
  },
  {
    kind: 'live location',
    provider: 'waha',
    form: 'the envelope alone',
    body: waha({}, { location: { live: true, latitude: '54.2', longitude: '37.61', description: 'еду' } }),
    outcome: { read: { type: 'location', text: 'еду', location: { latitude: 54.2, longitude: 37.61 } } },
  },
  {
    kind: 'location',
    provider: 'waha',
    form: 'the envelope alone',
    body: waha({}, { location: { latitude: '54.2', longitude: '37.61', description: 'Склад' } }),
    outcome: { read: { type: 'location', location: { latitude: 54.2, longitude: 37.61, name: 'Склад' } } },
  },
  {
    kind: 'text',
    provider: 'waha',
    form: 'the envelope alone',
    body: waha({}, { body: 'привет' }),
    outcome: { read: { type: 'text', text: 'привет' } },
  },
  { kind: 'empty text', provider: 'waha', form: 'the envelope alone', body: waha({}), outcome: { ignored: 'unknown' } },
  {
    kind: 'edit',
    provider: 'waha',
    form: 'message.edited',
    body: waha({ type: 'chat' }, { body: 'точнее' }, 'message.edited'),
    outcome: { becomes: 'edit', fields: { messageId: STANZA, text: 'точнее' } },
  },
  {
    kind: 'revocation',
    provider: 'waha',
    form: 'message.revoked',
    body: {
      event: 'message.revoked',
      session: 'shop',
      payload: {
        before: null,
        after: { id: `false_${CHAT}_NEW`, from: CHAT, fromMe: false, body: null },
        _data: { Message: { protocolMessage: { key: { ID: STANZA }, type: 0 } } },
      },
    },
    outcome: { becomes: 'revoke', fields: { messageId: STANZA } },
  },
  {
    kind: 'own message',
    provider: 'waha',
    body: waha({}, { id: `true_${CHAT}_${STANZA}`, fromMe: true, source: 'app', body: 'отвечаю' }, 'message.any'),
    outcome: { becomes: 'own', fields: { messageId: STANZA, chatId: CHAT, by: 'human' } },
  },
  {
    kind: 'own message',
    provider: 'waha',
    form: 'by its API',
    body: waha({}, { id: `true_${CHAT}_${STANZA}`, fromMe: true, source: 'api', body: 'отвечаю' }, 'message.any'),
    outcome: { ignored: 'from_me' },
  },
  {
    kind: 'typing',
    provider: 'waha',
    body: {
      event: 'presence.update',
      session: 'shop',
      payload: { id: CHAT, presences: [{ participant: CHAT, lastKnownPresence: 'typing' }] },
    },
    outcome: { becomes: 'typing', fields: { chatId: CHAT } },
  },
  {
    kind: 'text',
    provider: 'waha',
    form: 'GOWS, in a group',
    body: waha(
      { Info: { Sender: '245000000000021:12@lid', SenderAlt: JID }, Message: { conversation: 'всем привет' } },
      { id: `false_1203@g.us_${STANZA}_245000000000021@lid`, from: '1203@g.us', participant: '245000000000021@lid' },
    ),
    outcome: {
      read: { chatId: '1203@g.us', isGroup: true, senderId: CHAT, samePerson: [CHAT, '245000000000021@lid'] },
    },
  },
  { kind: 'status of a message', provider: 'waha', body: waha({}, {}, 'message.ack'), outcome: { ignored: 'status' } },
  {
    kind: 'reaction',
    provider: 'waha',
    form: 'message.reaction',
    body: waha({}, {}, 'message.reaction'),
    outcome: { ignored: 'reaction' },
  },
  {
    kind: 'poll vote',
    provider: 'waha',
    form: 'poll.vote',
    body: waha({}, {}, 'poll.vote'),
    outcome: { ignored: 'event:poll.vote' },
  },
  {
    kind: 'call',
    provider: 'waha',
    form: 'call.received',
    body: waha({}, {}, 'call.received'),
    outcome: { ignored: 'event:call.received' },
  },
  {
    kind: 'edit',
    provider: 'wwebjs',
    body: wwebjs({ type: 'chat', body: 'точнее' }, 'message_edit', { newBody: 'точнее' }),
    outcome: { becomes: 'edit', fields: { messageId: STANZA, text: 'точнее' } },
  },
  {
    kind: 'edit',
    provider: 'wppconnect',
    body: wppconnect({ msg: { body: 'точнее' } }, 'onmessageedit'),
    outcome: { becomes: 'edit', fields: { messageId: STANZA, text: 'точнее' } },
  },
  {
    kind: 'revocation',
    provider: 'wwebjs',
    body: wwebjs({ type: 'revoked' }, 'message_revoke_everyone'),
    outcome: { becomes: 'revoke', fields: { messageId: STANZA } },
  },
  {
    kind: 'revocation',
    provider: 'wppconnect',
    body: wppconnect({ refId: { _serialized: `false_${CHAT}_OLD` } }, 'onrevokedmessage'),
    outcome: { becomes: 'revoke', fields: { messageId: 'OLD' } },
  },
  {
    kind: 'own message',
    provider: 'wwebjs',
    body: wwebjs({ id: { fromMe: true, remote: CHAT, id: STANZA }, fromMe: true, type: 'chat' }, 'message_create'),
    outcome: { becomes: 'own', fields: { messageId: STANZA } },
  },
  {
    kind: 'own message',
    provider: 'wppconnect',
    body: wppconnect({ id: `true_${CHAT}_${STANZA}`, fromMe: true, to: CHAT, type: 'chat' }, 'onselfmessage'),
    outcome: { becomes: 'own', fields: { messageId: STANZA } },
  },
  {
    kind: 'typing',
    provider: 'wppconnect',
    body: { event: 'onpresencechanged', session: 'shop', id: CHAT, state: 'composing' },
    outcome: { becomes: 'typing', fields: { chatId: CHAT } },
  },
  {
    kind: 'status of a message',
    provider: 'wwebjs',
    body: wwebjs({ type: 'chat' }, 'message_ack'),
    outcome: { ignored: 'status' },
  },
  {
    kind: 'status of a message',
    provider: 'wppconnect',
    body: wppconnect({}, 'onack'),
    outcome: { ignored: 'status' },
  },
  {
    kind: 'reaction',
    provider: 'wwebjs',
    form: 'message_reaction',
    body: wwebjs({}, 'message_reaction'),
    outcome: { ignored: 'reaction' },
  },
  {
    kind: 'call',
    provider: 'wppconnect',
    form: 'incomingcall',
    body: wppconnect({}, 'incomingcall'),
    outcome: { ignored: 'call' },
  },
]

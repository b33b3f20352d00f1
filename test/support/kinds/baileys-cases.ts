/**
 * Messages in WhatsApp's own structure, through each program that passes it on: Evolution API and WAHA's NOWEB as
 * Baileys writes it, WAHA's GOWS as whatsmeow does, with `ID` and `URL` in capitals and oneofs under their names in Go.
 */
import { evolution, gows, noweb } from './envelopes.js'
import { CONTACTS, type Kind, type KindCase, type Outcome, STANZA, VCARD } from './kind-case.js'

const KEY = { remoteJid: '79000000001@s.whatsapp.net', fromMe: true, id: 'OLD' }
const GO_KEY = { remoteJID: '79000000001@s.whatsapp.net', fromMe: true, ID: 'OLD' }
const ENCRYPTED = { encPayload: 'EXAMPLE=', encIv: 'EXAMPLE=' }

interface Form {
  kind: Kind
  message: unknown
  /** As Go writes it, where that differs. */
  go?: unknown
  outcome: Outcome
  form?: string
}

const FORMS: Form[] = [
  { kind: 'text', message: { conversation: 'привет' }, outcome: { read: { type: 'text', text: 'привет' } } },
  {
    kind: 'link preview or quote',
    message: { extendedTextMessage: { text: 'вот', contextInfo: { stanzaId: 'Q' } } },
    go: { extendedTextMessage: { text: 'вот', contextInfo: { stanzaID: 'Q' } } },
    outcome: { read: { type: 'text', text: 'вот', replyTo: 'Q' } },
  },
  {
    kind: 'video note',
    message: { ptvMessage: { mimetype: 'video/mp4', url: 'u' } },
    go: { ptvMessage: { mimetype: 'video/mp4', URL: 'u' } },
    outcome: { read: { type: 'video' } },
  },
  {
    kind: 'voice note',
    message: { audioMessage: { ptt: true, mimetype: 'audio/ogg' } },
    go: { audioMessage: { PTT: true, mimetype: 'audio/ogg' } },
    outcome: { read: { type: 'voice' } },
  },
  {
    kind: 'image',
    message: { imageMessage: { caption: 'вид', mimetype: 'image/jpeg' } },
    outcome: { read: { type: 'image', text: 'вид' } },
  },
  {
    kind: 'video',
    message: { videoMessage: { caption: 'вид', mimetype: 'video/mp4' } },
    outcome: { read: { type: 'video', text: 'вид' } },
  },
  {
    kind: 'audio',
    message: { audioMessage: { mimetype: 'audio/mpeg' } },
    outcome: { read: { type: 'audio' } },
  },
  {
    kind: 'sticker',
    message: { stickerMessage: { mimetype: 'image/webp' } },
    outcome: { read: { type: 'sticker' } },
  },
  {
    kind: 'Lottie sticker',
    message: { lottieStickerMessage: { message: { stickerMessage: { mimetype: 'application/was', isLottie: true } } } },
    outcome: { read: { type: 'sticker' } },
  },
  {
    kind: 'document with a caption',
    message: {
      documentWithCaptionMessage: {
        message: { documentMessage: { caption: 'счёт', fileName: 'a.pdf', mimetype: 'application/pdf' } },
      },
    },
    outcome: { read: { type: 'document', text: 'счёт' } },
  },
  {
    kind: 'view once, left out on linked devices',
    message: { placeholderMessage: { type: 'MASK_LINKED_DEVICES' } },
    go: { placeholderMessage: { type: 0 } },
    outcome: { read: { type: 'unsupported' } },
  },
  {
    kind: 'view once, left out on linked devices',
    form: 'an empty wrapper',
    message: { messageContextInfo: {}, viewOnceMessageV2: { message: {} } },
    outcome: { read: { type: 'unsupported' } },
  },
  {
    kind: 'album: the message before its pictures',
    message: { albumMessage: { expectedImageCount: 2 } },
    outcome: { ignored: 'album' },
  },
  {
    kind: 'album: a picture',
    message: { associatedChildMessage: { message: { imageMessage: { caption: 'вид', mimetype: 'image/jpeg' } } } },
    outcome: { read: { type: 'image', text: 'вид' } },
  },
  {
    kind: 'location',
    message: { locationMessage: { degreesLatitude: 54.2, degreesLongitude: 37.61, name: 'Склад' } },
    outcome: { read: { type: 'location', location: { latitude: 54.2, longitude: 37.61, name: 'Склад' } } },
  },
  {
    kind: 'live location',
    message: { liveLocationMessage: { degreesLatitude: 54.2, degreesLongitude: 37.61, caption: 'еду' } },
    outcome: { read: { type: 'location', text: 'еду', location: { latitude: 54.2, longitude: 37.61 } } },
  },
  {
    kind: 'contact',
    message: { contactMessage: { displayName: 'Анна Петрова', vcard: VCARD } },
    outcome: { read: { type: 'contacts', contacts: CONTACTS } },
  },
  {
    kind: 'contact',
    form: 'several',
    message: {
      contactsArrayMessage: { displayName: '2 contacts', contacts: [{ displayName: 'Пётр' }, { vcard: VCARD }] },
    },
    outcome: { read: { type: 'contacts', contacts: [{ name: 'Пётр' }, ...CONTACTS] } },
  },
  {
    kind: 'pressed button',
    message: { buttonsResponseMessage: { selectedButtonId: 'yes', selectedDisplayText: 'Да' } },
    go: { buttonsResponseMessage: { selectedButtonID: 'yes', Response: { SelectedDisplayText: 'Да' } } },
    outcome: { read: { type: 'interactive', text: 'Да', payloadId: 'yes' } },
  },
  {
    kind: 'pressed template button',
    message: { templateButtonReplyMessage: { selectedId: 'yes', selectedDisplayText: 'Да', selectedIndex: 0 } },
    go: { templateButtonReplyMessage: { selectedID: 'yes', selectedDisplayText: 'Да', selectedIndex: 0 } },
    outcome: { read: { type: 'interactive', text: 'Да', payloadId: 'yes' } },
  },
  {
    kind: 'chosen list row',
    message: { listResponseMessage: { title: 'Экспресс', singleSelectReply: { selectedRowId: 'express' } } },
    go: { listResponseMessage: { title: 'Экспресс', singleSelectReply: { selectedRowID: 'express' } } },
    outcome: { read: { type: 'interactive', text: 'Экспресс', payloadId: 'express' } },
  },
  {
    kind: 'reply to a native flow: a button',
    message: {
      interactiveResponseMessage: {
        body: { text: 'Записаться' },
        nativeFlowResponseMessage: { name: 'quick_reply', paramsJson: '{"id":"book:7"}' },
      },
    },
    go: {
      interactiveResponseMessage: {
        body: { text: 'Записаться' },
        InteractiveResponseMessage: {
          NativeFlowResponseMessage: { name: 'quick_reply', paramsJSON: '{"id":"book:7"}' },
        },
      },
    },
    outcome: { read: { type: 'interactive', text: 'Записаться', payloadId: 'book:7' } },
  },
  {
    kind: 'filled-in form (Flow)',
    message: {
      interactiveResponseMessage: {
        body: { text: 'Sent' },
        nativeFlowResponseMessage: { name: 'flow', paramsJson: '{"flow_token":"t","date":"2026-01-10"}' },
      },
    },
    go: {
      interactiveResponseMessage: {
        body: { text: 'Sent' },
        InteractiveResponseMessage: {
          NativeFlowResponseMessage: { name: 'flow', paramsJSON: '{"flow_token":"t","date":"2026-01-10"}' },
        },
      },
    },
    outcome: { read: { type: 'interactive', text: 'date: 2026-01-10', form: { flow_token: 't', date: '2026-01-10' } } },
  },
  {
    kind: 'message with buttons',
    message: { buttonsMessage: { contentText: 'Записать вас?', buttons: [{ buttonId: 'yes' }] } },
    outcome: { read: { type: 'interactive', text: 'Записать вас?' } },
  },
  {
    kind: 'message with buttons',
    form: 'a template',
    message: { templateMessage: { hydratedFourRowTemplate: { hydratedContentText: 'Записать вас?' } } },
    go: { templateMessage: { Format: { HydratedFourRowTemplate: { hydratedContentText: 'Записать вас?' } } } },
    outcome: { read: { type: 'interactive', text: 'Записать вас?' } },
  },
  {
    kind: 'order',
    message: { orderMessage: { orderId: '1', message: 'без лука', orderTitle: 'Магазин' } },
    go: { orderMessage: { orderID: '1', message: 'без лука', orderTitle: 'Магазин' } },
    outcome: { read: { type: 'order', text: 'без лука' } },
  },
  {
    kind: 'product or question about one',
    message: { productMessage: { product: { productId: 'p7', title: 'Стол' }, body: 'ещё есть?' } },
    go: { productMessage: { product: { productID: 'p7', title: 'Стол' }, body: 'ещё есть?' } },
    outcome: { read: { type: 'order', text: 'ещё есть?', payloadId: 'p7' } },
  },
  ...['', 'V2', 'V3', 'V5'].map(version => ({
    kind: 'poll' as const,
    form: version || 'V1',
    message: { [`pollCreationMessage${version}`]: { name: 'Когда?', options: [{ optionName: 'утром' }] } },
    outcome: { read: { type: 'unknown', text: 'Когда?' } },
  })),
  {
    kind: 'poll',
    form: 'V4',
    message: { pollCreationMessageV4: { message: { pollCreationMessage: { name: 'Когда?' } } } },
    outcome: { read: { type: 'unknown', text: 'Когда?' } },
  },
  {
    kind: 'poll vote',
    message: { pollUpdateMessage: { pollCreationMessageKey: KEY, vote: ENCRYPTED } },
    go: { pollUpdateMessage: { pollCreationMessageKey: GO_KEY, vote: ENCRYPTED } },
    outcome: { ignored: 'poll_vote' },
  },
  {
    kind: 'event',
    message: { eventMessage: { name: 'Встреча' } },
    outcome: { read: { type: 'unknown', text: 'Встреча' } },
  },
  {
    kind: 'answer to an event',
    message: { encEventResponseMessage: { eventCreationMessageKey: KEY, ...ENCRYPTED } },
    outcome: { ignored: 'event_response' },
  },
  {
    kind: 'group invitation',
    message: { groupInviteMessage: { groupName: 'Соседи', caption: 'вступайте' } },
    outcome: { read: { type: 'unknown', text: 'вступайте' } },
  },
  {
    kind: 'comment',
    message: { commentMessage: { message: { extendedTextMessage: { text: 'согласна' } }, targetMessageKey: KEY } },
    outcome: { read: { type: 'text', text: 'согласна' } },
  },
  {
    kind: 'comment',
    form: 'encrypted',
    message: { encCommentMessage: { targetMessageKey: KEY, ...ENCRYPTED } },
    outcome: { ignored: 'comment:encrypted' },
  },
  {
    kind: 'payment with a note',
    message: { requestPaymentMessage: { noteMessage: { extendedTextMessage: { text: 'за обед' } } } },
    outcome: { read: { type: 'unknown', text: 'за обед' } },
  },
  ...['botInvokeMessage', 'groupMentionedMessage', 'spoilerMessage', 'aWrapperOfNextYear', 'ephemeralMessage'].map(
    name => ({
      kind: 'message in wrappers' as const,
      form: name,
      message: { [name]: { message: { ephemeralMessage: { message: { conversation: 'внутри' } } } } },
      outcome: { read: { type: 'text', text: 'внутри' } },
    }),
  ),
  { kind: 'reaction', message: { reactionMessage: { key: KEY, text: '👍' } }, outcome: { ignored: 'reaction' } },
  { kind: 'pin', message: { pinInChatMessage: { key: KEY, type: 1 } }, outcome: { ignored: 'pin' } },
  {
    kind: 'kept message',
    message: { keepInChatMessage: { key: KEY, keepType: 1 } },
    outcome: { ignored: 'keep_in_chat' },
  },
  {
    kind: 'edit',
    message: { editedMessage: { message: { protocolMessage: edit(KEY, 14) } } },
    go: { protocolMessage: edit(GO_KEY, 14) },
    outcome: { becomes: 'edit', fields: { messageId: 'OLD', text: 'точнее' } },
  },
  {
    kind: 'encrypted edit',
    message: { secretEncryptedMessage: { targetMessageKey: KEY, ...ENCRYPTED, secretEncType: 'MESSAGE_EDIT' } },
    go: { secretEncryptedMessage: { targetMessageKey: GO_KEY, encPayload: 'EXAMPLE=', secretEncType: 2 } },
    outcome: { ignored: 'edit:encrypted' },
  },
  {
    kind: 'revocation',
    message: { protocolMessage: { key: KEY, type: 'REVOKE' } },
    go: { protocolMessage: { key: GO_KEY, type: 0 } },
    outcome: { becomes: 'revoke', fields: { messageId: 'OLD' } },
  },
  { kind: 'call', message: { call: { callKey: 'EXAMPLE=' } }, outcome: { ignored: 'call' } },
  {
    kind: 'call',
    form: 'a missed one',
    message: { callLogMesssage: { callOutcome: 1 } },
    outcome: { ignored: 'call' },
  },
  {
    kind: 'disappearing-message setting',
    message: { protocolMessage: { type: 'EPHEMERAL_SETTING', ephemeralExpiration: 604800 } },
    go: { protocolMessage: { type: 3, ephemeralExpiration: 604800 } },
    outcome: { ignored: 'protocol' },
  },
  { kind: 'unknown kind', message: { newMessage: { a: 1 } }, outcome: { ignored: 'unknown:newMessage' } },
  { kind: 'empty text', message: { conversation: '' }, outcome: { ignored: 'unknown:conversation' } },
]

function edit(key: object, type: number) {
  return { key, type, editedMessage: { conversation: 'точнее' } }
}

const ofForm = ({ kind, message, go, outcome, form }: Form): KindCase[] =>
  [
    named('evolution', form, evolution(message)),
    named('waha', ['NOWEB', form].filter(Boolean).join(', '), noweb(message)),
    named('waha', ['GOWS', form].filter(Boolean).join(', '), gows(go ?? message)),
  ].map(each => ({ ...each, kind, outcome }))

const named = (provider: string, form: string | undefined, body: unknown) =>
  form === undefined ? { provider, body } : { provider, form, body }

export const BAILEYS_CASES: KindCase[] = [
  ...FORMS.flatMap(ofForm),
  {
    kind: 'voice note with a transcript',
    provider: 'evolution',
    body: evolution({ audioMessage: { ptt: true, url: 'u' }, speechToText: '[audio] в субботу' }),
    outcome: { read: { type: 'voice', text: '[audio] в субботу' } },
  },
  {
    kind: 'view once, left out on linked devices',
    provider: 'evolution',
    form: 'a stub',
    body: evolution(undefined, { isViewOnce: true }, { messageStubType: 2 }),
    outcome: { read: { type: 'unsupported' } },
  },
  {
    kind: 'order',
    provider: 'evolution',
    form: 'the Cloud channel',
    body: evolution({ orderMessage: { catalog_id: '1', text: 'без лука', product_items: [] } }),
    outcome: { read: { type: 'order', text: 'без лука' } },
  },
  {
    kind: 'document with a caption',
    provider: 'evolution',
    form: 'the Cloud channel',
    body: evolution({ documentMessage: { id: '9', mime_type: 'application/pdf', filename: 'a.pdf', caption: 'счёт' } }),
    outcome: {
      read: { type: 'document', text: 'счёт', media: { id: '9', mimeType: 'application/pdf', fileName: 'a.pdf' } },
    },
  },
  {
    kind: 'voice note',
    provider: 'evolution',
    form: 'the Cloud channel',
    body: evolution({ audioMessage: { id: '9', mime_type: 'audio/ogg', voice: true, ptt: true } }),
    outcome: { read: { type: 'voice', media: { id: '9', mimeType: 'audio/ogg' } } },
  },
  {
    kind: 'pressed button',
    provider: 'evolution',
    form: 'the Cloud channel',
    body: evolution({ conversation: 'Да', contextInfo: { stanzaId: 'Q' } }, {}, { messageType: 'buttonMessage' }),
    outcome: { read: { text: 'Да', replyTo: 'Q' } },
  },
  {
    kind: 'kind that the provider cannot read',
    provider: 'evolution',
    form: 'the Cloud channel',
    body: evolution({ unsupportedMessage: {} }),
    outcome: { read: { type: 'unsupported' } },
  },
  {
    kind: 'notice of WhatsApp’s own',
    provider: 'evolution',
    body: evolution(undefined, {}, { messageStubType: 'GROUP_CHANGE_SUBJECT' }),
    outcome: { ignored: 'system' },
  },
  {
    kind: 'call',
    provider: 'evolution',
    form: 'a stub',
    body: evolution(undefined, {}, { messageStubType: 40 }),
    outcome: { ignored: 'call' },
  },
  {
    kind: 'disappearing-message setting',
    provider: 'evolution',
    form: 'messages.edited',
    body: {
      event: 'messages.edited',
      instance: 'shop',
      data: { key: { remoteJid: '79000000021@s.whatsapp.net', fromMe: false, id: STANZA }, type: 'EPHEMERAL_SETTING' },
      sender: '79000000001@s.whatsapp.net',
    },
    outcome: { ignored: 'protocol' },
  },
  ...[
    ['the customer’s side', '79000000001@s.whatsapp.net'],
    ['the customer’s side, our hidden id', '111000000000001@lid'],
    ['the customer’s side, no chat', undefined],
  ].map(
    ([form, remoteJid]): KindCase => ({
      kind: 'edit',
      provider: 'evolution',
      form: form ?? '',
      body: {
        event: 'messages.edited',
        instance: 'shop',
        data: edit({ remoteJid, fromMe: true, id: 'OLD' }, 14),
        sender: '79000000001@s.whatsapp.net',
      },
      outcome: { becomes: 'unplaced', fields: { account: 'shop', messageId: 'OLD', text: 'точнее' } },
    }),
  ),
  {
    kind: 'edit',
    provider: 'evolution',
    form: 'the Cloud channel',
    body: evolution({
      editMessage: { original_message_id: 'OLD', message: { type: 'image', image: { id: '9', caption: 'точнее' } } },
    }),
    outcome: { becomes: 'edit', fields: { messageId: 'OLD', text: 'точнее' } },
  },
  {
    kind: 'revocation',
    provider: 'evolution',
    form: 'the Cloud channel',
    body: evolution({ revokeMessage: { original_message_id: 'OLD' } }),
    outcome: { becomes: 'revoke', fields: { messageId: 'OLD' } },
  },
  {
    kind: 'filled-in form (Flow)',
    provider: 'evolution',
    form: 'with a field called id',
    body: evolution({
      interactiveResponseMessage: {
        body: { text: 'Sent' },
        nativeFlowResponseMessage: { name: 'galaxy_message', paramsJson: '{"flow_token":"t","id":"7","date":"1.10"}' },
      },
    }),
    outcome: {
      read: { type: 'interactive', text: 'id: 7\ndate: 1.10', form: { flow_token: 't', id: '7', date: '1.10' } },
    },
  },
  {
    kind: 'own message',
    provider: 'evolution',
    body: evolution({ conversation: 'отвечаю' }, { fromMe: true }),
    outcome: { becomes: 'own', fields: { messageId: STANZA } },
  },
  {
    kind: 'typing',
    provider: 'evolution',
    body: {
      event: 'presence.update',
      instance: 'shop',
      data: { id: '79000000021@s.whatsapp.net', presences: { 'x@s.whatsapp.net': { lastKnownPresence: 'composing' } } },
    },
    outcome: { becomes: 'typing', fields: { chatId: '79000000021@c.us' } },
  },
  {
    kind: 'status of a message',
    provider: 'evolution',
    body: { event: 'messages.update', instance: 'shop', data: { keyId: STANZA, remoteJid: 'x@c.us', status: 'READ' } },
    outcome: { ignored: 'status' },
  },
]

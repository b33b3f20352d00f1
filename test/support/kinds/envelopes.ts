/** The bodies of each provider around what differs from case to case. */
import { CHAT, JID, NAME, PHONE, SECONDS, STANZA } from './kind-case.js'

export const evolution = (message: unknown, key: object = {}, data: object = {}) => ({
  event: 'messages.upsert',
  instance: 'shop',
  data: {
    key: { remoteJid: JID, fromMe: false, id: STANZA, ...key },
    pushName: NAME,
    message,
    messageTimestamp: SECONDS,
    ...data,
  },
  sender: '79000000001@s.whatsapp.net',
})

export const waha = (data: object, payload: object = {}, event = 'message') => ({
  event,
  session: 'shop',
  payload: {
    id: `false_${CHAT}_${STANZA}`,
    timestamp: SECONDS,
    from: CHAT,
    fromMe: false,
    source: 'app',
    to: null,
    participant: null,
    body: null,
    hasMedia: false,
    media: null,
    location: null,
    vCards: null,
    replyTo: null,
    ...payload,
    _data: data,
  },
})

export const webjs = (data: object, payload: object = {}) => waha({ notifyName: NAME, ...data }, payload)

export const noweb = (message: unknown, payload: object = {}) =>
  waha({ key: { remoteJid: JID, fromMe: false }, pushName: NAME, message }, payload)

export const gows = (message: unknown, payload: object = {}, info: object = {}) =>
  waha({ Info: { PushName: NAME, ...info }, Message: message }, payload)

export const greenApi = (messageData: object, more: object = {}) => ({
  typeWebhook: 'incomingMessageReceived',
  instanceData: { idInstance: 1101000001, wid: '79000000001@c.us', typeInstance: 'whatsapp' },
  timestamp: SECONDS,
  idMessage: STANZA,
  senderData: { chatId: CHAT, sender: CHAT, senderName: NAME, senderContactName: '' },
  messageData,
  ...more,
})

export const metaChange = (value: object, field = 'messages') => ({
  object: 'whatsapp_business_account',
  entry: [{ id: '1', changes: [{ field, value: { metadata: { phone_number_id: 'n' }, ...value } }] }],
})

export const meta = (message: object, contact: object = {}) =>
  metaChange({
    contacts: [{ profile: { name: NAME }, wa_id: PHONE, ...contact }],
    messages: [{ from: PHONE, id: 'wamid.1', timestamp: String(SECONDS), ...message }],
  })

export const twilio = (fields: object) => ({
  MessageSid: 'SM1',
  AccountSid: 'AC1',
  From: `whatsapp:+${PHONE}`,
  To: 'whatsapp:+79000000001',
  ProfileName: NAME,
  SmsStatus: 'received',
  NumMedia: '0',
  Body: '',
  ...fields,
})

export const wazzup = (message: object) => ({
  messages: [
    {
      messageId: 'm1',
      channelId: 'ch',
      chatType: 'whatsapp',
      chatId: PHONE,
      dateTime: '2026-01-01T10:15:00.000Z',
      status: 'inbound',
      isEcho: false,
      contact: { name: NAME },
      ...message,
    },
  ],
})

export const wwebjs = (message: object, dataType = 'message', more: object = {}) => ({
  dataType,
  sessionId: 'shop',
  data: {
    message: {
      id: { fromMe: false, remote: CHAT, id: STANZA, _serialized: `false_${CHAT}_${STANZA}` },
      from: CHAT,
      to: '79000000001@c.us',
      fromMe: false,
      body: '',
      timestamp: SECONDS,
      ...message,
    },
    ...more,
  },
})

export const wppconnect = (fields: object, event = 'onmessage') => ({
  event,
  session: 'shop',
  id: `false_${CHAT}_${STANZA}`,
  from: CHAT,
  fromMe: false,
  t: SECONDS,
  sender: { id: CHAT, pushname: NAME },
  ...fields,
})

export const chatapp = (message: object, meta: object = {}) => [
  {
    data: [
      { id: 'm1', side: 'in', time: SECONDS, chat: { id: PHONE }, fromUser: { id: PHONE, name: NAME }, ...message },
    ],
    meta: { type: 'message', licenseId: 1, messengerType: 'grWhatsApp', ...meta },
  },
]

export const generic = (fields: object) => ({
  messageId: 'm1',
  chatId: CHAT,
  senderName: NAME,
  timestamp: SECONDS,
  ...fields,
})

/**
 * What providers with a format of their own send: Green-API, Meta, Twilio, Wazzup24, ChatApp, and the generic shape.
 */
import { chatapp, generic, greenApi, meta, metaChange, twilio, wazzup } from './envelopes.js'
import { CHAT, CONTACTS, type Kind, type KindCase, type Outcome, PHONE, STANZA, VCARD } from './kind-case.js'

const of =
  (provider: string) =>
  (kind: Kind, body: unknown, outcome: Outcome, form?: string): KindCase =>
    form === undefined ? { kind, provider, body, outcome } : { kind, provider, body, outcome, form }

const green = of('green-api')
const cloud = of('meta')
const twilioCase = of('twilio')
const wazzupCase = of('wazzup')
const chatappCase = of('chatapp')
const genericCase = of('generic')

const PRESSED = { stanzaId: 'Q', selectedIndex: 0, selectedId: 'yes', selectedDisplayText: 'Да' }
const IS_PRESSED: Outcome = { read: { type: 'interactive', text: 'Да', payloadId: 'yes', replyTo: 'Q' } }
const file = (typeMessage: string, mimeType: string, caption = '') =>
  greenApi({ typeMessage, fileMessageData: { downloadUrl: 'u', caption, fileName: 'f', mimeType } })
const offered = (typeMessage: string, field: string, words: object) =>
  green(
    'message with buttons',
    greenApi({ typeMessage, [field]: words }),
    {
      read: { type: 'interactive', text: 'Записать вас?' },
    },
    typeMessage,
  )

const GREEN_API_CASES = [
  green('text', greenApi({ typeMessage: 'textMessage', textMessageData: { textMessage: 'привет' } }), {
    read: { type: 'text', text: 'привет' },
  }),
  green(
    'link preview or quote',
    greenApi({
      typeMessage: 'quotedMessage',
      extendedTextMessageData: { text: 'вот' },
      quotedMessage: { stanzaId: 'Q' },
    }),
    { read: { type: 'text', text: 'вот', replyTo: 'Q' } },
  ),
  green('image', file('imageMessage', 'image/jpeg', 'вид'), { read: { type: 'image', text: 'вид' } }),
  green('video', file('videoMessage', 'video/mp4'), { read: { type: 'video' } }),
  green('audio', file('audioMessage', 'audio/ogg'), { read: { type: 'audio' } }),
  green('document with a caption', file('documentMessage', 'application/pdf', 'счёт'), {
    read: { type: 'document', text: 'счёт' },
  }),
  green('sticker', file('stickerMessage', 'image/webp'), { read: { type: 'sticker' } }),
  green(
    'unknown kind',
    file('newMessage', 'video/mp4', 'гляди'),
    { read: { type: 'video', text: 'гляди' } },
    'with a file',
  ),
  green('unknown kind', greenApi({ typeMessage: 'newMessage', newMessage: { a: 1 } }), {
    ignored: 'unknown:newMessage',
  }),
  green(
    'location',
    greenApi({
      typeMessage: 'locationMessage',
      locationMessageData: { latitude: 54.2, longitude: 37.61, nameLocation: 'Склад', jpegThumbnail: '' },
    }),
    { read: { type: 'location', location: { latitude: 54.2, longitude: 37.61, name: 'Склад' } } },
  ),
  green('contact', greenApi({ typeMessage: 'contactMessage', contactMessageData: { displayName: 'Пётр' } }), {
    read: { type: 'contacts', contacts: [{ name: 'Пётр' }] },
  }),
  green(
    'contact',
    greenApi({ typeMessage: 'contactsArrayMessage', messageData: { contacts: [{ vcard: VCARD }] } }),
    { read: { type: 'contacts', contacts: CONTACTS } },
    'several',
  ),
  ...['templateButtonReplyMessage', 'templateButtonsReplyMessage'].map(typeMessage =>
    green(
      'pressed template button',
      greenApi({ typeMessage, templateButtonReplyMessage: PRESSED }),
      IS_PRESSED,
      typeMessage,
    ),
  ),
  green(
    'pressed button',
    greenApi({
      typeMessage: 'buttonsResponseMessage',
      buttonsResponseMessage: { stanzaId: 'Q', selectedButtonId: 'yes', selectedButtonText: 'Да' },
    }),
    IS_PRESSED,
  ),
  green(
    'pressed button',
    greenApi({ typeMessage: 'interactiveButtonsResponse', interactiveButtonsResponse: PRESSED }),
    IS_PRESSED,
    'interactiveButtonsResponse',
  ),
  green(
    'pressed button',
    greenApi({ typeMessage: 'interactiveButtonsReply', templateButtonReplyMessage: PRESSED }),
    IS_PRESSED,
    'under another name',
  ),
  green(
    'chosen list row',
    greenApi({
      typeMessage: 'listResponseMessage',
      listResponseMessage: { stanzaId: 'Q', title: 'Экспресс', listType: 1, singleSelectReply: 'express' },
    }),
    { read: { type: 'interactive', text: 'Экспресс', payloadId: 'express', replyTo: 'Q' } },
  ),
  green(
    'chosen list row',
    greenApi({
      typeMessage: 'listResponseMessage',
      listResponseMessage: { title: 'Экспресс', singleSelectReply: { selectedRowId: 'express' } },
    }),
    { read: { type: 'interactive', text: 'Экспресс', payloadId: 'express' } },
    'an object',
  ),
  offered('interactiveButtons', 'interactiveButtons', { titleText: 'Запись', contentText: 'Записать вас?' }),
  offered('interactiveButtonsReply', 'interactiveButtonsReply', { header: 'Запись', body: 'Записать вас?' }),
  offered('interactiveButtonReply', 'interactiveButtonsReply', { header: 'Запись', body: 'Записать вас?' }),
  offered('buttonsMessage', 'buttonsMessage', { contentText: 'Записать вас?' }),
  offered('listMessage', 'listMessage', { contentText: 'Записать вас?', title: 'Запись' }),
  offered('templateMessage', 'templateMessage', { contentText: 'Записать вас?' }),
  green(
    'product or question about one',
    greenApi({ typeMessage: 'productMessage', productMessage: { productId: 'p7', title: 'Стол', description: 'дуб' } }),
    { read: { type: 'order', text: 'Стол', payloadId: 'p7' } },
  ),
  green(
    'order',
    greenApi({ typeMessage: 'orderMessage', orderMessage: { orderId: '1', token: 't', message: 'без лука' } }),
    {
      read: { type: 'order', text: 'без лука' },
    },
  ),
  green('poll', greenApi({ typeMessage: 'pollMessage', pollMessageData: { name: 'Когда?', options: [] } }), {
    read: { type: 'unknown', text: 'Когда?' },
  }),
  green('poll vote', greenApi({ typeMessage: 'pollUpdateMessage', pollMessageData: { name: 'Когда?', votes: [] } }), {
    ignored: 'poll_vote',
  }),
  green(
    'group invitation',
    greenApi({
      typeMessage: 'groupInviteMessage',
      groupInviteMessageData: { groupName: 'Соседи', caption: 'вступайте' },
    }),
    { read: { text: 'вступайте' } },
  ),
  green('reaction', greenApi({ typeMessage: 'reactionMessage', extendedTextMessageData: { text: '👍' } }), {
    ignored: 'reaction',
  }),
  green(
    'edit',
    greenApi({ typeMessage: 'editedMessage', editedMessageData: { textMessage: 'точнее', stanzaId: 'OLD' } }),
    { becomes: 'edit', fields: { messageId: 'OLD', text: 'точнее' } },
  ),
  green(
    'edit',
    greenApi({ typeMessage: 'editedMessage', editedMessageData: { caption: 'точнее', stanzaId: 'OLD' } }),
    { becomes: 'edit', fields: { messageId: 'OLD', text: 'точнее' } },
    'of a caption',
  ),
  green('revocation', greenApi({ typeMessage: 'deletedMessage', deletedMessageData: { stanzaId: 'OLD' } }), {
    becomes: 'revoke',
    fields: { messageId: 'OLD' },
  }),
  green('call', { typeWebhook: 'incomingCall', idMessage: 'C1', from: CHAT }, { ignored: 'event:incomingCall' }),
  green('status of a message', { typeWebhook: 'outgoingMessageStatus', idMessage: STANZA }, { ignored: 'status' }),
  green(
    'own message',
    greenApi(
      { typeMessage: 'textMessage', textMessageData: { textMessage: 'отвечаю' } },
      { typeWebhook: 'outgoingMessageReceived' },
    ),
    { becomes: 'own', fields: { messageId: STANZA, by: 'human' } },
  ),
  green(
    'text',
    greenApi(
      { typeMessage: 'textMessage', textMessageData: { textMessage: 'привет' } },
      {
        senderData: {
          chatId: '245000000000021@lid',
          sender: '245000000000021@lid',
          senderPhoneNumber: Number(PHONE),
        },
      },
    ),
    { read: { chatId: CHAT, senderId: CHAT, samePerson: [CHAT, '245000000000021@lid'] } },
    'a hidden id with the number beside it',
  ),
  green(
    'text',
    greenApi(
      { typeMessage: 'textMessage', textMessageData: { textMessage: 'привет' } },
      { senderData: { chatId: '1203@g.us', sender: '245000000000021@lid', senderPhoneNumber: Number(PHONE) } },
    ),
    { read: { chatId: '1203@g.us', senderId: CHAT, samePerson: [CHAT, '245000000000021@lid'] } },
    'in a group, a hidden id with the number beside it',
  ),
  green(
    'text',
    greenApi(
      { typeMessage: 'textMessage', textMessageData: { textMessage: 'привет' } },
      { senderData: { chatId: '245000000000021@lid', sender: '245000000000021@lid', senderPhoneNumber: 0 } },
    ),
    { read: { chatId: '245000000000021@lid', senderId: '245000000000021@lid' } },
    'a hidden id without a number',
  ),
  ...[
    ['10000000021', false],
    ['-10000000021', true],
  ].map(([chatId, isGroup]) =>
    green(
      'chat of another messenger',
      greenApi(
        { typeMessage: 'textMessage', textMessageData: { textMessage: 'привет' } },
        {
          instanceData: { idInstance: 4100000000, typeInstance: 'telegram' },
          senderData: { chatId, sender: '10000000021', senderName: 'Мария' },
        },
      ),
      { read: { chatId, isGroup, senderId: '10000000021' } },
      isGroup ? 'a group' : 'a person',
    ),
  ),
]

const interactive = (type: string, answer: object) =>
  meta({ type: 'interactive', interactive: { type, [type]: answer } })

const META_CASES = [
  cloud('text', meta({ type: 'text', text: { body: 'привет' } }), { read: { type: 'text', text: 'привет' } }),
  cloud(
    'text',
    meta({ type: 'text', text: { body: 'привет' } }, { wa_id: '7900000021' }),
    { read: { chatId: CHAT, senderName: 'Мария Ветрова', samePerson: [CHAT, '7900000021@c.us'] } },
    'a contact with another wa_id',
  ),
  cloud(
    'text',
    meta(
      { from: undefined, from_user_id: 'BR.ENT.1181579921', type: 'text', text: { body: 'oi' } },
      { wa_id: undefined, user_id: 'BR.ENT.1181579921', profile: { username: 'maria' } },
    ),
    { read: { chatId: 'BR.ENT.1181579921@bsuid', senderName: 'maria' } },
    'a username instead of the number',
  ),
  cloud(
    'text',
    meta({ from: undefined, type: 'text', text: { body: 'привет' } }),
    { read: { chatId: CHAT, senderId: CHAT, text: 'привет' } },
    'the sender in the contact alone',
  ),
  cloud('text', meta({ text: { body: 'привет' } }), { read: { type: 'text', text: 'привет' } }, 'without a type'),
  cloud(
    'text',
    meta(
      { from: 'BR.1181579921', from_user_id: 'BR.1181579921', type: 'text', text: { body: 'oi' } },
      { wa_id: 'BR.1181579921', user_id: 'BR.1181579921' },
    ),
    { read: { chatId: 'BR.1181579921@bsuid', samePerson: undefined } },
    'a user id in the place of each number',
  ),
  cloud(
    'own message',
    metaChange({ message_echoes: [{ id: 'M', to: 'BR.1181579921', type: 'text' }] }, 'smb_message_echoes'),
    { becomes: 'own', fields: { chatId: 'BR.1181579921@bsuid' } },
    'to a user id',
  ),
  cloud('link preview or quote', meta({ type: 'text', text: { body: 'вот' }, context: { id: 'Q' } }), {
    read: { text: 'вот', replyTo: 'Q' },
  }),
  cloud('image', meta({ type: 'image', image: { id: '9', mime_type: 'image/jpeg', caption: 'вид' } }), {
    read: { type: 'image', text: 'вид', media: { id: '9', mimeType: 'image/jpeg' } },
  }),
  cloud('video', meta({ type: 'video', video: { id: '9' } }), { read: { type: 'video' } }),
  cloud('audio', meta({ type: 'audio', audio: { id: '9', voice: false } }), { read: { type: 'audio' } }),
  cloud('voice note', meta({ type: 'audio', audio: { id: '9', voice: true } }), { read: { type: 'voice' } }),
  cloud('document with a caption', meta({ type: 'document', document: { id: '9', caption: 'счёт' } }), {
    read: { type: 'document', text: 'счёт' },
  }),
  cloud('sticker', meta({ type: 'sticker', sticker: { id: '9' } }), { read: { type: 'sticker' } }),
  cloud('location', meta({ type: 'location', location: { latitude: 54.2, longitude: 37.61 } }), {
    read: { type: 'location', location: { latitude: 54.2, longitude: 37.61 } },
  }),
  cloud('contact', meta({ type: 'contacts', contacts: [{ name: {} }] }), {
    read: { type: 'contacts', contacts: undefined },
  }),
  cloud(
    'contact',
    meta({
      type: 'contacts',
      contacts: [
        {
          name: { formatted_name: 'Анна Петрова', first_name: 'Анна' },
          phones: [{ phone: '+7 900 000-00-99', wa_id: '79000000099' }, { wa_id: '79000000098' }],
          emails: [{ email: 'anna@example.com' }],
        },
      ],
    }),
    {
      read: {
        type: 'contacts',
        contacts: [
          { name: 'Анна Петрова', phones: ['+7 900 000-00-99', '+79000000098'], emails: ['anna@example.com'] },
        ],
      },
    },
    'with a number',
  ),
  cloud('pressed button', interactive('button_reply', { id: 'yes', title: 'Да' }), {
    read: { type: 'interactive', text: 'Да', payloadId: 'yes' },
  }),
  cloud('pressed template button', meta({ type: 'button', button: { payload: 'yes', text: 'Да' } }), {
    read: { type: 'interactive', text: 'Да', payloadId: 'yes' },
  }),
  cloud('chosen list row', interactive('list_reply', { id: 'express', title: 'Экспресс' }), {
    read: { type: 'interactive', text: 'Экспресс', payloadId: 'express' },
  }),
  cloud(
    'filled-in form (Flow)',
    interactive('nfm_reply', { name: 'flow', body: 'Sent', response_json: '{"flow_token":"t","date":"2026-01-10"}' }),
    { read: { type: 'interactive', text: 'date: 2026-01-10', form: { flow_token: 't', date: '2026-01-10' } } },
  ),
  cloud(
    'filled-in form (Flow)',
    interactive('nfm_reply', { name: 'flow', body: 'Sent', response_json: '{"id":"7","date":"2026-01-10"}' }),
    { read: { type: 'interactive', text: 'id: 7\ndate: 2026-01-10', form: { id: '7', date: '2026-01-10' } } },
    'with a field called id',
  ),
  cloud(
    'filled-in form (Flow)',
    interactive('nfm_reply', { name: 'flow', body: 'Sent', response_json: { date: '2026-01-10' } }),
    { read: { type: 'interactive', text: 'date: 2026-01-10', form: { date: '2026-01-10' } } },
    'as an object',
  ),
  cloud(
    'filled-in form (Flow)',
    interactive('nfm_reply', {
      name: 'address_message',
      body: 'Ленина 5, Тула',
      response_json: '{"values":{"city":"Тула"}}',
    }),
    { read: { type: 'interactive', text: 'Ленина 5, Тула', form: { values: { city: 'Тула' } } } },
    'an address',
  ),
  cloud('call permission', interactive('call_permission_reply', { response: 'accept', is_permanent: false }), {
    read: { type: 'interactive', text: 'accept', payloadId: 'accept' },
  }),
  cloud('unknown kind', interactive('new_reply', { a: 1 }), { ignored: 'unknown:interactive' }, 'an answer'),
  cloud('unknown kind', meta({ type: 'new', new: { a: 1 } }), { ignored: 'unknown:new' }),
  cloud('kind that the provider cannot read', meta({ type: 'unsupported', errors: [{ code: 131051 }] }), {
    read: { type: 'unsupported' },
  }),
  cloud(
    'kind that the provider cannot read',
    meta({ type: 'unknown', errors: [{ code: 131051 }] }),
    {
      read: { type: 'unsupported' },
    },
    'before v13',
  ),
  cloud(
    'order',
    meta({
      type: 'order',
      order: { catalog_id: 'c', text: 'без лука', product_items: [{ product_retailer_id: 'p7' }] },
    }),
    { read: { type: 'order', text: 'без лука' } },
  ),
  cloud(
    'product or question about one',
    meta({ type: 'text', text: { body: 'ещё есть?' }, context: { referred_product: { product_retailer_id: 'p7' } } }),
    { read: { type: 'text', text: 'ещё есть?', payloadId: 'p7' } },
  ),
  cloud(
    'product or question about one',
    interactive('product', { catalog_id: 'c', product_retailer_id: 'p7' }),
    { read: { type: 'order', payloadId: 'p7', form: { catalog_id: 'c', product_retailer_id: 'p7' } } },
    'from the catalogue',
  ),
  cloud('reaction', meta({ type: 'reaction', reaction: { emoji: '👍' } }), { ignored: 'reaction' }),
  cloud('notice of WhatsApp’s own', meta({ type: 'system', system: { type: 'user_changed_number' } }), {
    ignored: 'system',
  }),
  cloud(
    'changed id of a person',
    metaChange({
      messages: [
        {
          id: 'wamid.1',
          timestamp: '1767262500',
          type: 'system',
          system: { type: 'user_changed_user_id', user_id: 'RU.13492', previous_user_id: 'RU.13491' },
        },
      ],
    }),
    {
      becomes: 'person',
      fields: {
        account: 'n',
        samePerson: ['RU.13492@bsuid', 'RU.13491@bsuid'],
        reason: 'system',
        messageId: 'wamid.1',
      },
    },
  ),
  cloud(
    'edit',
    meta({ type: 'edit', edit: { original_message_id: 'OLD', message: { type: 'text', text: { body: 'точнее' } } } }),
    { becomes: 'edit', fields: { messageId: 'OLD', text: 'точнее' } },
  ),
  cloud('revocation', meta({ type: 'revoke', revoke: { original_message_id: 'OLD' } }), {
    becomes: 'revoke',
    fields: { messageId: 'OLD' },
  }),
  cloud('own message', metaChange({ message_echoes: [{ id: 'M', to: PHONE, type: 'text' }] }, 'smb_message_echoes'), {
    becomes: 'own',
    fields: { messageId: 'M', by: 'human' },
  }),
  cloud('status of a message', metaChange({ statuses: [{ id: 'M', status: 'read' }] }), { ignored: 'status' }),
  cloud('call', metaChange({ calls: [{ id: 'C' }] }, 'calls'), { ignored: 'other_field:calls' }),
  cloud(
    'chat that another app controls',
    metaChange({ messages: [{ from: PHONE, id: 'M', type: 'text', text: { body: 'привет' } }] }, 'standby'),
    { ignored: 'standby' },
  ),
]

const media = (mimeType: string) => ({
  NumMedia: '1',
  MediaUrl0: 'https://api.twilio.com/m',
  MediaContentType0: mimeType,
})

const TWILIO_CASES = [
  twilioCase('text', twilio({ Body: 'привет', MessageType: 'text' }), { read: { type: 'text', text: 'привет' } }),
  twilioCase(
    'text',
    twilio({ Body: 'oi', From: 'whatsapp:BR.ENT.1181579921', ParentExternalUserId: 'BR.ENT.1181579921' }),
    { read: { chatId: 'BR.ENT.1181579921@bsuid', text: 'oi' } },
    'a parent user id instead of the number',
  ),
  twilioCase(
    'text',
    twilio({ Body: 'oi', From: 'whatsapp:BR.1181579921', WaId: 'BR.1181579921' }),
    { read: { chatId: 'BR.1181579921@bsuid', samePerson: undefined } },
    'a user id in the place of each number',
  ),
  twilioCase('link preview or quote', twilio({ Body: 'вот', OriginalRepliedMessageSid: 'Q' }), {
    read: { text: 'вот', replyTo: 'Q' },
  }),
  twilioCase('image', twilio({ Body: 'вид', ...media('image/jpeg') }), { read: { type: 'image', text: 'вид' } }),
  twilioCase('video', twilio(media('video/mp4')), { read: { type: 'video' } }),
  twilioCase('audio', twilio(media('audio/ogg')), { read: { type: 'audio' } }),
  twilioCase('document with a caption', twilio({ Body: 'счёт', ...media('application/pdf') }), {
    read: { type: 'document', text: 'счёт' },
  }),
  twilioCase('sticker', twilio({ MessageType: 'sticker', ...media('image/webp') }), { read: { type: 'sticker' } }),
  twilioCase(
    'filled-in form (Flow)',
    twilio({ MessageType: 'interactive', InteractiveData: '{"date":"2026-01-10"}' }),
    { read: { type: 'interactive', text: 'date: 2026-01-10', form: { date: '2026-01-10' } } },
  ),
  twilioCase('contact', twilio(media('text/vcard')), { read: { type: 'contacts' } }),
  twilioCase('location', twilio({ Latitude: '54.2', Longitude: '37.61', Address: 'Тула' }), {
    read: { type: 'location', location: { latitude: 54.2, longitude: 37.61, address: 'Тула' } },
  }),
  twilioCase('pressed button', twilio({ MessageType: 'button', Body: 'Да', ButtonText: 'Да', ButtonPayload: 'yes' }), {
    read: { type: 'interactive', text: 'Да', payloadId: 'yes' },
  }),
  twilioCase('chosen list row', twilio({ MessageType: 'interactive', ListTitle: 'Экспресс', ListId: 'express' }), {
    read: { type: 'interactive', text: 'Экспресс', payloadId: 'express' },
  }),
  twilioCase('reaction', twilio({ MessageType: 'reaction', Body: '👍' }), { ignored: 'reaction' }),
  twilioCase('kind that the provider cannot read', twilio({ MessageType: 'unsupported' }), {
    read: { type: 'unsupported' },
  }),
  twilioCase('unknown kind', twilio({ MessageType: 'new' }), { ignored: 'unknown:new' }),
  twilioCase('empty text', twilio({}), { ignored: 'unknown' }),
  twilioCase('status of a message', twilio({ SmsStatus: 'delivered', MessageStatus: 'delivered' }), {
    ignored: 'status',
  }),
  twilioCase('chat of another messenger', twilio({ From: '+79000000021', Body: 'SMS' }), { ignored: 'other_channel' }),
  twilioCase('chat of another messenger', twilio({ EventType: 'onMessageAdded', Body: 'hi' }), {
    ignored: 'other_channel',
  }),
]

const WAZZUP_CASES = [
  wazzupCase('text', wazzup({ type: 'text', text: 'привет' }), {
    read: { type: 'text', text: 'привет', chatId: CHAT },
  }),
  wazzupCase('link preview or quote', wazzup({ type: 'text', text: 'вот', quotedMessage: { messageId: 'Q' } }), {
    read: { text: 'вот', replyTo: 'Q' },
  }),
  wazzupCase('image', wazzup({ type: 'image', contentUri: 'https://s/x?filename=a.jpg', text: 'вид' }), {
    read: { type: 'image', text: 'вид' },
  }),
  wazzupCase('video', wazzup({ type: 'video', contentUri: 'https://s/x' }), { read: { type: 'video' } }),
  wazzupCase('audio', wazzup({ type: 'audio', contentUri: 'https://s/x' }), { read: { type: 'audio' } }),
  wazzupCase('document with a caption', wazzup({ type: 'document', contentUri: 'https://s/x', text: 'счёт' }), {
    read: { type: 'document', text: 'счёт' },
  }),
  wazzupCase('contact', wazzup({ type: 'vcard', contentUri: 'https://s/x' }), { read: { type: 'contacts' } }),
  wazzupCase('location', wazzup({ type: 'geo', text: '54.2, 37.61' }), {
    read: { type: 'location', location: { latitude: 54.2, longitude: 37.61 } },
  }),
  wazzupCase('call', wazzup({ type: 'missing_call' }), { ignored: 'call' }),
  wazzupCase('kind that the provider cannot read', wazzup({ type: 'unsupported' }), { read: { type: 'unsupported' } }),
  wazzupCase('unknown kind', wazzup({ type: 'new' }), { ignored: 'unknown:new' }),
  wazzupCase('edit', wazzup({ type: 'text', text: 'точнее', isEdited: true }), {
    becomes: 'edit',
    fields: { messageId: 'm1', text: 'точнее' },
  }),
  wazzupCase('revocation', wazzup({ type: 'text', isDeleted: true }), {
    becomes: 'revoke',
    fields: { messageId: 'm1' },
  }),
  wazzupCase('own message', wazzup({ type: 'text', text: 'отвечаю', isEcho: true }), {
    becomes: 'own',
    fields: { messageId: 'm1' },
  }),
  wazzupCase(
    'status of a message',
    { statuses: [{ messageId: 'm1', timestamp: 't', status: 'read' }] },
    { ignored: 'status' },
  ),
  ...['telegram', 'viber', 'instagram', 'vk', 'avito', 'max'].map(chatType =>
    wazzupCase(
      'chat of another messenger',
      wazzup({ chatType, chatId: PHONE, type: 'text', text: 'привет' }),
      { read: { chatId: `${PHONE}@${chatType}`, isGroup: false } },
      chatType,
    ),
  ),
  wazzupCase(
    'chat of another messenger',
    wazzup({ chatType: 'telegroup', chatId: '-1001234500021', type: 'text', text: 'в группе' }),
    { read: { chatId: '-1001234500021@telegroup', isGroup: true } },
    'telegroup',
  ),
]

const FILE_TYPES: [Kind, string][] = [
  ['video', 'video'],
  ['audio', 'audio'],
  ['voice note', 'voice'],
  ['document with a caption', 'document'],
  ['sticker', 'sticker'],
]

const OTHER_CASES = [
  chatappCase('text', chatapp({ type: 'text', message: { text: 'привет' } }), {
    read: { type: 'text', text: 'привет', chatId: CHAT },
  }),
  chatappCase('image', chatapp({ type: 'image', message: { caption: 'вид', file: { link: 'u' } } }), {
    read: { type: 'image', text: 'вид', media: { url: 'u' } },
  }),
  ...FILE_TYPES.map(([kind, type]) =>
    chatappCase(kind, chatapp({ type, message: { file: { link: 'u' } } }), { read: { type, media: { url: 'u' } } }),
  ),
  chatappCase('own message', chatapp({ side: 'out', type: 'text', message: { text: 'отвечаю' } }), {
    becomes: 'own',
    fields: { mayBeEcho: true },
  }),
  chatappCase('notice of WhatsApp’s own', chatapp({ side: 'system', type: 'text' }), { ignored: 'system' }),
  chatappCase('unknown kind', chatapp({ type: 'new' }), { ignored: 'unknown:new' }),
  chatappCase('status of a message', chatapp({}, { type: 'messageStatus' }), { ignored: 'event:messageStatus' }),
  ...['79000000021', '-1001234500021', 'user/7:a%2F'].map(id =>
    chatappCase(
      'chat of another messenger',
      chatapp({ chat: { id }, type: 'text', message: { text: 'привет' } }, { messengerType: 'telegram' }),
      { read: { chatId: id, isGroup: id.startsWith('-') } },
      id,
    ),
  ),
  genericCase('text', generic({ text: 'привет' }), { read: { type: 'text', text: 'привет', chatId: CHAT } }),
  genericCase('image', generic({ type: 'image', text: 'вид', media: { url: 'u' } }), {
    read: { type: 'image', text: 'вид' },
  }),
  ...FILE_TYPES.map(([kind, type]) =>
    genericCase(kind, generic({ type, media: { url: 'u' } }), { read: { type, media: { url: 'u' } } }),
  ),
  genericCase('location', generic({ type: 'location', location: { latitude: 54.2, longitude: 37.61 } }), {
    read: { type: 'location', location: { latitude: 54.2, longitude: 37.61 } },
  }),
  genericCase(
    'own message',
    generic({ text: 'отвечаю', fromMe: 1 }),
    { becomes: 'own', fields: { messageId: 'm1' } },
    'a number as the mark',
  ),
  genericCase(
    'location',
    generic({ type: 'location', location: { latitude: '54.2', longitude: '37.61', name: 'Склад' } }),
    { read: { location: { latitude: 54.2, longitude: 37.61, name: 'Склад' } } },
    'in digits',
  ),
  genericCase('contact', generic({ type: 'contacts', contacts: CONTACTS }), {
    read: { type: 'contacts', contacts: CONTACTS },
  }),
  genericCase('order', generic({ type: 'order', text: 'без лука' }), { read: { type: 'order', text: 'без лука' } }),
  genericCase('pressed button', generic({ type: 'interactive', text: 'Да', payloadId: 'yes' }), {
    read: { type: 'interactive', text: 'Да', payloadId: 'yes' },
  }),
  genericCase('link preview or quote', generic({ text: 'вот', replyTo: 'Q' }), { read: { text: 'вот', replyTo: 'Q' } }),
  genericCase('own message', generic({ text: 'отвечаю', fromMe: true }), {
    becomes: 'own',
    fields: { messageId: 'm1' },
  }),
  genericCase('unknown kind', generic({ type: 'new' }), { ignored: 'unknown:new' }),
  ...['-123450021', '123-45002', '12:3/4%2F', 'an id', '@maria'].map(chatId =>
    genericCase('chat of another messenger', generic({ chatId, text: 'привет' }), { read: { chatId } }, chatId),
  ),
]

/** Names that are numbers or ids; the item has no name then. */
const NO_NAMES = [
  PHONE,
  `+${PHONE}`,
  '\u202a+7 900 000‑00‑21\u202c',
  '~ +7 900 000-00-21',
  '~',
  CHAT,
  '245000000000021:12@lid',
]

const NAMELESS_CASES = NO_NAMES.map(senderName =>
  genericCase(
    'text',
    generic({ text: 'привет', senderName }),
    { read: { senderName: undefined } },
    `named ${senderName}`,
  ),
)

export const CLOUD_CASES: KindCase[] = [
  ...GREEN_API_CASES,
  ...META_CASES,
  ...TWILIO_CASES,
  ...WAZZUP_CASES,
  ...OTHER_CASES,
  ...NAMELESS_CASES,
]

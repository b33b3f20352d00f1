/**
 * The kinds of WhatsApp Web (`type` of a message in whatsapp-web.js, WPPConnect and WAHA's WEBJS): which of Lull's
 * types each is, or why it is ignored; and which field has its text.
 *
 * Documented: the names, https://github.com/wwebjs/whatsapp-web.js src/util/Constants.js, MessageTypes, and
 * https://github.com/wppconnect-team/wa-js src/whatsapp/enums/MSG_TYPE.ts. Inferred: the kinds that neither lists yet
 * (`ptv`, `poll_update`, `event_response`, `pinned_message`, `keep_in_chat`, `interactive_response`).
 */
import type { MessageType } from '../batch.js'
import { lookUp } from './fields.js'

const TYPES: Record<string, MessageType> = {
  chat: 'text',
  hsm: 'text',
  text: 'text',
  image: 'image',
  video: 'video',
  ptv: 'video',
  gif: 'video',
  audio: 'audio',
  ptt: 'voice',
  document: 'document',
  sticker: 'sticker',
  location: 'location',
  vcard: 'contacts',
  multi_vcard: 'contacts',
  buttons_response: 'interactive',
  template_button_reply: 'interactive',
  list_response: 'interactive',
  interactive: 'interactive',
  interactive_response: 'interactive',
  native_flow: 'interactive',
  order: 'order',
  product: 'order',
}

const IGNORED: Record<string, string> = {
  e2e_notification: 'system',
  notification: 'system',
  notification_template: 'system',
  group_notification: 'system',
  broadcast_notification: 'system',
  newsletter_notification: 'system',
  gp2: 'system',
  ciphertext: 'system',
  protocol: 'system',
  debug: 'system',
  revoked: 'system',
  call_log: 'call',
  reaction: 'reaction',
  album: 'album',
  poll_update: 'poll_vote',
  event_response: 'event_response',
  pinned_message: 'pin',
  keep_in_chat: 'keep_in_chat',
}

/** WhatsApp Web puts a small picture, in base64, into the body of messages that have one. */
const PICTURE = /^\/9j\/[\w+/]{20,}={0,2}$/

/** Where kinds without a body have their text. */
export interface WebWords {
  body?: string | undefined
  pollName?: string | undefined
  eventName?: string | undefined
  /** What was written under an invitation to a group. */
  comment?: string | undefined
  inviteGrpName?: string | undefined
  orderTitle?: string | undefined
  listTitle?: string | undefined
}

/** The text of a message that is not a file. */
export function webText({
  body,
  pollName,
  eventName,
  comment,
  inviteGrpName,
  orderTitle,
  listTitle,
}: WebWords): string | undefined {
  if (body !== undefined && body !== '' && !PICTURE.test(body)) return body
  return listTitle ?? pollName ?? eventName ?? comment ?? inviteGrpName ?? orderTitle
}

const FILES: MessageType[] = ['image', 'video', 'audio', 'voice', 'document', 'sticker']

export const webType = (kind: string | undefined): MessageType => lookUp(TYPES, kind) ?? 'unknown'

/** Why it is ignored, if no person wrote it. */
export const webIgnored = (kind: string | undefined): string | undefined => lookUp(IGNORED, kind)

export const isFile = (type: MessageType | undefined): boolean => type !== undefined && FILES.includes(type)

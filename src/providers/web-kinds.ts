/**
 * The kinds of WhatsApp Web (`type` of a message in whatsapp-web.js, WPPConnect and WAHA's WEBJS): which of Lull's types each
 * is, or why it is nobody's words. https://github.com/wwebjs/whatsapp-web.js src/util/Constants.js, MessageTypes
 */
import type { MessageType } from '../batch.js'
import { lookUp } from './fields.js'

const TYPES: Record<string, MessageType> = {
  chat: 'text',
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

const FILES: MessageType[] = ['image', 'video', 'audio', 'voice', 'document', 'sticker']

export const webType = (kind: string | undefined): MessageType => lookUp(TYPES, kind) ?? 'unknown'

/** The reason it is ignored for, if it is nobody's words. */
export const webIgnored = (kind: string | undefined): string | undefined => lookUp(IGNORED, kind)

export const isFile = (type: MessageType | undefined): boolean => type !== undefined && FILES.includes(type)

/**
 * WhatsApp's own message ids, and the long ones that programs on WhatsApp Web make of them,
 * `false_79000000011@c.us_3ACA576E679D5E846FA7`: whether it is one's own, the chat, the id, and in a group who wrote.
 * One message may be delivered under two long ids (`@c.us` and `@lid`), so Lull identifies it by the id in the middle.
 */

const LONG_ID = /^(true|false)_([^_]+)_([^_]+)(?:_.*)?$/

export const stanzaOf = (messageId: string | undefined) => messageId && (LONG_ID.exec(messageId)?.[3] ?? messageId)

export const chatOfStanza = (messageId: string | undefined) => messageId && LONG_ID.exec(messageId)?.[2]

/** Whether an id is WhatsApp's own: random, so that no two messages have the same. */
export const isStanza = (messageId: string) => STANZA.test(messageId)

const STANZA = /^[\dA-F]{16,64}$/i

export const isOwnStanza = (messageId: string | undefined) => LONG_ID.exec(messageId ?? '')?.[1] === 'true'

/** An id shows which program made it: https://github.com/WhiskeySockets/Baileys, getDevice. */
const PHONES = [/^3A[\dA-F]{18}$/i, /^(?!3EB0)(?:[\dA-F]{21}|[\dA-F]{32})$/i]

/**
 * Whether a message was sent from a phone. A bot on WhatsApp Web (Evolution, whatsapp-web.js, WPPConnect) makes the ids
 * that WhatsApp Web does, so an own message with such an id may be its echo, and only a phone's is surely a person's.
 */
export const isFromPhone = (stanza: string | undefined) => PHONES.some(phone => phone.test(stanza ?? ''))

/** What the id of an own message says about its sender. */
export const ownSender = (stanza: string | undefined) =>
  isFromPhone(stanza) ? { by: 'human' as const } : { mayBeEcho: true as const }

/** `proto.WebMessageInfo.StubType` of Baileys: what a stub, which has no message, is about. */
const CALLS = [40, 41, 45, 46, 169, 170]

/**
 * Why a message without content is ignored: it is a call, or a notice of WhatsApp's. `undefined` if it is not a stub.
 */
export function stubReason(stub: string | number | undefined): string | undefined {
  if (stub === undefined || stub === 0 || stub === 'UNKNOWN') return undefined
  return CALLS.includes(Number(stub)) || /^CALL_|^SILENCED_UNKNOWN_CALLER/.test(String(stub)) ? 'call' : 'system'
}

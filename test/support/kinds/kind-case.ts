/**
 * A kind of message, as one provider sends it: the body, and what must come of it. The tests run the cases, and `npm
 * run docs` makes the table of kinds in docs/webhooks.md of them.
 */

/** The rows of the table, in its order. */
export const KINDS = [
  'text',
  'link preview or quote',
  'image',
  'video',
  'video note',
  'audio',
  'voice note',
  'voice note with a transcript',
  'document with a caption',
  'sticker',
  'Lottie sticker',
  'medium that the provider did not fetch',
  'view once, left out on linked devices',
  'album: the message before its pictures',
  'album: a picture',
  'location',
  'live location',
  'contact',
  'pressed button',
  'pressed template button',
  'chosen list row',
  'reply to a native flow: a button',
  'filled-in form (Flow)',
  'message with buttons',
  'order',
  'product or question about one',
  'call permission',
  'poll',
  'poll vote',
  'event',
  'answer to an event',
  'group invitation',
  'comment',
  'payment with a note',
  'message in wrappers',
  'reaction',
  'pin',
  'kept message',
  'edit',
  'encrypted edit',
  'revocation',
  'call',
  'disappearing-message setting',
  'notice of WhatsApp’s own',
  'changed id of a person',
  'kind that the provider cannot read',
  'unknown kind',
  'empty text',
  'own message',
  'typing',
  'status of a message',
  'chat that another app controls',
  'chat of another messenger',
] as const

export type Kind = (typeof KINDS)[number]

/** A part of what must come out; a message's own fields are among those of the item. */
type Expected = Record<string, unknown>

/** A message, an ignored item, or an item of another sort. */
export type Outcome =
  | { read: Expected }
  | { ignored: string }
  | { becomes: 'edit' | 'revoke' | 'own' | 'typing' | 'person' | 'unplaced'; fields: Expected }

export interface KindCase {
  kind: Kind
  provider: string
  /** Which of several forms: an engine, a spelling. */
  form?: string
  body: unknown
  outcome: Outcome
}

/** A card that somebody shares, and what is read of it. */
export const VCARD = [
  'BEGIN:VCARD',
  'VERSION:3.0',
  'N:Петрова;Анна;;;',
  'FN:Анна Петрова',
  'item1.TEL;type=CELL;waid=79000000099:+7 900 000-00-99',
  'EMAIL:anna@example.com',
  'END:VCARD',
].join('\n')
export const CONTACTS = [{ name: 'Анна Петрова', phones: ['+7 900 000-00-99'], emails: ['anna@example.com'] }]

/** Who writes in each case, and the id of the message. */
export const PHONE = '79000000021'
export const CHAT = `${PHONE}@c.us`
export const JID = `${PHONE}@s.whatsapp.net`
export const STANZA = '3A0001C0FFEE0DDBA11F'
export const NAME = 'Мария Ветрова'
export const SECONDS = 1767262500

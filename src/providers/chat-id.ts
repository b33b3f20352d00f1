/**
 * A chat's id in one form. WhatsApp providers write it in many:
 *
 *   <digits>@c.us     a person, by phone number
 *   <id>@g.us         a group
 *   <id>@lid          a person whose number is hidden
 *   <id>@bsuid        a person Meta knows by a business-scoped user id alone
 *
 * Anything else is kept as it is: the generic shape serves other channels too.
 */
import { LONGEST_ID } from './fields.js'

const PERSON = '@c.us'
const GROUP = '@g.us'

/**
 * A chat of another messenger: its ids are numbers too, but not phone numbers. Groups of Telegram and MAX begin with a
 * minus.
 */
export const foreignIdFrom = (raw: string) => (raw.trim() === '' || raw.length > LONGEST_ID ? undefined : raw.trim())

export const isForeignGroup = (chatId: string) => /^-\d+$/.test(chatId)

/**
 * WhatsApp's own domains for a person with a phone number, and for one whose number is hidden. Messages that a person
 * sends through a hosted device (Cloud API beside the phone) have domains of their own:
 * https://github.com/WhiskeySockets/Baileys/blob/master/src/WABinary/jid-utils.ts
 */
const PERSON_DOMAINS = new Set(['c.us', 's.whatsapp.net', 'hosted'])
const HIDDEN_DOMAINS = new Set(['lid', 'hosted.lid'])
/**
 * One person's devices are told apart by a suffix: `:12`, and behind digits with an agent `.1:12` (whatsmeow) or `_1:12`
 * (Baileys).
 */
const DEVICE = /(?<=^\+?\d+)(?:[._]\d{1,3})?(?::\d+)?$|(?<=.):\d+$/

/** Never a minus in front: `-100123` is a group of another messenger, not a person's number. */
const PHONE = /^(?:\+[\d\s().-]+|\d+)$/
/** A phone number has at most 15 digits (E.164), and at least 5. */
const FEWEST_DIGITS = 5
const MOST_DIGITS = 15

/** Of a portfolio (`BR.ENT.…`), too. */
const USER_ID = /^[A-Z]{2}\.(?:ENT\.)?\w+$/

/** Where Meta names a person by number, it may have a business-scoped user id instead. The suffix is Lull's own. */
export const withScope = (id: string | undefined) => (id !== undefined && USER_ID.test(id) ? `${id}@bsuid` : id)

/** `undefined` for an id that is empty or too long. */
export function chatIdFrom(raw: string): string | undefined {
  const text = raw.trim().replace(/^whatsapp:/i, '')
  if (text === '' || text.length > LONGEST_ID) return undefined
  const at = text.lastIndexOf('@')
  if (at > 0) return fromAddress(text.slice(0, at), text.slice(at + 1).toLowerCase()) ?? text
  if (PHONE.test(text)) {
    const digits = text.replaceAll(/\D/g, '')
    if (digits.length >= FEWEST_DIGITS && digits.length <= MOST_DIGITS) return digits + PERSON
  }
  return text
}

/**
 * The id that is used of those that a body gives for one person: the phone number if there is one, since a hidden id
 * (`@lid`) comes and goes beside it, and two ids would be two conversations; else the first.
 */
export function personIdFrom(...ids: (string | undefined)[]): string | undefined {
  let first: string | undefined
  for (const id of ids) {
    const known = id === undefined ? undefined : chatIdFrom(id)
    if (known?.endsWith(PERSON)) return known
    first ??= known
  }
  return first
}

/**
 * All ids of one person that a body gives, the one that `personIdFrom` chooses first; `undefined` if there is only one.
 */
export function samePersonIn(...ids: (string | undefined)[]): string[] | undefined {
  // Most bodies give one id, or the same one twice: nothing is computed for them.
  const given = ids.find(id => id !== undefined)
  if (ids.every(id => id === undefined || id === given)) return undefined
  const first = personIdFrom(...ids)
  const others = ids.flatMap(id => (id === undefined ? [] : (chatIdFrom(id) ?? [])))
  const all = first === undefined ? [] : [...new Set([first, ...others])]
  return all.length > 1 ? all : undefined
}

/** Why messages of this chat belong to no conversation: it is for status posts, a broadcast list or a channel. */
export function noConversation(chatId: string): string | undefined {
  if (chatId === 'status@broadcast') return 'status_broadcast'
  if (chatId.endsWith('@broadcast')) return 'broadcast'
  return chatId.endsWith('@newsletter') ? 'newsletter' : undefined
}

export const isGroupId = (chatId: string) => chatId.endsWith(GROUP)

/** A person's id that may be another name of a phone number: see `webhook/people.ts`. */
export const isHiddenId = (chatId: string) => chatId.endsWith('@lid') || chatId.endsWith('@bsuid')

function fromAddress(user: string, domain: string): string | undefined {
  if (PERSON_DOMAINS.has(domain)) return user.replace(DEVICE, '').replace(/^\+/, '') + PERSON
  return HIDDEN_DOMAINS.has(domain) ? `${user.replace(DEVICE, '')}@lid` : undefined
}

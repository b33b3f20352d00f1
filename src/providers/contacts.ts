/**
 * Contacts that a person shares: the names, phone numbers and e-mail addresses on their cards. WhatsApp writes a card as
 * a vCard (RFC 6350, most of them in version 3), Meta's Cloud API as an object.
 */

import { z } from 'zod'
import type { SharedContact } from '../batch.js'
import { filledText, id, known, lenient, list } from './fields.js'
import { reader } from './reader.js'

/** WhatsApp lets people share 100 at once. */
export const MOST_CONTACTS = 100
/** Of one contact. */
const MOST_NUMBERS = 20
const LONGEST = 512
/** Pictures make cards long: they come behind the names and numbers. */
const LONGEST_CARD = 65_536

const LINE = /^(?:[\w-]+\.)?(FN|N|TEL|EMAIL)((?:;[^:]*)?):(.*)$/i

/** A card, and the name that its program shows beside it. */
const cardFrom = reader(z.object({ displayName: filledText, vcard: filledText }))
const cloudFrom = reader(
  z.object({
    name: lenient(z.object({ formatted_name: filledText, first_name: filledText })),
    phones: list,
    emails: list,
  }),
)
const phoneFrom = reader(z.object({ phone: filledText, wa_id: id }))
const emailFrom = reader(z.object({ email: filledText }))

/**
 * @param given vCards, objects that hold them (`{ displayName, vcard }`), or Meta's contacts
 * @returns `undefined` if no name, number or address is found
 */
export function sharedContacts(given: readonly unknown[]): SharedContact[] | undefined {
  const found = given.slice(0, MOST_CONTACTS).flatMap(one => contactIn(one) ?? [])
  return found.length === 0 ? undefined : found
}

function contactIn(given: unknown): SharedContact | undefined {
  if (typeof given === 'string') return given.includes('BEGIN:VCARD') ? fromCard(given, undefined) : undefined
  const { displayName, vcard } = cardFrom(given) ?? {}
  if (displayName !== undefined || vcard !== undefined) return fromCard(vcard ?? '', displayName)
  const { name, phones = [], emails = [] } = cloudFrom(given) ?? {}
  return contact(
    name?.formatted_name ?? name?.first_name,
    phones.map(each => phoneFrom(each)).map(told => told?.phone ?? (told?.wa_id && `+${told.wa_id}`)),
    emails.map(each => emailFrom(each)?.email),
  )
}

function fromCard(card: string, displayName: string | undefined): SharedContact | undefined {
  const lines = card
    .slice(0, LONGEST_CARD)
    .replaceAll(/\r?\n[ \t]/g, '')
    .split(/\r?\n/)
  const fields = lines.flatMap(line => {
    const [, name = '', parameters = '', value = ''] = LINE.exec(line) ?? []
    return name === '' ? [] : [{ name: name.toUpperCase(), parameters, value: unescaped(value) }]
  })
  const of = (name: string) => fields.filter(field => field.name === name)
  const [formatted] = of('FN')
  const [parts] = of('N')
  return contact(
    filled(displayName) ?? filled(formatted?.value) ?? filled(parts && inOrder(parts.value)),
    of('TEL').map(({ value, parameters }) => filled(value.replace(/^tel:/i, '')) ?? numberIn(parameters)),
    of('EMAIL').map(({ value }) => value),
  )
}

/** The number that WhatsApp has, if the card's own is empty. */
function numberIn(parameters: string): string | undefined {
  const [, digits] = /;waid=(\d+)/i.exec(parameters) ?? []
  return digits && `+${digits}`
}

function contact(name: string | undefined, phones: (string | undefined)[], emails: (string | undefined)[]) {
  const made: SharedContact = known({ name: filled(name), phones: texts(phones), emails: texts(emails) })
  return Object.keys(made).length === 0 ? undefined : made
}

function texts(given: (string | undefined)[]): string[] | undefined {
  const all = [...new Set(given.flatMap(text => filled(text) ?? []))].slice(0, MOST_NUMBERS)
  return all.length === 0 ? undefined : all
}

const filled = (text: string | undefined) => text?.trim().slice(0, LONGEST) || undefined

const unescaped = (value: string) =>
  value.replaceAll(/\\([\\,;:nN])/g, (_, one: string) => (/n/i.test(one) ? ' ' : one))

/** `Петрова;Анна;;;` begins with the family name. */
function inOrder(name: string): string {
  const [family = '', given = '', middle = ''] = name.split(';')
  return [given, middle, family].filter(part => part.trim() !== '').join(' ')
}

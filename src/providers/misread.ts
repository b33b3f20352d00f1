/**
 * What a message of the generic shape says in a field and Lull cannot read. A webhook's message is taken without the
 * field, since its sender cannot correct it; a program with the API's token can.
 */
import { shown } from '../check-arguments.js'
import { isRecord, LONGEST_ID } from './fields.js'
import { sentFrom } from './generic.js'

const anId = `it must be a string or a whole number, of 1 to ${LONGEST_ID} characters`
const aString = 'it must be a string'
const texts = 'it must be a list of strings'
const aTime = 'it must be a time: seconds or milliseconds since 1970, or ISO 8601'

const MESSAGE = {
  messageId: anId,
  id: anId,
  type: aString,
  text: aString,
  body: aString,
  senderId: anId,
  senderName: aString,
  name: aString,
  timestamp: aTime,
  sentAtMs: aTime,
  replyTo: anId,
  payloadId: anId,
  media: 'it must be an object, {"id","url","mimeType","fileName"}',
  location: 'it must be an object, {"latitude","longitude","name","address"}, with both coordinates',
  contacts: 'it must be a list of objects, {"name","phones","emails"}',
}
const MEDIA = { id: anId, url: aString, mimeType: aString, fileName: aString }
const LOCATION = { name: aString, address: aString }
const CONTACT = { name: aString, phones: texts, emails: texts }

/** @throws {TypeError} in one line that names the first such field, its value and what it must be */
export function checkReadable(value: unknown): void {
  const sent = sentFrom(value)
  if (sent === undefined || !isRecord(value)) return
  const { media, location, contacts = [] } = sent
  check(value, sent, MESSAGE, '')
  check(value['media'], media, MEDIA, 'media.')
  check(value['location'], location, LOCATION, 'location.')
  const given = Array.isArray(value['contacts']) ? value['contacts'] : []
  for (const [i, contact] of contacts.entries()) check(given[i], contact, CONTACT, `contacts[${i}].`)
}

function check(given: unknown, read: object | undefined, musts: Record<string, string>, path: string): void {
  if (!isRecord(given) || read === undefined) return
  for (const [name, must] of Object.entries(musts)) {
    const value = given[name]
    if (!isEmpty(name, value) && Reflect.get(read, name) === undefined)
      throw new TypeError(`${path}${name}=${shown(value)}: ${must}`)
  }
}

/** How programs and their serializers write that there is nothing. */
const isAbsent = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === false ||
  (typeof value === 'string' && value.trim() === '') ||
  (Array.isArray(value) && value.length === 0)

const TIMES = ['timestamp', 'sentAtMs']
const OBJECTS = ['media', 'location']
/** Go's. */
const ZERO_TIME = '0001-01-01T00:00:00Z'

/** `{}` is no empty text: JavaScript writes so what was not awaited. */
const isEmpty = (name: string, value: unknown): boolean =>
  isAbsent(value) ||
  (TIMES.includes(name) && (value === 0 || value === ZERO_TIME)) ||
  (OBJECTS.includes(name) && isRecord(value) && Object.values(value).every(isAbsent))

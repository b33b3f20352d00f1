/** Checks the fields of a message that a program appends. */
import { MESSAGE_TYPES, type NewMessage } from './batch.js'
import { shown } from './check-arguments.js'
import { jsonFault } from './json-fault.js'

type Check = [is: (value: unknown) => boolean, must: string]
/** By the fields' names. */
type Checks = ReadonlyMap<string, Check>

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const text: Check = [value => typeof value === 'string', 'it must be a string']
const flag: Check = [value => typeof value === 'boolean', 'it must be true or false']
const number: Check = [value => Number.isFinite(value), 'it must be a number']
const object: Check = [isObject, 'it must be an object']
const texts: Check = [
  value => Array.isArray(value) && value.every(each => typeof each === 'string'),
  'it must be a list of strings',
]

const checksOf = (fields: Record<string, Check>): Checks => new Map(Object.entries(fields))

const FIELDS = checksOf({
  type: [value => MESSAGE_TYPES.some(type => type === value), `it must be one of ${MESSAGE_TYPES.join(', ')}`],
  text,
  senderId: text,
  senderName: text,
  sentAtMs: [Number.isFinite, 'it must be a number: milliseconds since the epoch'],
  replyTo: text,
  payloadId: text,
  form: object,
  media: object,
  location: object,
  contacts: [value => Array.isArray(value) && value.every(isObject), 'it must be a list of objects'],
  provider: text,
  isGroup: flag,
})

const MEDIA = checksOf({ id: text, url: text, mimeType: text, fileName: text })
const CONTACT = checksOf({ name: text, phones: texts, emails: texts })
const LOCATION = checksOf({ latitude: number, longitude: number, name: text, address: text })

const LONGEST_PATH = 100

/** @throws {TypeError} in one line that names the field, its value and what it must be */
export function checkMessage(message: NewMessage): void {
  if (!isObject(message)) throw new TypeError(`message=${shown(message)}: it must be an object, { messageId, text }`)
  const { messageId, media, location, contacts = [] } = message
  if (typeof messageId !== 'string' || messageId === '')
    throw new TypeError(
      `messageId=${shown(messageId)}: a message needs an id: repeated deliveries are recognised by it`,
    )
  checkFields(message, FIELDS, '')
  checkMeta(message.meta)
  if (media !== undefined) checkFields(media, MEDIA, 'media.')
  for (const [i, contact] of contacts.entries()) checkFields(contact, CONTACT, `contacts[${i}].`)
  if (location === undefined) return
  for (const name of ['latitude', 'longitude'] as const)
    if (location[name] === undefined) throw new TypeError(`location.${name} is missing: ${number[1]}`)
  checkFields(location, LOCATION, 'location.')
}

function checkMeta(meta: unknown): void {
  const fault = meta === undefined ? undefined : jsonFault(meta)
  if (fault)
    throw new TypeError(
      `meta${fault.path.slice(0, LONGEST_PATH)} ${fault.what}: it must be JSON, made of strings, finite numbers, booleans, null, lists and plain objects`,
    )
}

function checkFields<Values extends object>(values: Values, checks: Checks, path: string): void {
  for (const name in values) {
    const value = values[name]
    const check = value === undefined ? undefined : checks.get(name)
    if (check && !check[0](value)) throw new TypeError(`${path}${name}=${shown(value)}: ${check[1]}`)
  }
}

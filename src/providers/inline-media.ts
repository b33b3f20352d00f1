/**
 * Files that a webhook contains, as base64. Lull does not keep them: a batch holds texts and the addresses of files.
 * The message says that its file was left out, so that a worker fetches it by its id or address.
 */
import type { NewMessage } from '../batch.js'
import { isRecord } from './fields.js'

/** Where each provider puts the file, by their sources. The message is the whole body, or inside an envelope. */
const PLACES = [
  // Evolution API, with `webhook_base64`: in the message, and in versions before 2 beside it.
  ['data', 'message', 'base64'],
  ['data', 'base64'],
  // WAHA's downloads without a file storage.
  ['payload', 'media', 'data'],
  // wwebjs-api, and whatsapp-web.js with a MessageMedia.
  ['data', 'message', 'media', 'data'],
  ['data', 'messageMedia', 'data'],
  // WPPConnect, and the generic shape.
  ['base64'],
  ['media', 'data'],
  ['media', 'base64'],
]

/** WPPConnect puts a small picture of a file into `body`, and with `autoDownload` the file. A picture is smaller. */
const SMALLEST_FILE = 64 * 1024
/** Longer than any address of a file, signed or not. */
const LONGEST_URL = 8192

type Media = NonNullable<NewMessage['media']>

/** The message's medium without a file in it. @param raw the part of the body that holds the message */
export function withoutFile(media: Media, raw: unknown): Media {
  const { url, ...rest } = media
  const isInUrl = url !== undefined && (url.length > LONGEST_URL || /^data:/i.test(url))
  if (!isInUrl && !holdsFile(raw)) return media
  return { ...rest, ...(isInUrl || url === undefined ? {} : { url }), omitted: 'too large' }
}

function holdsFile(raw: unknown): boolean {
  if (!isRecord(raw)) return false
  if (PLACES.some(path => isText(at(raw, path)))) return true
  const { event, body } = raw
  return typeof event === 'string' && typeof body === 'string' && body.length >= SMALLEST_FILE
}

const isText = (value: unknown) => typeof value === 'string' && value !== ''

function at(value: unknown, path: string[]): unknown {
  let found = value
  for (const name of path) found = isRecord(found) && Object.hasOwn(found, name) ? found[name] : undefined
  return found
}

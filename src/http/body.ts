/** The body of a request: its bound, and how JSON or form data is read from its bytes. */
import { isUtf8 } from 'node:buffer'
import { Refusal } from './refusal.js'
import { shown } from './shown.js'

/** Meta's largest webhooks stay below this. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024

export const tooLarge = () => new Refusal(413, `the body is larger than ${MAX_BODY_BYTES} bytes: send less at a time`)

const empty = () => new Refusal(400, 'the body is empty: send JSON or form data')

const FORM = 'application/x-www-form-urlencoded'
const BYTE_ORDER_MARK = '\uFEFF'

/**
 * What the headers say of a body, before it is read.
 * @throws {Refusal} 413 if it is announced as larger than the bound, 415 if it is compressed
 */
export function checkBodyHeaders(header: (name: string) => string | undefined): void {
  const encoding = header('content-encoding') ?? ''
  if (encoding !== '' && encoding.toLowerCase() !== 'identity')
    throw new Refusal(415, `Content-Encoding ${shown(encoding, 40)} is not supported: send the body uncompressed`)
  if (Number(header('content-length')) > MAX_BODY_BYTES) throw tooLarge()
}

/**
 * Reads JSON or a form. A body that begins like JSON is read as JSON whatever its content type: curl calls every body a form.
 * @throws {Refusal} 400 if the bytes are neither, 413 over the bound
 */
export function parseBody(bytes: Buffer, contentType = ''): unknown {
  if (bytes.length > MAX_BODY_BYTES) throw tooLarge()
  if (!isUtf8(bytes)) throw new Refusal(400, 'the body is not UTF-8: send JSON or form data in UTF-8')
  const text = bytes.toString('utf8')
  const isForm = contentType.trim().toLowerCase().startsWith(FORM)
  if (isForm && !/^\s*[{[]/.test(text)) return parseForm(text)
  try {
    return JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text)
  } catch {
    // The parser's own message quotes the body, which may be long and private.
    throw text.trim() === '' ? empty() : new Refusal(400, 'the body is not JSON: send JSON or form data')
  }
}

/** Of a field that comes twice, the last value counts. */
function parseForm(text: string): Record<string, string> {
  if (text.trim() === '') throw empty()
  return Object.fromEntries(new URLSearchParams(text))
}

/** A webhook's body: its bound, and JSON or form data out of bytes. */
import { isUtf8 } from 'node:buffer'
import { Refusal } from './answer.js'

/** Meta's largest webhooks stay below this. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024

export const tooLarge = () => new Refusal(413, `the body is larger than ${MAX_BODY_BYTES} bytes`)

const FORM = 'application/x-www-form-urlencoded'
const BYTE_ORDER_MARK = '\uFEFF'

/**
 * The value that the bytes hold. JSON is JSON whatever the content type says: curl calls everything a form.
 * @throws {Refusal} 400 where they are neither JSON nor a form, 415 where they are compressed
 */
export function parseBody(bytes: Buffer, contentType = '', contentEncoding = 'identity'): unknown {
  if (contentEncoding !== '' && contentEncoding !== 'identity')
    throw new Refusal(
      415,
      `Content-Encoding: ${contentEncoding.slice(0, 40)} is not taken here: send the body as it is`,
    )
  if (bytes.length > MAX_BODY_BYTES) throw tooLarge()
  if (!isUtf8(bytes)) throw new Refusal(400, 'the body is not UTF-8')
  const text = bytes.toString('utf8')
  const isForm = contentType.trim().toLowerCase().startsWith(FORM)
  if (isForm && !/^\s*[{[]/.test(text)) return parseForm(text)
  try {
    return JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text)
  } catch {
    // What the parser says quotes the body, which may be long and somebody's words.
    throw new Refusal(400, text.trim() === '' ? 'the body is empty: send JSON or form data' : 'the body is not JSON')
  }
}

/** The last of fields that come twice, as URLSearchParams in an object. */
function parseForm(text: string): Record<string, string> {
  if (text.trim() === '') throw new Refusal(400, 'the body is empty: send JSON or form data')
  return Object.fromEntries(new URLSearchParams(text))
}

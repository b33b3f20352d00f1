/** The body of a request: the checks of its headers, and how JSON or form data is read from its bytes. */
import { isUtf8 } from 'node:buffer'
import { tooLarge } from './body-bounds.js'
import { formFields } from './form.js'
import { checkJson } from './json-bounds.js'
import { Refusal } from './refusal.js'
import { shown } from './shown.js'

const empty = () => new Refusal(400, 'the body is empty: send JSON or form data')

const FORM = 'application/x-www-form-urlencoded'
const BYTE_ORDER_MARK = '\uFEFF'

/**
 * Checks what the headers say about a body, before it is read.
 * @throws {Refusal} 413 if it is announced as larger than the bound, 415 if it is compressed
 */
export function checkBodyHeaders(header: (name: string) => string | undefined, maxBytes: number): void {
  const encoding = header('content-encoding') ?? ''
  if (encoding !== '' && encoding.toLowerCase() !== 'identity')
    throw new Refusal(415, `Content-Encoding ${shown(encoding, 40)} is not supported: send the body uncompressed`)
  if (Number(header('content-length')) > maxBytes) throw tooLarge(maxBytes)
}

/**
 * Reads JSON or a form. A body that begins like JSON is read as JSON whatever its content type: curl calls every body a
 * form.
 * @throws {Refusal} 400 if the bytes are neither, or nested too deep; 413 for too many fields, values or items
 */
export function parseBody(bytes: Buffer, contentType = ''): unknown {
  if (!isUtf8(bytes)) throw new Refusal(400, 'the body is not UTF-8: send JSON or form data in UTF-8')
  const text = bytes.toString('utf8')
  const isForm = contentType.trim().toLowerCase().startsWith(FORM)
  if (isForm && !/^\s*[{[]/.test(text)) return parseForm(text)
  checkJson(bytes)
  try {
    return JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text)
  } catch {
    // The parser's own message quotes the body, which may be long and private.
    throw text.trim() === '' ? empty() : notJson(contentType)
  }
}

function notJson(contentType: string): Refusal {
  const named = contentType === '' ? 'has no Content-Type' : `has the Content-Type ${shown(contentType, 40)}`
  return new Refusal(400, `the body is not JSON, and ${named}: send JSON, or form data as ${FORM}`)
}

/** Of a field that comes twice, the last value counts. */
function parseForm(text: string): Record<string, string> {
  if (text.trim() === '') throw empty()
  return Object.fromEntries(formFields(text))
}

/** The fields of a form, `a=1&b=2`, within bounds: of how many there are, and of how many bytes. */
import { Refusal } from './refusal.js'

/** Twilio sends some 30. */
export const MOST_FORM_FIELDS = 1000
/** Files do not come in forms, only their addresses; texts have at most 65,536 characters. */
export const MAX_FORM_BYTES = 1024 * 1024

/** @throws {Refusal} 413 over a bound */
export function formFields(text: string): URLSearchParams {
  if (text.length > MAX_FORM_BYTES)
    throw new Refusal(413, `the form is larger than ${MAX_FORM_BYTES} bytes: send less at a time, or JSON`)
  let fields = 1
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) fields += 1
  if (fields > MOST_FORM_FIELDS)
    throw new Refusal(413, `the form has more than ${MOST_FORM_FIELDS} fields: send less at a time`)
  return new URLSearchParams(text)
}

/**
 * What a person filled in or pressed. WhatsApp sends it as JSON in a string (Meta's `response_json`, a native flow's
 * `paramsJson`), some programs as an object. A pressed button has an id and a label; a Flow has the fields of its form
 * (one of which may be called `id`, too) and the token of the form.
 */
import { filledText, id, isRecord, known } from './fields.js'

export interface FormAnswer {
  /** A button's id. */
  payloadId?: string
  /** What the button says. */
  label?: string
  /** A form's fields, by name. */
  form?: Record<string, unknown>
  /** The form as lines of `name: value`, for a bot that reads text. */
  text?: string
}

/** The business's own word for the form it sent, not the person's. */
const TOKEN = 'flow_token'
/** Deeper values would be a document, not an answer: JSON.stringify recurses. */
const MOST_FIELDS = 200
const LONGEST_JSON = 65_536

/** A pressed button or a filled-in form. */
export function answerIn(given: unknown): FormAnswer {
  const value = fieldsIn(given)
  if (value === undefined) return {}
  const payloadId = id.parse(value['id'])
  const label = filledText.parse(value['display_text'] ?? value['title'])
  if (payloadId !== undefined && !Object.hasOwn(value, TOKEN)) return known({ payloadId, label })
  return known({ label, ...formOf(value) })
}

/** A filled-in form. */
export function formIn(given: unknown): Pick<FormAnswer, 'form' | 'text'> {
  const value = fieldsIn(given)
  return value === undefined ? {} : formOf(value)
}

function formOf(value: Record<string, unknown>): Pick<FormAnswer, 'form' | 'text'> {
  const fields = Object.entries(value).slice(0, MOST_FIELDS)
  const lines = fields.flatMap(([name, answer]) => (name === TOKEN ? [] : [`${name}: ${worded(answer)}`]))
  return lines.length === 0 ? {} : { form: Object.fromEntries(fields), text: lines.join('\n') }
}

const worded = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

function fieldsIn(given: unknown): Record<string, unknown> | undefined {
  const json = isRecord(given) ? JSON.stringify(given) : given
  if (typeof json !== 'string' || json.length > LONGEST_JSON) return undefined
  const value = isRecord(given) ? given : parsed(json)
  return isRecord(value) ? value : undefined
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/**
 * What a person filled in or pressed. WhatsApp sends it as JSON in a string (Meta's `response_json`, a native flow's
 * `paramsJson`). A pressed button has an id and a label; a Flow has the fields of its form.
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

export function answerIn(json: string | undefined): FormAnswer {
  if (json === undefined || json.length > LONGEST_JSON) return {}
  const value = parsed(json)
  if (!isRecord(value)) return {}
  const payloadId = id.parse(value['id'])
  const label = filledText.parse(value['display_text'] ?? value['title'])
  if (payloadId !== undefined) return known({ payloadId, label })
  const fields = Object.entries(value).slice(0, MOST_FIELDS)
  const lines = fields.flatMap(([name, answer]) => (name === TOKEN ? [] : [`${name}: ${worded(answer)}`]))
  return lines.length === 0 ? known({ label }) : { form: Object.fromEntries(fields), text: lines.join('\n') }
}

const worded = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

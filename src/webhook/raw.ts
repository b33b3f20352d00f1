/**
 * The provider's own body, as a message carries it with `LULL_RAW=on`: without long texts, which are files in base64 or
 * repeat the message's text, and within bounds, since it is kept in Redis with every message.
 */

/** In characters. A text of WhatsApp has at most 65,536. */
const LONGEST_TEXT = 65_536
/** About the bytes of the rest as JSON. */
const MOST_BYTES = 256 * 1024
/** JSON.stringify recurses, and would overflow the stack. */
const DEEPEST = 200
/** A number or a word, and the commas and quotes around each value. */
const BYTES_A_VALUE = 8

class TooMuch extends Error {}

/**
 * A copy without texts that are too long: fields are left out, elements become `null`. `undefined`: it is too large or
 * too deep.
 */
export function boundedRaw(raw: unknown): unknown {
  let left = MOST_BYTES
  const copy = (value: unknown, levels: number): unknown => {
    left -= BYTES_A_VALUE
    if (typeof value === 'string') {
      if (value.length > LONGEST_TEXT) return undefined
      left -= value.length
    }
    if (left < 0 || levels === 0) throw new TooMuch()
    if (Array.isArray(value)) return value.map(each => copy(each, levels - 1) ?? null)
    if (typeof value !== 'object' || value === null) return value
    const kept: [string, unknown][] = []
    for (const [name, each] of Object.entries(value)) {
      left -= name.length
      const copied = copy(each, levels - 1)
      if (copied !== undefined) kept.push([name, copied])
    }
    return Object.fromEntries(kept)
  }
  try {
    return copy(raw, DEEPEST)
  } catch (error) {
    if (error instanceof TooMuch) return undefined
    throw error
  }
}

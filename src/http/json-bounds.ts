/**
 * Bounds for the structure of JSON, checked on its bytes before it is parsed. What a body costs after that grows with
 * the number of its values and items, not with its bytes: `[[],[],…]` has millions of items in a few megabytes.
 *
 * One pass over the bytes, without recursion and without copies; it ends at the first bound that is passed. 16 MiB take
 * 10 to 30 ms, and `JSON.parse` of as many takes 60 to 100.
 */
import { Refusal } from './refusal.js'

/** Nested arrays and objects. Quoted messages are nested, and 30 levels were the most in the fixtures. */
export const MOST_LEVELS = 1000
/** All values. A thumbnail comes as an array or object of as many numbers as it has bytes, up to some 100,000. */
export const MOST_VALUES = 300_000
/**
 * Objects and arrays that are elements of an array: messages, statuses, contacts. Meta sends up to 1,000 in one body.
 */
export const MOST_ITEMS = 10_000

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c]
const [ARRAY, ARRAY_END, OBJECT, OBJECT_END] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Whether the level is an array, for the body being checked. Kept, because a new one costs more than a small body's
 * check.
 */
const isArray = new Uint8Array(MOST_LEVELS + 1)

/** @throws {Refusal} 413 for too many values or items, 400 for values that are nested too deep */
export function checkJson(bytes: Buffer): void {
  // A level, a value and an item take a byte or more each, and most webhooks have fewer bytes than the least bound.
  if (bytes.length <= MOST_LEVELS) return
  let level = 0
  let values = 1
  let items = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) i = endOfString(bytes, i)
    else if (byte === COMMA) values += 1
    else if (byte === ARRAY || byte === OBJECT) {
      if (isArray[level] === 1) items += 1
      level += 1
      values += 1
      if (level > MOST_LEVELS)
        throw new Refusal(400, `the body is nested deeper than ${MOST_LEVELS} levels: send it flat`)
      isArray[level] = byte === ARRAY ? 1 : 0
    } else if ((byte === ARRAY_END || byte === OBJECT_END) && level > 0) level -= 1
    if (values > MOST_VALUES) throw tooMany(MOST_VALUES, 'values')
    if (items > MOST_ITEMS) throw tooMany(MOST_ITEMS, 'items')
  }
}

const tooMany = (most: number, what: string) =>
  new Refusal(413, `the body has more than ${most} ${what}: send less at a time`)

/** Where the string that begins at `start` ends; the end of the bytes if it does not. */
function endOfString(bytes: Buffer, start: number): number {
  // A file as base64 has megabytes and no escapes.
  const quote = bytes.indexOf(QUOTE, start + 1)
  if (quote < 0) return bytes.length
  if (bytes[quote - 1] !== BACKSLASH) return quote
  let i = start + 1
  for (; i < bytes.length && bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) i += 1
  return i
}

/** A time as people type it: `45s`, `30m`, `2h`, `1h30m`, `2d`. */
import { InvalidArgumentError } from 'commander'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const SPAN = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/i

/** @returns milliseconds, at least a second @throws {InvalidArgumentError} for anything else */
export function timeSpan(text: string): number {
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] = SPAN.exec(text.trim()) ?? []
  const ms = Number(days) * DAY + Number(hours) * HOUR + Number(minutes) * MINUTE + Number(seconds) * SECOND
  if (ms > 0) return ms
  throw new InvalidArgumentError('Give a time such as 45s, 30m, 2h, 1h30m or 2d.')
}

/** How long a pause lasts, as people type it: `45s`, `30m`, `2h`, `1h30m`, `2d`. */
import { InvalidArgumentError } from 'commander'
import { LONGEST_PAUSE_MS } from '../rules.js'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const SPAN = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/i

/** @returns milliseconds, from a second to `LONGEST_PAUSE_MS` @throws {InvalidArgumentError} for anything else */
export function timeSpan(text: string): number {
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] = SPAN.exec(text.trim()) ?? []
  const ms = Number(days) * DAY + Number(hours) * HOUR + Number(minutes) * MINUTE + Number(seconds) * SECOND
  if (ms > 0 && ms <= LONGEST_PAUSE_MS) return ms
  throw new InvalidArgumentError(
    `Give a time from 1s to ${LONGEST_PAUSE_MS / DAY}d, such as 45s, 30m, 2h, 1h30m or 2d.`,
  )
}

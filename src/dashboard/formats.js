/** Numbers, times and durations, as the language in use writes them. */
import { language, list } from './words.js'

/** A number and its unit stay on one line. */
const NBSP = '\u00a0'

export const numberText = number => number.toLocaleString(language())

const decimals = (value, digits) =>
  value.toLocaleString(language(), { minimumFractionDigits: digits, maximumFractionDigits: digits })

/** `4 ms`, `1.97 s`, `12.4 s`, `3 min 5 s` */
export function duration(ms) {
  const [millisecond, second, minute, hour] = list('units')
  if (ms < 1000) return `${Math.round(ms)}${NBSP}${millisecond}`
  if (ms < 10_000) return `${decimals(ms / 1000, 2)}${NBSP}${second}`
  if (ms < 60_000) return `${decimals(ms / 1000, 1)}${NBSP}${second}`
  const [large, small, ofLarge, ofSmall] =
    ms < 3_600_000 ? [60_000, 1000, minute, second] : [3_600_000, 60_000, hour, minute]
  const rest = Math.floor((ms % large) / small)
  return `${Math.floor(ms / large)}${NBSP}${ofLarge}${rest ? ` ${rest}${NBSP}${ofSmall}` : ''}`
}

/** A countdown: whole seconds, tenths in the last ten. */
export function countdown(ms) {
  const seconds = Math.max(ms, 0) / 1000
  if (seconds >= 60) return duration(Math.ceil(seconds) * 1000)
  return `${decimals(seconds, seconds < 10 ? 1 : 0)}${NBSP}${list('units')[1]}`
}

/** A long countdown, as a clock has it: `1:59:12`, `29:59`. */
export function clock(ms) {
  const seconds = Math.ceil(Math.max(ms, 0) / 1000)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  const two = number => String(number).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}

/** A rule as people say it: `10 s`. */
export const round = ms => (ms < 60_000 && ms % 1000 === 0 ? `${ms / 1000}${NBSP}${list('units')[1]}` : duration(ms))

export const dayOf = atMs =>
  new Date(atMs).toLocaleDateString(language(), { day: 'numeric', month: 'short', year: 'numeric' })

/** The time, with the day unless it is today. */
export const when = atMs => (dayOf(atMs) === dayOf(Date.now()) ? timeOfDay(atMs) : `${dayOf(atMs)}, ${timeOfDay(atMs)}`)

/** `06:12:03`, with `.021` if milliseconds matter. */
export function timeOfDay(atMs, { exact = false } = {}) {
  const at = new Date(atMs)
  const two = number => String(number).padStart(2, '0')
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return exact ? `${time}.${String(at.getMilliseconds()).padStart(3, '0')}` : time
}

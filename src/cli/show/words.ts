/** The words of the commands for times, durations, counts and the steps of a batch's life. */
import { isReleaseReason, RELEASE_REASONS } from '../../batch.js'
import { RULE_REASONS } from '../../conversation-rules.js'
import type { HistoryEntry, ReleaseRule } from '../../history/steps.js'
import { holdName, isMessageKey } from '../../store/hold-name.js'
import { clean } from './escape.js'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const two = (number: number) => String(number).padStart(2, '0')

/** The local time of day, to the millisecond: `06:12:03.021`. */
export function timeOfDay(atMs: number): string {
  const at = new Date(atMs)
  const ms = String(at.getMilliseconds()).padStart(3, '0')
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${ms}`
}

/** The local time of day: `06:12:03`. */
export const secondOfDay = (atMs: number): string => timeOfDay(atMs).slice(0, -4)

/** The local day: `2026-11-24`. */
export function day(atMs: number): string {
  const at = new Date(atMs)
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

/** A time, with the day unless it is the same as that of `fromMs`: `06:12:03`, `2026-11-25 06:12:03`. */
export const moment = (atMs: number, fromMs: number): string =>
  day(atMs) === day(fromMs) ? secondOfDay(atMs) : `${day(atMs)} ${secondOfDay(atMs)}`

/** How far the local clock was ahead of UTC at that time: `UTC`, `UTC+3`, `UTC-3:30`. */
export function zone(atMs: number): string {
  const aheadMinutes = -new Date(atMs).getTimezoneOffset()
  if (aheadMinutes === 0) return 'UTC'
  const minutes = Math.abs(aheadMinutes)
  const rest = minutes % 60 === 0 ? '' : `:${two(minutes % 60)}`
  return `UTC${aheadMinutes < 0 ? '-' : '+'}${Math.floor(minutes / 60)}${rest}`
}

/** `4 ms`, `1.97 s`, `12.4 s`, `3 min 5 s`, `2 h 10 min` */
export function duration(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(2)} s`
  if (ms < MINUTE) return `${(ms / SECOND).toFixed(1)} s`
  if (ms < HOUR) return parts(Math.round(ms / SECOND), 'min', 's')
  return parts(Math.round(ms / MINUTE), 'h', 'min')
}

const parts = (smaller: number, large: string, small: string) =>
  `${Math.floor(smaller / 60)} ${large}${smaller % 60 === 0 ? '' : ` ${smaller % 60} ${small}`}`

/** The name of a process in `CLIENT LIST` and in the history, without `lull.` and the random end. */
export const shortName = (name: string): string => name.replace(/^lull\.(?=\w)/, '').replace(/\.[0-9a-f]{6}$/, '')

type Detail = HistoryEntry['detail']

export const messages = (count: number) => `${count} ${count === 1 ? 'message' : 'messages'}`

const count = ({ count: number = '0' }: Detail) => messages(Number(number))
const ms = (text: string | undefined) => duration(Number(text ?? 0))
const by = (name: string | undefined) => (name ? `by ${shortName(name)}` : '')

/** A batch that starts early is provisional until its commit. */
const releasedBy = ({ reason = '' }: Detail) => (reason === 'early' ? 'early (provisional)' : reason)

/** A rule as people say it: `6 s`. */
const briefly = (value: number) => (value < MINUTE && value % SECOND === 0 ? `${value / SECOND} s` : duration(value))

const isRuleReason = (name: string): name is keyof typeof RULE_REASONS => Object.hasOwn(RULE_REASONS, name)

/** Why a batch was released: `the quiet gap of 6 s (shop) had ended`. */
export function because(reason: string, rule?: ReleaseRule): string {
  if (rule && isRuleReason(rule.name)) {
    const value = rule.name.endsWith('Ms') ? briefly(rule.value) : String(rule.value)
    return RULE_REASONS[rule.name].replace('{0}', value).replace('{1}', () => rule.scope)
  }
  return isReleaseReason(reason) ? RELEASE_REASONS[reason] : `releasedBy ${reason}`
}

/** `quietGapMs=6000 of shop` */
const ofRule = ({ rule, scope }: Detail) => rule && scope && `${rule} of ${scope}`

/** What a batch waits for, by the key of the hold; a message's own key is its id as JSON. */
const waitedFor = (key = '') => (isMessageKey(key) ? `the text of message ${holdName(key)}` : key)

/** `2 of them back from batch b1`: the last of the batches that this one replaced has named the others. */
function cameBack({ supersedes, back }: Detail): string | undefined {
  const last = supersedes?.split(' ').at(-1)
  if (last === undefined) return undefined
  return back === undefined ? `in place of batch ${last}` : `${back} of them back from batch ${last}`
}

const keeping = ({ keep }: Detail) => (keep === 'collect' ? 'what comes is collected' : 'what comes is dropped')

const SAYING: Readonly<Record<string, (detail: Detail, atMs: number) => (string | undefined)[]>> = {
  opened: detail => [`with ${count(detail)}`, cameBack(detail)],
  appended: detail => [`now ${count(detail)}`],
  extended: ({ byMs = '0' }) =>
    Number(byMs) < 0 ? [`the typing has ended: due ${ms(byMs.slice(1))} earlier`] : [`typing: due ${ms(byMs)} later`],
  held: ({ key, forMs }) => [`waits for ${waitedFor(key)}`, `at most ${ms(forMs)}`],
  unheld: ({ key }) => [`no longer waits for ${waitedFor(key)}`],
  sealed: detail => [`${detail['reason']}`, ofRule(detail), count(detail)],
  vanished: detail => [`its header, before its time; ${count(detail)} kept`],
  claimed: detail => [
    releasedBy(detail),
    ofRule(detail),
    count(detail),
    `${ms(detail['lateMs'])} late`,
    by(detail['owner']),
  ],
  reclaimed: detail => [`attempt ${detail['attempt']}`, by(detail['owner'])],
  'given-back': detail => [by(detail['owner'])],
  nacked: detail => [`attempt ${detail['attempt']} failed`, `again in ${ms(detail['delayMs'])}`, detail['error']],
  'handed-over': detail => [by(detail['owner']), detail['late'] && 'late'],
  answered: detail => [detail['outcome'], detail['late'] && 'late'],
  superseded: ({ by: successor, ...detail }) => [count(detail), successor ? `now in batch ${successor}` : 'discarded'],
  committed: () => ['its answer may be sent'],
  dead: detail => [`after attempt ${detail['attempt']}`, detail['error']],
  dropped: detail => [count(detail), by(detail['by'])],
  pause: (detail, atMs) => [
    detail['untilMs'] && `until ${moment(Number(detail['untilMs']), atMs)}`,
    keeping(detail),
    by(detail['by']),
  ],
  paused: detail => [`${count(detail)} dropped`],
  resumed: detail => [by(detail['by'])],
  merged: ({ into, batch, from, ...detail }) =>
    from === undefined
      ? [`into ${into}, as both are one person`, batch && `joined batch ${batch}`]
      : [`${count(detail)} of ${from}, as both are one person`],
  redriven: detail => [count(detail), by(detail['by'])],
  discarded: detail => [count(detail), by(detail['by'])],
}

/** The details of a step as one line; for a step of a later version, all of them. */
export function saying({ step, atMs, detail }: HistoryEntry): string {
  const known = SAYING[step]
  const said = known?.(detail, atMs) ?? Object.entries(detail).map(([name, value]) => `${name} ${value}`)
  return clean(said.filter(Boolean).join(', '))
}

/** The spaces at which a line may break: not between a number and its unit, nor after `by`. */
const BREAKS = /(?<!\bby) (?!(?:ms|s|min|h|late|messages?)\b)/

/** Breaks text at spaces into lines of at most so many columns; a longer word stays whole. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.split(BREAKS)) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > columns) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}

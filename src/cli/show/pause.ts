/** A pause as lines of text: when a person took over, until when, and what became of the messages that came. */
import type { Pause } from '../../history/pauses.js'
import { clean } from './escape.js'
import { MARGIN, stepsLines } from './life.js'
import type { Paint } from './paint.js'
import { day, messages, moment, secondOfDay, shortName, zone } from './words.js'

/** A heading, when it was and what became of its messages, then a line a step. */
export function pauseLines(pause: Pause, paint: Paint): string[] {
  const { fromMs, steps } = pause
  return [
    paint('bold', `pause  ${day(fromMs)}, ${zone(fromMs)}`),
    ...[timesOf(pause), arrivedIn(pause)].map(line => MARGIN + line),
    ...stepsLines(steps, fromMs, paint),
  ]
}

function timesOf({ fromMs, untilMs, by, endedAtMs, resumedBy }: Pause): string {
  if (untilMs === undefined) return 'the history does not reach back to its beginning'
  const end = resumedBy === undefined ? untilMs : (endedAtMs ?? untilMs)
  return [
    `from ${secondOfDay(fromMs)} until ${moment(end, fromMs)}`,
    by ? ` by ${shortName(clean(by))}` : '',
    resumedBy ? `, ended by ${shortName(clean(resumedBy))}` : '',
    endedAtMs === undefined ? ', and goes on' : '',
  ].join('')
}

function arrivedIn({ keep, dropped, collected }: Pause): string {
  if (keep !== 'collect') return came(dropped, 'dropped')
  return dropped === 0 ? came(collected, 'collected') : `${came(collected, 'collected')}, ${came(dropped, 'dropped')}`
}

function came(count: number, how: string): string {
  if (count === 0) return 'no message came'
  return `${messages(count)} came and ${count === 1 ? 'was' : 'were'} ${how}`
}

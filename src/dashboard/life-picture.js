/** A batch's life as a picture: a dot for each arrival, a bar for each phase, a line where it was taken. */
import { el, svg } from './dom.js'
import { phasesOf } from './lives.js'
import { counted, duration, t, timeOfDay } from './words.js'

const HEIGHT = 60
const BAR_Y = 16
const BAR = 22
/** A phase of a millisecond is seen, too. */
const NARROWEST = 2
/** Of a letter, in pixels. */
const LETTER = 6.4
const DOT = 4.5

/** @param width in pixels @returns the picture, and what its narrow bars have no room to say */
export function picture(life, now, width) {
  const phases = phasesOf(life, now)
  const fromMs = phases[0]?.fromMs ?? life.steps[0].atMs
  const lastMs = Math.max(phases.at(-1)?.toMs ?? fromMs, fromMs + 1)
  const x = atMs => ((atMs - fromMs) / (lastMs - fromMs)) * width
  const hasRoom = phase => x(phase.toMs) - x(phase.fromMs) > said(phase).length * LETTER
  const marks = [
    ...phases.map(phase => bar(phase, x)),
    ...phases.filter(hasRoom).map(phase => label(x(phase.fromMs) + DOT, BAR_Y + 15, said(phase), 'in')),
    ...(life.claimed ? [takenAt(x(life.claimed.atMs))] : []),
    ...(life.arrivals ?? []).map(({ atMs }) => arrival(Math.min(Math.max(x(atMs), DOT), width - DOT))),
    label(0, HEIGHT - 4, timeOfDay(fromMs, { exact: true }), 'scale'),
    label(width, HEIGHT - 4, `+${duration(lastMs - fromMs)}`, 'scale', 'end'),
  ]
  const count = counted('batchMessages', life.count ?? life.arrivals?.at(-1)?.count ?? 0)
  const inWords = t('picture', count, phases.map(said).join(', '))
  const frame = { class: 'timeline', viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT }
  const unsaid = phases.filter(phase => !hasRoom(phase))
  return {
    picture: svg('svg', { ...frame, role: 'img', 'aria-label': inWords }, ...marks),
    key: el('ul', { class: 'key', 'aria-hidden': 'true' }, ...unsaid.map(keyItem)),
  }
}

const said = ({ name, fromMs, toMs }) => `${t(name)} ${duration(toMs - fromMs)}`

function bar(phase, x) {
  const width = Math.max(x(phase.toMs) - x(phase.fromMs), NARROWEST)
  const place = { x: x(phase.fromMs), y: BAR_Y, width, height: BAR }
  return svg('rect', { class: phase.name, ...place }, svg('title', { text: said(phase) }))
}

const label = (x, y, text, className, anchor = 'start') =>
  svg('text', { class: className, x, y, 'text-anchor': anchor, text })

const takenAt = x => svg('line', { class: 'taken', x1: x, x2: x, y1: BAR_Y - 6, y2: BAR_Y + BAR + 6 })

const arrival = x => svg('circle', { class: 'arrival', cx: x, cy: 7, r: DOT })

const keyItem = phase => el('li', {}, el('span', { class: `swatch ${phase.name}` }), said(phase))

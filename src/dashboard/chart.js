/** Releases a minute, by reason: stacked bars in SVG, with the same numbers in words for who can not see them. */
import { el, svg } from './dom.js'
import { MINUTES_SHOWN } from './model.js'
import { counted, numberText, reason, t, timeOfDay } from './words.js'

const HEIGHT = 150
const AXIS = 16
const SCALE = 34
const MINUTE_MS = 60_000
export const REASONS = ['gap', 'maxWait', 'maxMessages', 'maxBytes', 'flush', 'direct', 'recovery']

/** @param model its `minutes`, and from when on they are known @param width in pixels: letters keep their size */
export function chart({ minutes, knownFromMs }, nowMs, width) {
  const last = Math.floor(nowMs / MINUTE_MS)
  const shown = Array.from({ length: MINUTES_SHOWN }, (_, i) => last - MINUTES_SHOWN + 1 + i)
  const sums = shown.map(minute => sum(minutes.get(minute)))
  const highest = Math.max(...sums)
  if (highest === 0) return el('p', { class: 'empty', text: t('chartEmpty') })
  const used = REASONS.filter(name => shown.some(minute => minutes.get(minute)?.[name]))
  const step = (width - SCALE) / MINUTES_SHOWN
  const bars = shown.flatMap((minute, i) => {
    let y = HEIGHT
    return used.flatMap(name => {
      const count = minutes.get(minute)?.[name] ?? 0
      if (count === 0) return []
      const high = (count / highest) * (HEIGHT - 8)
      y -= high
      const at = `${timeOfDay(minute * MINUTE_MS).slice(0, 5)} · ${counted('batchCount', count)} · ${reason(name)}`
      const x = SCALE + i * step
      return [
        svg('rect', { class: `by-${name}`, x, y, width: step - 2, height: high, rx: 1 }, svg('title', { text: at })),
      ]
    })
  })
  const unknown = shown.filter(minute => minute * MINUTE_MS < knownFromMs).length
  const picture = svg(
    'svg',
    {
      viewBox: `0 0 ${width} ${HEIGHT + AXIS}`,
      width,
      height: HEIGHT + AXIS,
      role: 'img',
      'aria-label': inWords(shown, sums),
    },
    svg('line', { class: 'axis', x1: SCALE, x2: width, y1: HEIGHT, y2: HEIGHT }),
    svg('text', { class: 'scale', x: SCALE - 6, y: 16, 'text-anchor': 'end', text: numberText(highest) }),
    svg('text', { class: 'scale', x: SCALE - 6, y: HEIGHT, 'text-anchor': 'end', text: '0' }),
    ...(unknown > 0 ? [svg('rect', { class: 'unknown', x: SCALE, y: 0, width: unknown * step, height: HEIGHT })] : []),
    ...bars,
    ...[0, 10, 20].map(i =>
      svg('text', {
        class: 'scale',
        x: SCALE + i * step,
        y: HEIGHT + AXIS - 2,
        text: timeOfDay(shown[i] * MINUTE_MS).slice(0, 5),
      }),
    ),
    svg('text', { class: 'scale', x: width, y: HEIGHT + AXIS - 2, 'text-anchor': 'end', text: t('chartNow') }),
  )
  const key = used.map(name => el('li', {}, el('span', { class: `swatch by-${name}` }), `${name}: ${reason(name)}`))
  if (unknown > 0) key.push(el('li', {}, el('span', { class: 'swatch unknown' }), t('chartUnknown')))
  return el('figure', { class: 'chart' }, picture, el('figcaption', {}, el('ul', { class: 'key' }, ...key)))
}

const sum = (counts = {}) => Object.values(counts).reduce((total, count) => total + count, 0)

function inWords(shown, sums) {
  const parts = shown.flatMap((minute, i) =>
    sums[i] ? [`${timeOfDay(minute * MINUTE_MS).slice(0, 5)}: ${sums[i]}`] : [],
  )
  return `${t('chart')}: ${parts.join(', ')}`
}

/**
 * Releases a minute, by reason: stacked bars in SVG, with the same numbers in words for readers who cannot see them.
 */
import { numberText, timeOfDay } from '../formats.js'
import { html, nothing, svg } from '../lit.js'
import { MINUTES_SHOWN, REASONS } from '../releases.js'
import { counted, reason, t } from '../words.js'

const HEIGHT = 150
const AXIS = 16
const SCALE = 34
const MINUTE_MS = 60_000
const MINUTES_LABELLED = [0, 10, 20]
export class Chart {
  width = 0
  drawnFor
  drawn

  /** What was drawn before, unless it has changed. */
  view(releases, nowMs) {
    const last = Math.floor(nowMs / MINUTE_MS)
    const drawnFor = JSON.stringify([t('chart'), this.width, last, releases.knownFromMs, [...releases.minutes]])
    if (drawnFor !== this.drawnFor) {
      this.drawnFor = drawnFor
      this.drawn = chart(releases, last, this.width)
    }
    return this.drawn
  }

  /** After drawing. Bars are drawn in pixels, so that letters keep their size. */
  measure(section) {
    this.width = section.querySelector('.plot').clientWidth
  }
}

function chart({ minutes, knownFromMs }, last, width) {
  const shown = Array.from({ length: MINUTES_SHOWN }, (_, i) => last - MINUTES_SHOWN + 1 + i)
  const columns = shown.map(minute => ({ minute, counts: minutes.get(minute) ?? {} }))
  const sums = columns.map(({ counts }) => Object.values(counts).reduce((sum, count) => sum + count, 0))
  const highest = Math.max(...sums)
  if (highest === 0 || width <= SCALE) return html`<p class="empty">${t('chartEmpty')}</p>`
  const used = reasonsIn(columns)
  const step = (width - SCALE) / MINUTES_SHOWN
  const unknown = shown.filter(minute => minute * MINUTE_MS < knownFromMs).length
  const label = `${t('chart')}: ${columns.flatMap(({ minute }, i) => (sums[i] ? [`${hourOf(minute)}: ${sums[i]}`] : [])).join(', ')}`
  return html`
    <figure class="chart">
      <svg
        viewBox="0 0 ${width} ${HEIGHT + AXIS}"
        width=${width}
        height=${HEIGHT + AXIS}
        role="img"
        aria-label=${label}
      >
        ${frame(width, highest)}
        ${unknown > 0 ? svg`<rect class="unknown" x=${SCALE} y="0" width=${unknown * step} height=${HEIGHT}></rect>` : nothing}
        ${columns.map((column, i) => bars(column, used, { x: SCALE + i * step, width: step - 2, highest }))}
        ${MINUTES_LABELLED.map(i => text(SCALE + i * step, HEIGHT + AXIS - 2, hourOf(shown[i])))}
        ${text(width, HEIGHT + AXIS - 2, t('chartNow'), 'end')}
      </svg>
      <figcaption>
        <ul class="key">
          ${used.map(name => html`<li><span class="swatch by-${name}"></span>${name}: ${reason(name)}</li>`)}
          ${unknown > 0 ? html`<li><span class="swatch unknown"></span>${t('chartUnknown')}</li>` : nothing}
        </ul>
      </figcaption>
    </figure>`
}

/** In the order of the stack, from below. A reason that is not listed, of a later version, comes on top. */
function reasonsIn(columns) {
  const found = new Set(columns.flatMap(({ counts }) => Object.keys(counts)))
  return [...REASONS.filter(name => found.has(name)), ...[...found].filter(name => !REASONS.includes(name))]
}

function bars({ minute, counts }, used, { x, width, highest }) {
  let y = HEIGHT
  return used.map(name => {
    const count = counts[name] ?? 0
    if (count === 0) return nothing
    const height = (count / highest) * (HEIGHT - 8)
    y -= height
    const title = `${hourOf(minute)} · ${counted('batch', count)} · ${reason(name)}`
    return svg`
      <rect class="by-${name}" x=${x} y=${y} width=${width} height=${height} rx="1"><title>${title}</title></rect>`
  })
}

const frame = (width, highest) => svg`
  <line class="axis" x1=${SCALE} x2=${width} y1=${HEIGHT} y2=${HEIGHT}></line>
  ${text(SCALE - 6, 16, numberText(highest), 'end')} ${text(SCALE - 6, HEIGHT, '0', 'end')}`

const text = (x, y, words, anchor = 'start') =>
  svg`<text class="scale" x=${x} y=${y} text-anchor=${anchor}>${words}</text>`

const hourOf = minute => timeOfDay(minute * MINUTE_MS).slice(0, 5)

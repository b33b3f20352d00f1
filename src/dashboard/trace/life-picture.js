/** A batch's life as a picture: a dot for each arrival, a bar for each phase, a line where a processor claimed it. */
import { duration, timeOfDay } from '../formats.js'
import { html, nothing, svg } from '../lit.js'
import { counted, phaseName, t } from '../words.js'

/** With less room it scrolls. */
export const NARROWEST_PX = 240
const HEIGHT = 60
const BAR_Y = 16
const BAR = 22
/** Even a phase of a millisecond is visible. */
const NARROWEST_BAR = 2
/** The width of a letter, in pixels. */
const LETTER = 6.8
const DOT = 4.5

/** @param room in pixels @returns the picture, and a key for the bars that are too narrow for their words */
export function lifePicture(life, now, room) {
  const width = Math.max(room, NARROWEST_PX)
  const phases = life.phases.map(phase => ({ ...phase, toMs: phase.goesOn ? Math.max(now, phase.toMs) : phase.toMs }))
  const fromMs = phases[0]?.fromMs ?? life.firstAtMs
  const endMs = Math.max(phases.at(-1)?.toMs ?? fromMs, fromMs + 1)
  const x = atMs => ((atMs - fromMs) / (endMs - fromMs)) * width
  const hasRoom = phase => x(phase.toMs) - x(phase.fromMs) > said(phase).length * LETTER
  const narrow = phases.filter(phase => !hasRoom(phase))
  const inWords = t('picture', counted('message', life.count), phases.map(said).join(', '))
  const picture = svg`
    ${phases.map(phase => bar(phase, x))}
    ${phases.filter(hasRoom).map(phase => label(x(phase.fromMs) + DOT, BAR_Y + 15, said(phase), 'in'))}
    ${life.claimed ? claimedAt(x(life.claimed.atMs)) : nothing}
    ${life.messages.map(({ atMs }) => arrival(Math.min(Math.max(x(atMs), DOT), width - DOT)))}
    ${label(0, HEIGHT - 4, timeOfDay(fromMs, { exact: true }), 'scale')}
    ${label(width, HEIGHT - 4, `+${duration(endMs - fromMs)}`, 'scale', 'end')}`
  return {
    picture: html`
      <svg
        class="timeline"
        viewBox="0 0 ${width} ${HEIGHT}"
        width=${width}
        height=${HEIGHT}
        role="img"
        aria-label=${inWords}
      >
        ${picture}
      </svg>`,
    key: html`
      <ul class="key" aria-hidden="true">
        ${narrow.map(phase => html`<li><span class="swatch phase-${phase.name}"></span>${said(phase)}</li>`)}
      </ul>`,
  }
}

const said = ({ name, fromMs, toMs }) => `${phaseName(name)} ${duration(toMs - fromMs)}`

function bar(phase, x) {
  const width = Math.max(x(phase.toMs) - x(phase.fromMs), NARROWEST_BAR)
  return svg`
    <rect class="phase-${phase.name}" x=${x(phase.fromMs)} y=${BAR_Y} width=${width} height=${BAR}>
      <title>${said(phase)}</title>
    </rect>`
}

const label = (x, y, text, className, anchor = 'start') =>
  svg`<text class=${className} x=${x} y=${y} text-anchor=${anchor}>${text}</text>`

const claimedAt = x => svg`<line class="taken" x1=${x} x2=${x} y1=${BAR_Y - 6} y2=${BAR_Y + BAR + 6}></line>`

const arrival = x => svg`<circle class="arrival" cx=${x} cy="7" r=${DOT}></circle>`

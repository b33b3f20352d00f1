/** A pause of a conversation: when a person took over, until when, what became of what came; its picture and steps. */
import { timeOfDay, when } from '../formats.js'
import { html } from '../lit.js'
import { counted, t } from '../words.js'
import { lifePicture } from './life-picture.js'
import { stepsTable } from './life-view.js'

/** @param width of the picture in pixels */
export function pauseView(pause, now, width) {
  const { id, fromMs, steps } = pause
  const { picture, key } = lifePicture(asLife(pause, now), now, width)
  return html`
    <article class="card life">
      <h3>${t('pauseHeading', when(fromMs))}</h3>
      <p class="state"><strong>${t(isOver(pause) ? 'pauseOver' : 'pauseGoesOn')}</strong></p>
      <p class="taken">${timesOf(pause)}</p>
      <p class="taken">${arrivedIn(pause)}</p>
      <div class="scroll" tabindex="0" role="group" aria-label=${t('pauseHeading', when(fromMs))} data-pause=${id}>
        ${picture}
      </div>
      ${key}
      <details>
        <summary>${t('steps')}</summary>
        <div class="scroll">${stepsTable(steps)}</div>
      </details>
    </article>`
}

export const isOver = ({ endedAtMs }) => endedAtMs !== undefined

function timesOf({ fromMs, untilMs, by, endedAtMs, resumedBy }) {
  if (untilMs === undefined) return t('pauseCut')
  const from = timeOfDay(fromMs)
  if (resumedBy) return t('pauseResumed', by, from, when(endedAtMs), resumedBy)
  return t('pauseTimes', by, from, when(untilMs))
}

function arrivedIn({ keep, dropped, collected }) {
  const lost = t('pauseDropped', counted('message', dropped))
  if (keep !== 'collect') return lost
  const kept = t('pauseCollected', counted('message', collected))
  return dropped > 0 ? `${kept} ${lost}` : kept
}

/** As a life with one phase, and a dot for each message that was dropped. */
function asLife(pause, now) {
  const { fromMs, untilMs, endedAtMs, dropped, messages } = pause
  const phase = { name: 'paused', fromMs, toMs: endedAtMs ?? Math.max(now, messages.at(-1)?.atMs ?? fromMs) }
  const goesOn = !isOver(pause) && untilMs !== undefined
  return { count: dropped, firstAtMs: fromMs, messages, phases: [goesOn ? { ...phase, goesOn } : phase] }
}

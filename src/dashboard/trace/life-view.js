/**
 * A batch's life: who took it, when, and why then; what it replaced and what replaced it; what is wrong with it; its
 * picture, and its steps.
 */
import { because } from '../because.js'
import { dayOf, duration, timeOfDay } from '../formats.js'
import { html, nothing } from '../lit.js'
import { waitsBy, waitTexts } from '../waits.js'
import { lifeState, outcome, t } from '../words.js'
import { lifePicture } from './life-picture.js'
import { saying } from './saying.js'

/** @param width of the picture in pixels */
export function lifeView(life, now, width) {
  const { batchId, state, wrong, firstAtMs } = life
  const trouble = troubleOf(life)
  const { picture, key } = lifePicture(life, now, width)
  return html`
    <article class="card life">
      <h3>${t('traceBatch', batchId)}</h3>
      <p class="state"><strong>${lifeState(wrong?.kind ?? state)}</strong> <span>${dayOf(firstAtMs)}</span></p>
      <p class="taken">${takenBy(life)}</p>
      ${replacements(life).map(text => html`<p class="taken">${text}</p>`)}
      ${waitsOf(life, now).map(text => html`<p class="taken">${text}</p>`)}
      ${trouble ? html`<p class="error">${trouble}</p>` : nothing}
      <div class="scroll" tabindex="0" role="group" aria-label=${t('traceBatch', batchId)}>${picture}</div>
      ${key}
      <details>
        <summary>${t('steps')}</summary>
        <div class="scroll">${stepsTable(life.steps)}</div>
      </details>
    </article>`
}

function takenBy({ claimed, state, pauseEndedAtMs }) {
  if (claimed) {
    const { by, atMs, reason: key, lateMs, rule } = claimed
    const why = pauseEndedAtMs === undefined ? because(key, rule) : t('pauseReleased')
    return t('takenBy', by, timeOfDay(atMs, { exact: true }), why, duration(lateMs))
  }
  if (state === 'dropped') return t('takenDropped')
  if (state === 'merged') return t('takenMerged')
  return state === 'lost' ? t('takenLost') : t('takenNot')
}

/** What a batch replaced, and what became of its messages if it was superseded itself. */
function replacements({ state, supersedes = [], supersededBy }) {
  const last = supersedes.at(-1)
  return [
    ...(last === undefined ? [] : [t('replaced', last)]),
    ...(state === 'superseded' ? [supersededBy ? t('supersededBy', supersededBy) : t('supersededDropped')] : []),
  ]
}

/** What a batch waits for that is not due. */
const waitsOf = ({ state, steps }, now) => (state === 'open' ? waitTexts(waitsBy(steps), now) : [])

function troubleOf({ state, error, outcome: ended }) {
  if (state === 'dead') return t('lifeDied', error ?? '')
  if (state === 'claimed' && error !== undefined) return t('tryingAgain', error)
  return ended !== undefined && ended !== 'completed' ? t('answeredNot', outcome(ended)) : ''
}

export function stepsTable(steps) {
  const rows = steps.map((entry, i) => {
    const { step, atMs } = entry
    const sinceMs = atMs - (steps[i - 1]?.atMs ?? atMs)
    return html`
      <tr>
        <td><time datetime=${new Date(atMs).toISOString()}>${timeOfDay(atMs, { exact: true })}</time></td>
        <td class="number">${sinceMs > 0 ? `+${duration(sinceMs)}` : ''}</td>
        <th scope="row">${step}</th>
        <td class="detail">${saying(entry)}</td>
      </tr>`
  })
  return html`<table><tbody>${rows}</tbody></table>`
}

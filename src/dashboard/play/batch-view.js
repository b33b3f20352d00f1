/** A batch in a chat: its messages, a countdown while it collects, why it was released, and how it ended. */
import { because } from '../because.js'
import { countdown, duration } from '../formats.js'
import { html, nothing, repeat } from '../lit.js'
import { counted, outcome, t } from '../words.js'

export function batchView(batch, chat, about, now) {
  const { state, messages } = batch
  const isHeld = chat.isHeldBack(batch)
  const isOpen = state === 'open'
  const leftMs = Math.max(batch.dueMs - now, 0)
  const maxLeftMs = Math.max(batch.firstMs + chat.rules.maxWaitMs - now, 0)
  const note = noteOf(batch, isHeld, leftMs, about)
  return html`
    <section class="batch ${isHeld ? 'held' : ''}" data-state=${state}>
      <div class="messages">${repeat(messages, message => message.id, bubble)}</div>
      <div class="status">
        <span class="count">${countOf(batch)}</span>
        ${isOpen ? html`<span class="timer" aria-hidden="true">${timerOf(leftMs, maxLeftMs, isHeld)}</span>` : nothing}
      </div>
      ${isOpen ? bar(leftMs / chat.rules.quietGapMs, maxLeftMs / chat.rules.maxWaitMs) : nothing}
      <p class="note">${note}</p>
      ${state === 'answered' && !about.isOwnWorker ? html`<p class="bubble bot">${botSays(batch)}</p>` : nothing}
    </section>`
}

export const bubble = ({ text, batch, remark, remarkValue }) => html`
  <p class="bubble ${batch ? '' : 'pending'}">${text}</p>
  ${remark ? html`<p class="remark">${t(remark, remarkValue)}</p>` : nothing}`

function countOf({ state, total, reason: key, rule, lateMs }) {
  const count = counted('message', total)
  if (state === 'open') return total > 0 ? t('collecting', count) : ''
  if (state === 'dropped' || state === 'superseded') return count
  return t('released', count, upperFirst(because(key ?? '', rule)), duration(lateMs ?? 0))
}

function timerOf(leftMs, maxLeftMs, isHeld) {
  if (leftMs > 0) return `${t('dueIn', countdown(leftMs))} · ${t('atMost', countdown(maxLeftMs))}`
  return isHeld ? '' : t('isDue')
}

function bar(gapLeft, waitLeft) {
  const part = share => `--part: ${Math.min(share, 1)}`
  return html`
    <div
      class="bar"
      role="progressbar"
      aria-label=${t('countdown')}
      aria-valuenow=${Math.round((1 - Math.min(gapLeft, 1)) * 100)}
    >
      <div class="wait" .style=${part(waitLeft)}></div>
      <div class="gap" .style=${part(gapLeft)}></div>
    </div>`
}

function noteOf({ state, extendedByMs, error, outcome: ended, tookMs }, isHeld, leftMs, { isOwnWorker }) {
  switch (state) {
    case 'open':
      if (isHeld) return t(leftMs > 0 ? 'heldBack' : 'heldDue')
      return extendedByMs === undefined ? '' : t('extendedBy', duration(extendedByMs))
    case 'claimed':
      return error === undefined ? '' : t('tryingAgain', error)
    case 'answering':
      return t('thinking')
    case 'dead':
      return t('died', error)
    case 'dropped':
      return t('takenDropped')
    case 'superseded':
      return t('supersededUnanswered')
    default:
      // The answer of an operator's own worker is not known here, only its end.
      if (!isOwnWorker) return ''
      if (ended !== 'completed') return t('answeredNot', outcome(ended))
      return tookMs === undefined ? t('answered') : t('answeredAfter', duration(tookMs))
  }
}

function botSays({ outcome: ended, total, messages }) {
  if (ended !== 'completed') return t('answeredNot', outcome(ended))
  return t('answerTo', counted('answerToMessages', total), messages.map(({ text }) => text).join(' · '))
}

const upperFirst = text => text.charAt(0).toUpperCase() + text.slice(1)

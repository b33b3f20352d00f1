/** A person's card: the chat with its batches, what they can do, and what thirty lines with setTimeout would do. */
import { html, nothing, repeat } from '../lit.js'
import { counted, t } from '../words.js'
import { batchView, bubble } from './batch-view.js'

/** So near its end, the chat follows what comes. */
const NEARLY_PX = 40

export function personView(person, name, about, now) {
  const { id, chat, thirtyLines } = person
  return html`
    <article class="card person" data-id=${id}>
      <header>
        <h3>${name}</h3>
        <a class="id" href="#trace=${encodeURIComponent(id)}" aria-label="${t('seeTrace')}: ${id}">${id}</a>
      </header>
      <div class="chat" role="log" tabindex="0" aria-label=${name} @scroll=${event => scrolled(person, event)}>
        ${repeat(
          chat.batches.values(),
          batch => batch.batchId,
          batch => batchView(batch, chat, about, now),
        )}
        <div class="unsorted">${repeat(chat.pending, message => message.id, bubble)}</div>
      </div>
      <form @submit=${event => submit(person, event)}>
        <textarea
          rows="1"
          autocomplete="off"
          aria-label="${name}: ${t('say')}"
          placeholder=${t('write')}
          @input=${event => event.target.value !== '' && person.write()}
          @keydown=${sendOnEnter}
        ></textarea>
        <button class="primary">${t('send')}</button>
        <div class="small">
          <button type="button" title=${t('typingTitle')} @click=${() => person.signTyping()}>${t('typingSign')}</button>
          <button type="button" title=${t('againTitle')} @click=${() => void person.deliverAgain()}>${t('again')}</button>
        </div>
      </form>
      <details class="thirty" open>
        <summary>${t('thirtyLines')}</summary>
        <ol>${thirtyView(thirtyLines)}</ol>
      </details>
    </article>`
}

function scrolled(person, { target }) {
  person.follows = target.scrollTop + target.clientHeight > target.scrollHeight - NEARLY_PX
}

function submit(person, event) {
  event.preventDefault()
  const input = event.target.querySelector('textarea')
  void person.say(input.value)
  input.value = ''
}

function sendOnEnter(event) {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  event.target.form.requestSubmit()
}

const FAULTS = { overlaps: 'thirtyOverlap', twice: 'thirtyTwice', early: 'thirtyEarly' }

function thirtyView({ log, texts }) {
  const waiting = texts.map(({ text }) => text).join(' · ')
  return [
    ...log.map(thirtyEntry),
    texts.length > 0 ? html`<li class="waits">${t('thirtyWaits', waiting)}</li>` : nothing,
    log.length + texts.length === 0 ? html`<li class="waits">${t('thirtyNothing')}</li>` : nothing,
  ]
}

function thirtyEntry(entry) {
  if (entry.forgot) return html`<li class="bad">${t('thirtyForgot', counted('message', entry.forgot))}</li>`
  const faults = Object.keys(FAULTS).filter(fault => entry[fault])
  return html`
    <li class=${faults.length > 0 ? 'bad' : ''}>
      ${t('thirtyAnswer', entry.texts.join(' · '))} ${faults.map(fault => html`<em>${t(FAULTS[fault])}</em>`)}
    </li>`
}

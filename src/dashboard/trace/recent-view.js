/** The conversations of the last batches, the newest first: what is going on in each, with a link to its trace. */
import { when } from '../formats.js'
import { html, repeat } from '../lit.js'
import { counted, lifeState, t } from '../words.js'

/** @param lives of all conversations, newest first */
export function recentView(lives) {
  const newest = new Map()
  for (const life of lives) if (!newest.has(life.conversationId)) newest.set(life.conversationId, life)
  return html`
    <section class="card" ?hidden=${newest.size === 0}>
      <h3>${t('traceRecent')}</h3>
      <ul class="recent">
        ${repeat(newest.values(), life => life.conversationId, item)}
      </ul>
    </section>`
}

const item = ({ conversationId, count, firstAtMs, state, wrong }) => html`
  <li>
    <a href="#trace=${encodeURIComponent(conversationId)}">${conversationId}</a>
    <span>${counted('message', count)}</span>
    <span class=${wrong || state === 'dead' ? 'bad' : ''}>${lifeState(wrong?.kind ?? state)}</span>
    <time datetime=${new Date(firstAtMs).toISOString()}>${when(firstAtMs)}</time>
  </li>`

/** The last webhook that was accepted and the last that was refused, by provider. */
import { numberText, when } from '../formats.js'
import { html } from '../lit.js'
import { rejection, t } from '../words.js'

export const webhooksView = webhooks => html`
  <section class="card">
    <h3>${t('webhooks')}</h3>
    <p class="lead">${t('webhooksLead')}</p>
    <div class="scroll">
      ${webhooks.length === 0 ? html`<p class="empty">${t('webhooksNone')}</p>` : table(webhooks)}
    </div>
  </section>`

const table = webhooks => html`
  <table class="webhooks">
    <thead>
      <tr>${['provider', 'accepted', 'refused'].map(key => html`<th scope="col">${t(key)}</th>`)}</tr>
    </thead>
    <tbody>${webhooks.map(row)}</tbody>
  </table>`

const row = ({ provider, accepted, refused }) => html`
  <tr>
    <th scope="row">${provider}</th>
    ${cell('accepted', accepted && acceptedText(accepted.counts), accepted?.atMs)}
    ${cell('refused', refused && refusedText(refused), refused?.atMs, refused ? 'bad' : '')}
  </tr>`

const acceptedText = ({ accepted, duplicates, ignored }) => t('counts', accepted, duplicates, ignored)

const refusedText = ({ reason, count }) => `${rejection(reason)} (${numberText(count)} ×)`

/** A phone has no room for columns, so each cell shows its label. */
const cell = (label, text, atMs, className = '') => html`
  <td class=${className} data-label=${t(label)}>
    ${text ? html`<time datetime=${new Date(atMs).toISOString()}>${when(atMs)}</time><small>${text}</small>` : '–'}
  </td>`

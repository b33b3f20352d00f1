/**
 * The comparison as three lanes on one axis of time: a tick for each message, a bar for each run, a dot for each reply;
 * beside each lane, how long after the last message its reply came, and how many runs were wasted.
 */
import { countdown, duration, round } from '../formats.js'
import { html, nothing } from '../lit.js'
import { counted, t } from '../words.js'
import { LANES } from './comparison.js'

export const WORK_MS = [2000, 8000]
/** So much of the axis is left free behind its last time. */
const MARGIN = 1.04

const TITLES = { lines: 'laneLines', queue: 'laneQueue', supersede: 'laneEarly' }

/**
 * @param comparison of the person who wrote last
 * @param about what the API says about itself @param workMs how long the bots work, and `choose` to change that
 */
export function comparisonView({ comparison, name, about, workMs, choose, now }) {
  const { rules, comparedEarlyStartMs } = about
  const early = comparedEarlyStartMs % 1000 === 0 ? round(comparedEarlyStartMs) : countdown(comparedEarlyStartMs)
  const meanings = {
    lines: t('laneLinesMeans', round(rules.quietGapMs)),
    queue: t('laneQueueMeans', round(rules.quietGapMs)),
    supersede: t('laneEarlyMeans', early, round(rules.quietGapMs)),
  }
  const axis = axisOf(comparison, rules.quietGapMs, workMs, now)
  const { soonerMs, trouble } = comparison
  return html`
    <section class="card comparison" aria-labelledby="comparison-title">
      <header>
        <h3 id="comparison-title">${t('compareTitle', name)}</h3>
        <fieldset class="work">
          <legend>${t('compareWork')}</legend>
          ${WORK_MS.map(ms => workChoice(ms, workMs, choose))}
        </fieldset>
      </header>
      <ol class="lanes-compared">
        ${LANES.map(mode => laneView(comparison, mode, { meanings, axis, isSystems: mode === rules.answering, now }))}
      </ol>
      <p class="verdict-compared" role="status">
        ${soonerMs > 0 ? t('compareSooner', duration(soonerMs)) : nothing}
        ${trouble === undefined ? nothing : html`<em>${t('compareTrouble', trouble)}</em>`}
      </p>
      <p class="key">
        <span><i class="tick"></i>${t('keyMessage')}</span>
        <span><i class="run" data-state="working"></i>${t('keyWork')}</span>
        <span><i class="run" data-state="waiting"></i>${t('keyWait')}</span>
        <span><i class="run" data-state="superseded"></i>${t('keyWasted')}</span>
        <span><i class="reply"></i>${t('keyReply')}</span>
      </p>
      <p class="note">${t('compareHonest', `LULL_ANSWERING=${rules.answering}`)}</p>
    </section>`
}

function workChoice(ms, workMs, choose) {
  return html`
    <label>
      <input type="radio" name="work" value=${ms} .checked=${ms === workMs} @change=${() => choose(ms)} />${round(ms)}
    </label>`
}

function laneView(comparison, mode, { meanings, axis, isSystems, now }) {
  const lane = comparison.lanes[mode]
  return html`
    <li data-mode=${mode}>
      <div class="about">
        <strong>${t(TITLES[mode])}</strong>
        ${isSystems ? html`<span class="badge">${t('laneSystems')}</span>` : nothing}
        <small>${meanings[mode]}</small>
      </div>
      <div class="track" aria-hidden="true">
        ${[...comparison.writtenMs.values()].map(atMs => html`<i class="tick" .style=${axis.at(atMs)}></i>`)}
        ${[...lane.runs.values()].map(run => runView(run, axis, now))}
        ${lane.replies.map(({ atMs }) => html`<i class="reply" .style=${axis.at(atMs)}></i>`)}
      </div>
      ${resultView(comparison, lane, now)}
    </li>`
}

/** Its work, and what it waits after it for the quiet gap's end. */
function runView({ state, beganMs, workedMs, endedMs }, axis, now) {
  const toMs = endedMs ?? now
  const workedTo = Math.min(workedMs ?? toMs, toMs)
  return html`
    <i class="run" data-state=${state === 'superseded' ? state : 'working'} .style=${axis.span(beganMs, workedTo)}></i>
    ${workedTo < toMs ? html`<i class="run" data-state=${state === 'superseded' ? state : 'waiting'} .style=${axis.span(workedTo, toMs)}></i>` : nothing}`
}

function resultView({ lastMs }, lane, now) {
  const last = lane.replies.at(-1)
  const isPending = lane.unanswered.size > 0
  const counts = [counted('replies', lane.replies.length), counted('runs', lane.runs.size)]
  return html`
    <div class="result" data-state=${isPending ? 'pending' : last ? 'replied' : 'none'}>
      <b>${isPending ? `${countdown(now - lastMs)} …` : last ? duration(last.afterMs) : '–'}</b>
      <small>${isPending ? t('noReplySince') : nothing}</small>
      <small class="counts">
        ${counts.join(' · ')} ·
        <span class=${lane.wasted > 0 ? 'wasted' : ''}>${counted('wastedRuns', lane.wasted)}</span>
        ${lane.isLost ? html`<em>${t('laneLost')}</em>` : nothing}
      </small>
    </div>`
}

/** Times as places on the lanes: from the first message to the expected end of the slowest, or to the present. */
function axisOf(comparison, quietGapMs, workMs, now) {
  const { firstMs, lastMs, lanes } = comparison
  const ends = Object.values(lanes).flatMap(({ runs }) => [...runs.values()].map(({ endedMs }) => endedMs ?? now))
  const toMs = Math.max(lastMs + quietGapMs + workMs, ...ends)
  const share = atMs => Math.min(Math.max((atMs - firstMs) / ((toMs - firstMs) * MARGIN), 0), 1)
  return {
    at: atMs => `--at: ${share(atMs)}`,
    span: (fromMs, to) => `--at: ${share(fromMs)}; --part: ${share(to) - share(fromMs)}`,
  }
}

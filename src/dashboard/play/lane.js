/**
 * One bot of the comparison: which messages it has not answered, its runs, and its replies. All times are this
 * browser's.
 *
 *   run    working ─► waiting (for the end of the quiet gap) ─► replied
 *             └───────────┴─► superseded: newer messages came, and nothing was sent
 */
const ACTIVE = ['working', 'waiting']
const STATES = { begun: 'working', worked: 'waiting', replied: 'replied', superseded: 'superseded' }

export class Lane {
  /** By batch id: { state, ids, beganMs, workedMs?, endedMs? } */
  runs = new Map()
  /** Ids of messages. */
  unanswered = new Set()
  /** { atMs, afterMs: since the last message that it answers, count } */
  replies = []
  /** The bot's messages were lost, by a restart or with the connection. */
  isLost = false

  wrote(ids) {
    for (const id of ids) this.unanswered.add(id)
  }

  /** @param writtenMs when each message was written, by its id */
  run({ event, batchId, ids }, now, writtenMs) {
    const run = this.runs.get(batchId) ?? { ids, beganMs: now }
    this.runs.set(batchId, run)
    run.state = STATES[event]
    if (event === 'worked') run.workedMs = now
    if (event === 'replied' || event === 'superseded') run.endedMs = now
    if (event !== 'replied') return
    run.workedMs ??= now
    for (const id of ids) this.unanswered.delete(id)
    const lastMs = Math.max(...ids.map(id => writtenMs.get(id) ?? Number.NEGATIVE_INFINITY))
    // Messages of an earlier round: their times are not kept.
    if (Number.isFinite(lastMs)) this.replies.push({ atMs: now, afterMs: now - lastMs, count: ids.length })
  }

  /** Messages that nobody will answer. */
  lose(ids = [...this.unanswered]) {
    for (const id of ids) this.unanswered.delete(id)
    if (ids.length > 0) this.isLost = true
  }

  /** Its engine is gone, with the runs that had not ended. */
  loseAll() {
    for (const [batchId, { state }] of this.runs) if (ACTIVE.includes(state)) this.runs.delete(batchId)
    this.lose()
  }

  get isIdle() {
    return this.unanswered.size === 0 && ![...this.runs.values()].some(({ state }) => ACTIVE.includes(state))
  }

  get wasted() {
    return [...this.runs.values()].filter(({ state }) => state === 'superseded').length
  }
}

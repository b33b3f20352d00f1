/**
 * The usual first version: a list, and a setTimeout that starts again with each message. It works as long on an answer as
 * the bots that it is compared with, keeps everything in memory, and ignores repeated deliveries, typing signals and
 * pending answers.
 */

const ENTRIES_KEPT = 50

export class ThirtyLines extends EventTarget {
  texts = []
  timer
  typingAtMs = Number.NEGATIVE_INFINITY
  answeringSinceMs = Number.NEGATIVE_INFINITY
  /** { texts, overlaps, twice, early } or { forgot } */
  log = []

  answers = 0

  /**
   * @param thinkingMs how long an answer takes; may be changed
   * @param onRun called when the work on an answer begins, and when it ends; as a run of the comparison (lane.js)
   */
  constructor(gapMs, thinkingMs, onRun) {
    super()
    this.onRun = onRun
    this.thinkingMs = thinkingMs
    this.gapMs = gapMs
  }

  append(text, id) {
    this.texts.push({ text, id })
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.answer(), this.gapMs)
    this.changed()
  }

  /** The thirty lines ignore it; the log says that they did. */
  sawTyping() {
    this.typingAtMs = performance.now()
  }

  /** @returns the ids of the messages that are lost */
  restart() {
    clearTimeout(this.timer)
    const lost = this.texts.map(({ id }) => id)
    if (lost.length > 0) this.add({ forgot: lost.length })
    this.texts = []
    this.changed()
    return lost
  }

  answer() {
    const now = performance.now()
    const ids = this.texts.map(({ id }) => id)
    this.add({
      texts: this.texts.map(({ text }) => text),
      overlaps: now - this.answeringSinceMs < this.thinkingMs,
      twice: new Set(ids).size < ids.length,
      early: now - this.typingAtMs < this.gapMs,
    })
    this.answeringSinceMs = now
    this.texts = []
    this.work(ids)
    this.changed()
  }

  work(ids) {
    if (!this.onRun) return
    const run = { batchId: ++this.answers, ids }
    this.onRun({ event: 'begun', ...run })
    setTimeout(() => this.onRun({ event: 'replied', ...run }), this.thinkingMs)
  }

  add(entry) {
    this.log.push(entry)
    if (this.log.length > ENTRIES_KEPT) this.log.shift()
  }

  changed() {
    this.dispatchEvent(new Event('change'))
  }
}

/**
 * The usual first version: a list, and a setTimeout that starts again with each message. It answers as fast as the
 * playground's bot, keeps everything in memory, and ignores repeated deliveries, typing signals and pending answers.
 */

const ENTRIES_KEPT = 50

export class ThirtyLines extends EventTarget {
  texts = []
  timer
  typingAtMs = Number.NEGATIVE_INFINITY
  answeringSinceMs = Number.NEGATIVE_INFINITY
  /** { texts, overlaps, twice, early } or { forgot } */
  log = []

  /** @param thinkingMs how long an answer takes in the playground; may be set later, when that is known */
  constructor(gapMs, thinkingMs) {
    super()
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

  restart() {
    clearTimeout(this.timer)
    if (this.texts.length > 0) this.add({ forgot: this.texts.length })
    this.texts = []
    this.changed()
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
    this.changed()
  }

  add(entry) {
    this.log.push(entry)
    if (this.log.length > ENTRIES_KEPT) this.log.shift()
  }

  changed() {
    this.dispatchEvent(new Event('change'))
  }
}

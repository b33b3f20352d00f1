/**
 * What one writes at first: a list, and a setTimeout that starts again with each message. It answers as fast as whoever
 * answers in the playground, knows no repeated delivery, no sign of typing and no answer that is still pending, and keeps all
 * of it in memory.
 */

export class ThirtyLines extends EventTarget {
  texts = []
  timer
  typingAtMs = Number.NEGATIVE_INFINITY
  answeringSinceMs = Number.NEGATIVE_INFINITY
  /** { texts, overlaps, twice, early } or { forgot } */
  log = []

  /** @param thinkingMs as long as an answer takes in the playground; may be set later, when that has been seen */
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

  /** It does not know of it; whoever looks does. */
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
  }

  changed() {
    this.dispatchEvent(new Event('change'))
  }
}

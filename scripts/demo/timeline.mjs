// The demo's timeline: one line for each event, with its time in seconds. On a terminal a line below is redrawn all the
// time, and shows how much of the quiet gap is left.
import { styleText } from 'node:util'

const BAR = 30
const REDRAW_MS = 100

const isTerminal = process.stdout.isTTY === true
// https://no-color.org: an empty NO_COLOR counts as none.
const hasColor = isTerminal && !process.env.NO_COLOR
const paint = (style, text) => (hasColor ? styleText(style, text) : text)

const STYLES = { Anna: 'green', Meta: 'yellow', Lull: ['bold', 'cyan'], Bot: 'magenta', '': 'dim' }

export class Timeline {
  #startedAt
  #countdown

  /** The first line starts the clock. */
  line(who, text, note = '') {
    this.#startedAt ??= performance.now()
    this.stopCountdown()
    const atS = ((performance.now() - this.#startedAt) / 1000).toFixed(1).padStart(5)
    const name = paint(STYLES[who] ?? 'white', who.padEnd(5))
    console.log(`${atS} s  ${name} ${note ? text.padEnd(36) : text}${note ? paint('dim', note) : ''}`)
  }

  /** Lines that belong to the event above. */
  quote(texts) {
    for (const text of texts) console.log(`               ${paint('cyan', '│')} ${text}`)
  }

  /** The same as `countDown`, on a terminal alone. */
  drawCountDown(leftMs, gapMs) {
    if (isTerminal) this.countDown(leftMs, gapMs)
  }

  /** Shows how much of `gapMs` is left, until the next event. */
  countDown(leftMs, gapMs) {
    this.stopCountdown()
    const endsAt = performance.now() + leftMs
    let shown = Math.ceil(leftMs / 1000) + 1
    const draw = () => {
      const left = Math.max(endsAt - performance.now(), 0)
      const filled = Math.round((left / gapMs) * BAR)
      if (isTerminal)
        process.stdout.write(
          `\r\x1b[K         ${paint('dim', 'quiet')} ${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${(left / 1000).toFixed(1)} s`,
        )
      else if (Math.ceil(left / 1000) < shown) {
        shown = Math.ceil(left / 1000)
        if (shown > 0) console.log(`         quiet ${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${shown} s left`)
      }
    }
    draw()
    this.#countdown = setInterval(draw, REDRAW_MS)
  }

  stopCountdown() {
    if (this.#countdown === undefined) return
    clearInterval(this.#countdown)
    this.#countdown = undefined
    if (isTerminal) process.stdout.write('\r\x1b[K')
  }
}

/** `3 s`, `2.4 s` */
export const seconds = ms => `${Number((ms / 1000).toFixed(1))} s`

export const say = (text = '') => console.log(text)

/** The title of a part. */
export const title = text => console.log(`\n${paint('bold', text)}`)

/** What became of each turn of a replay: which answers had its messages, and when they were sent. */
import type { Work } from '../children.js'
import { at } from '../figures.js'
import { messageOf, secondsOf, turnOf } from './replay.js'
import type { Turn } from './turns.js'

export class Outcome {
  /** By turn: when its last message was sent. */
  readonly lastSentAtMs: number[] = []
  private readonly answers: number[]
  private readonly repliedAtMs: number[]
  private runs = 0
  private sent = 0
  /** By turn and message: how many answers that were sent have it. */
  private readonly answered: number[][]
  private slotMs = 0

  constructor(private readonly sample: Turn[]) {
    this.answers = sample.map(() => 0)
    this.answered = sample.map(messages => messages.map(() => 0))
    this.repliedAtMs = sample.map(() => Number.NaN)
  }

  add({ began, ended, withdrawn }: Work): void {
    const batch = began ?? ended ?? withdrawn
    const turn = batch && turnOf(batch.conversation)
    if (!batch || turn === undefined) return
    if (began) this.runs++
    const done = ended ?? withdrawn
    if (done) this.slotMs += done.endedAtMs - done.atMs
    if (!ended) return
    this.sent++
    this.answers[turn] = (this.answers[turn] ?? 0) + 1
    const answered = this.answered[turn] ?? []
    for (const text of ended.texts) {
      const message = messageOf(text)
      answered[message] = (answered[message] ?? 0) + 1
      if (message === answered.length - 1 && answered[message] === 1) this.repliedAtMs[turn] = ended.endedAtMs
    }
  }

  get isComplete(): boolean {
    return this.repliedAtMs.every(Number.isFinite)
  }

  /** @throws if a turn was not answered: a mean without it would flatter */
  figures() {
    const count = this.sample.length
    const missing = this.repliedAtMs.filter(Number.isNaN).length
    if (missing > 0) throw new Error(`${missing} of ${count} turns got no reply`)
    const reply = this.repliedAtMs.map((at, turn) => secondsOf(at - (this.lastSentAtMs[turn] ?? Number.NaN)))
    return {
      mean: reply.reduce((sum, one) => sum + one, 0) / count,
      p50: at(reply, 0.5),
      p90: at(reply, 0.9),
      split: (this.answers.filter(answers => answers > 1).length / count) * 100,
      runs: this.runs / count,
      wasted: (this.runs - this.sent) / count,
      wrong: this.answered.flat().filter(answers => answers !== 1).length,
      slot: secondsOf(this.slotMs) / count,
    }
  }
}

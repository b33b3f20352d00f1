/**
 * What becomes of a turn by arithmetic alone: from the times of its messages and the rules, without running Lull. It
 * checks the benchmark `reply`: the figures of the running pipeline must be the same, except for its lateness.
 *
 * Nothing takes time here but the gap, the work and the wait for a commit. All times are seconds.
 */
import type { Turn } from './turns.js'

export interface Way {
  /** The silence after which an answer may be sent. */
  gap: number
  /** How long an answer takes. */
  work: number
  /** The longest time from the first message of a batch to its due time. */
  maxWait: number
  /** Newer messages withdraw an answer that is not committed; otherwise they wait for its end. */
  supersede: boolean
  /** The silence after which the work begins; the gap without early start. */
  earlyStart: number
}

export interface Played {
  /** From the last message of the turn to the answer that has it. */
  reply: number
  /** How many answers have messages of this turn. More than one: the turn is split. */
  answers: number
  /** How many times the work was begun. */
  runs: number
}

export function play(turn: Turn, way: Way): Played {
  let runs = 0
  let answers = 0
  let sentAt = Number.NEGATIVE_INFINITY
  let first = 0
  while (first < turn.length) {
    let last = first
    for (;;) {
      const { start, commit, canBeWithdrawn } = handing(turn, first, last, way, sentAt)
      const next = turn[last + 1] ?? Number.POSITIVE_INFINITY
      if (next >= start) {
        runs++
        if (next >= commit || !canBeWithdrawn) {
          answers++
          sentAt = commit
          break
        }
      }
      last++
    }
    first = last + 1
  }
  return { reply: sentAt - (turn.at(-1) ?? 0), answers, runs }
}

export interface WindowWay {
  /** From the first message that finds nothing waiting or running. Later messages do not move its end. */
  window: number
  work: number
  /** From the end of an answer to the next one, if messages have come by then. */
  again: number
}

/** What becomes of a turn if an answer is begun a fixed time after its first message, as the Chat SDK does. */
export function playWindow(turn: Turn, { window, work, again }: WindowWay): Played {
  const comeBy = (time: number) => turn.filter(at => at <= time).length
  let answers = 0
  let answered = 0
  let sentAt = Number.NaN
  while (answered < turn.length) {
    let start = (turn[answered] ?? 0) + window
    while (comeBy(start) > answered) {
      answers++
      answered = comeBy(start)
      sentAt = start + work
      start = sentAt + again
    }
  }
  return { reply: sentAt - (turn.at(-1) ?? 0), answers, runs: answers }
}

/** When the batch of the messages `first` to `last` is handed over, and when its answer is final. */
function handing(turn: Turn, first: number, last: number, way: Way, freeAt: number) {
  const lastAt = turn[last] ?? 0
  const mostAt = (turn[first] ?? 0) + way.maxWait
  const due = Math.min(lastAt + way.gap, mostAt)
  const start = Math.max(way.supersede ? Math.min(due, lastAt + way.earlyStart) : due, freeAt, lastAt)
  // A batch that is released at its max wait is never withdrawn.
  const canBeWithdrawn = way.supersede && !(start >= due && due === mostAt)
  return { start, commit: Math.max(start + way.work, due), canBeWithdrawn }
}

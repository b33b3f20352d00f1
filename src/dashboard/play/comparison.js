/**
 * What three bots make of the same messages of one person: thirty lines of setTimeout, imitated in this browser, and
 * Lull's own engine in both modes, which runs in the API's memory (src/api/comparison.ts).
 *
 * A round begins with a message that comes when all bots have answered everything.
 */
import { Lane } from './lane.js'

export const LANES = ['lines', 'queue', 'supersede']

export class Comparison {
  /** When each message of this round was written, by its id. */
  writtenMs = new Map()
  lanes = newLanes()
  /** Why the engine cannot be used: the API's words. */
  trouble

  wrote(ids, now) {
    if (this.isIdle) this.restart()
    this.trouble = undefined
    for (const id of ids) if (!this.writtenMs.has(id)) this.writtenMs.set(id, now)
    for (const lane of Object.values(this.lanes)) lane.wrote(ids)
  }

  /** A repeated delivery: only the thirty lines answer it again. */
  wroteAgain(id) {
    this.lanes.lines.wrote([id])
  }

  run(mode, event, now) {
    this.lanes[mode].run(event, now, this.writtenMs)
  }

  /** @param trouble the API's words, if it refused */
  engineLost(trouble) {
    this.trouble = trouble
    for (const mode of ['queue', 'supersede']) this.lanes[mode].loseAll()
  }

  get isIdle() {
    return Object.values(this.lanes).every(lane => lane.isIdle)
  }

  get firstMs() {
    return Math.min(...this.writtenMs.values())
  }

  get lastMs() {
    return Math.max(...this.writtenMs.values())
  }

  /** By how much the early start's last reply came sooner than the quiet gap's; undefined until both are there. */
  get soonerMs() {
    const [queue, early] = ['queue', 'supersede'].map(mode => this.lanes[mode])
    if (!queue.isIdle || !early.isIdle || queue.isLost || early.isLost) return undefined
    if (queue.replies.length === 0 || early.replies.length === 0) return undefined
    return queue.replies.at(-1).atMs - early.replies.at(-1).atMs
  }

  restart() {
    this.writtenMs = new Map()
    this.lanes = newLanes()
  }
}

const newLanes = () => Object.fromEntries(LANES.map(name => [name, new Lane()]))

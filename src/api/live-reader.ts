/**
 * One reader of `/events`. It gets every step as it happens. If there are too many steps a second, or the reader is too
 * slow, it gets one summary a second instead. The memory that one reader takes is bounded.
 */
import { Readable } from 'node:stream'
import type { HistoryEntry } from '../store/store.js'

export interface ReaderBounds {
  /** More steps a second than this are summarised. */
  stepsASecond: number
  /** Unread bytes; steps that do not fit are summarised. */
  bytesWaiting: number
  /** A reader that has read nothing for this long is disconnected. */
  patienceMs: number
}

export const READER_BOUNDS: ReaderBounds = { stepsASecond: 200, bytesWaiting: 128 * 1024, patienceMs: 60_000 }

/** A summary holds a sample of this many latenesses: enough for a median. */
const LATENESSES = 200

/** Steps and growth that were not sent one by one. */
interface Summary {
  /** Steps and growth. */
  skipped: number
  steps: Record<string, number>
  /** Of the claimed batches. */
  reasons: Record<string, number>
  lateMs: number[]
}

export class LiveReader extends Readable {
  private summary: Summary | undefined
  private stepsThisSecond = 0
  private takenAtMs = performance.now()

  constructor(private readonly bounds: ReaderBounds) {
    super({ highWaterMark: bounds.bytesWaiting })
  }

  override _read(): void {
    this.takenAtMs = performance.now()
  }

  /** @param text the entry as an event */
  step(entry: HistoryEntry, text: string): void {
    const { stepsASecond, bytesWaiting } = this.bounds
    this.stepsThisSecond += 1
    if (this.stepsThisSecond > stepsASecond || this.readableLength + text.length > bytesWaiting)
      this.summary ??= emptySummary()
    if (this.summary) addTo(this.summary, entry)
    else this.push(text)
  }

  /** @param text the growth as an event @param count of conversations in it */
  growth(text: string, count: number): void {
    if (this.destroyed) return
    if (this.readableLength + text.length <= this.bounds.bytesWaiting) this.push(text)
    else {
      this.summary ??= emptySummary()
      this.summary.skipped += count
    }
  }

  /** Any other event. Dropped if it does not fit. */
  send(text: string): void {
    if (!this.destroyed && this.readableLength + text.length <= this.bounds.bytesWaiting) this.push(text)
  }

  /** Called once a second. */
  second(): void {
    this.stepsThisSecond = 0
    if (this.readableLength > 0 && performance.now() - this.takenAtMs > this.bounds.patienceMs) this.destroy()
    if (this.summary === undefined || this.readableLength > this.bounds.bytesWaiting / 2) return
    const { summary } = this
    this.summary = undefined
    this.push(eventOf('summary', summary))
  }
}

export const eventOf = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** Without a name, so that a program that wants only the steps can read the default events. */
export const stepEvent = (entry: HistoryEntry): string => `id: ${entry.id}\ndata: ${JSON.stringify(entry)}\n\n`

const emptySummary = (): Summary => ({ skipped: 0, steps: {}, reasons: {}, lateMs: [] })

function addTo(summary: Summary, { step, detail }: HistoryEntry): void {
  summary.skipped += 1
  summary.steps[step] = (summary.steps[step] ?? 0) + 1
  if (step !== 'claimed') return
  const reason = detail['reason'] ?? 'unknown'
  summary.reasons[reason] = (summary.reasons[reason] ?? 0) + 1
  const place = summary.lateMs.length < LATENESSES ? summary.lateMs.length : Math.floor(Math.random() * summary.skipped)
  if (place < LATENESSES) summary.lateMs[place] = Number(detail['lateMs'] ?? 0)
}

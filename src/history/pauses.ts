/**
 * The pauses of a conversation, from its history: when a person took over, until when, and what became of the messages
 * that came meanwhile. A pause that ends by its time leaves no step.
 */
import type { Life, LifeMessage } from './life.js'
import { SAME_MOMENT_MS } from './release.js'
import { type HistoryEntry, idsIn, numberIn } from './steps.js'

export interface Pause {
  /** Of its first step. */
  id: string
  conversationId: string
  /** When it began; if the history does not reach back so far, when its first known message came. */
  fromMs: number
  /** When it ends or ended by its time. Absent if the history does not reach back to its beginning. */
  untilMs?: number
  keep?: 'drop' | 'collect'
  /** Which process began it, or set its end anew. */
  by?: string
  /** Absent while it goes on. */
  endedAtMs?: number
  /** Which process ended it before its time. */
  resumedBy?: string
  /** Messages that came and were discarded: all of them, or those that `collect` had no room for. */
  dropped: number
  /** Messages that came to a batch meanwhile, as far as the history names them. */
  collected: number
  /** When the dropped ones came: the first 100 that came together. */
  messages: LifeMessage[]
  /** Oldest first. */
  steps: HistoryEntry[]
}

/** @param oldestFirst the history of one conversation */
export function pausesOf(oldestFirst: readonly HistoryEntry[], nowMs: number): Pause[] {
  const pauses: Pause[] = []
  let current: Pause | undefined
  const begin = (entry: HistoryEntry): Pause => {
    const { id, conversationId, atMs: fromMs } = entry
    const pause: Pause = { id, conversationId, fromMs, dropped: 0, collected: 0, messages: [], steps: [] }
    pauses.push(pause)
    current = pause
    return pause
  }
  for (const entry of oldestFirst) {
    const { step, atMs, detail } = entry
    if (current?.untilMs !== undefined && atMs >= current.untilMs + SAME_MOMENT_MS) current = undefined
    if (step === 'pause') {
      const pause = current ?? begin(entry)
      pause.untilMs = numberIn(detail, 'untilMs', atMs)
      pause.keep = detail['keep'] === 'collect' ? 'collect' : 'drop'
      pause.by = detail['by'] ?? ''
      pause.steps.push(entry)
    } else if (step === 'paused') {
      discard(current ?? begin(entry), entry)
    } else if (step === 'resumed' && current) {
      current.endedAtMs = atMs
      current.resumedBy = detail['by'] ?? ''
      current.steps.push(entry)
      current = undefined
    }
  }
  return pauses.map(pause => ended(pause, nowMs))
}

function discard(pause: Pause, entry: HistoryEntry): void {
  const { atMs, detail } = entry
  const ids = idsIn(detail)
  pause.dropped += numberIn(detail, 'count', ids.length)
  pause.messages.push(...ids.map(messageId => ({ messageId, atMs })))
  pause.steps.push(entry)
}

/** With its end, if its time has passed. */
function ended(pause: Pause, nowMs: number): Pause {
  const { endedAtMs, untilMs } = pause
  return endedAtMs === undefined && untilMs !== undefined && untilMs <= nowMs ? { ...pause, endedAtMs: untilMs } : pause
}

/** @param lives of the conversation's batches: a pause that collects counts those of their messages that came meanwhile */
export function withCollected(pauses: readonly Pause[], lives: readonly Life[]): Pause[] {
  const times = lives.flatMap(({ messages }) => messages.map(({ atMs }) => atMs))
  return pauses.map(pause =>
    pause.keep === 'collect'
      ? { ...pause, collected: times.filter(atMs => atMs >= pause.fromMs && atMs < endOf(pause)).length }
      : pause,
  )
}

/** When it has ended, or will end. `Infinity`: not known. */
export const endOf = ({ endedAtMs, untilMs }: Pause): number => endedAtMs ?? untilMs ?? Number.POSITIVE_INFINITY

/** Those that collect. */
export const collecting = (pauses: readonly Pause[]): Pause[] => pauses.filter(({ keep }) => keep === 'collect')

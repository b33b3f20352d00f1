/** The steps of the last day, as far back as the history goes. */
import type { HistoryEntry } from '../history/steps.js'
import { DAY_MS, span } from './finding.js'
import { HISTORY_READ, type Surroundings } from './surroundings.js'

export interface LastDay {
  /** Newest first. */
  steps: HistoryEntry[]
  /** `in the last day`, or how much of it the history holds. */
  within: string
  /** By Redis's clock. */
  nowMs: number
}

export async function lastDay(surroundings: Surroundings): Promise<LastDay> {
  const history = await surroundings.history()
  const nowMs = await surroundings.nowMs()
  const oldest = history.at(-1)
  const isWhole = history.length < HISTORY_READ || !oldest || nowMs - oldest.atMs >= DAY_MS
  const within = isWhole ? 'in the last day' : `in the last ${span(nowMs - oldest.atMs)} (the history holds no more)`
  return { steps: history.filter(({ atMs }) => nowMs - atMs < DAY_MS), within, nowMs }
}

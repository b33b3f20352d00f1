/** What a batch spent its time on: the stays of its draft, with the wait for its claim taken apart. */
import type { Draft, Place, Stay } from './draft.js'
import type { Phase, PhaseName } from './life.js'
import { OVERDUE_MS, type Release } from './release.js'

const GOING_ON: ReadonlySet<Place> = new Set(['waiting', 'claimed', 'answering', 'committed'])

const AFTER_CLAIM: Readonly<Partial<Record<Place, PhaseName>>> = {
  claimed: 'handover',
  answering: 'answering',
  committed: 'committed',
  dead: 'dead',
}

/**
 * @param releases of the stays in which it waited
 * @param nowMs ends the phase that goes on
 */
export function phasesOf(draft: Draft, releases: ReadonlyMap<Stay, Release>, nowMs: number): Phase[] {
  const phases: Phase[] = []
  const add = (name: PhaseName, fromMs: number, toMs: number) => {
    if (toMs > fromMs) phases.push({ name, fromMs, toMs })
  }
  draft.stays.forEach((stay, i) => {
    const next = draft.stays[i + 1]
    const endMs = next?.fromMs ?? Math.max(nowMs, stay.fromMs)
    const goesOn = next === undefined
    const name = AFTER_CLAIM[stay.place]
    const release = releases.get(stay)
    if (release) addWait(stay, release, i === 0 ? draft.lastAtMs : stay.fromMs, endMs, add)
    // Nothing goes on in a dead batch.
    else if (name && !(goesOn && stay.place === 'dead')) add(name, stay.fromMs, endMs)
  })
  const last = phases.at(-1)
  if (last && last.toMs === nowMs && GOING_ON.has(draft.place)) last.goesOn = true
  return phases
}

/** @param lastMs when the last message came */
function addWait(
  stay: Stay,
  { dueMs, couldGoMs }: Release,
  lastMs: number,
  endMs: number,
  add: (name: PhaseName, fromMs: number, toMs: number) => void,
): void {
  const last = Math.min(lastMs, endMs)
  const due = Math.min(dueMs, endMs)
  const could = Math.min(couldGoMs, endMs)
  add('collecting', stay.fromMs, last)
  add('quietGap', last, due)
  add('held', Math.max(due, last), could)
  const isOverdue = endMs - could >= OVERDUE_MS
  // Its claim may be on its way: until it is overdue, nothing is wrong.
  if (isOverdue || stay.couldGoMs !== undefined) add(isOverdue ? 'overdue' : 'waiting', Math.max(could, last), endMs)
}

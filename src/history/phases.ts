/** What a batch spent its time on: the stays of its draft, with the wait for its claim taken apart. */
import type { Draft, Place, Stay } from './draft.js'
import type { Phase, PhaseName } from './life.js'
import { endOf, type Pause } from './pauses.js'
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
 * @param pauses those that collected
 * @param nowMs ends the phase that goes on
 */
export function phasesOf(
  draft: Draft,
  releases: ReadonlyMap<Stay, Release>,
  pauses: readonly Pause[],
  nowMs: number,
): Phase[] {
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
    if (release) addWait({ stay, release, lastMs: i === 0 ? draft.lastAtMs : stay.fromMs, endMs, pauses }, add)
    // Nothing goes on in a dead batch.
    else if (name && !(goesOn && stay.place === 'dead')) add(name, stay.fromMs, endMs)
  })
  const last = phases.at(-1)
  if (last && last.toMs === nowMs && GOING_ON.has(draft.place)) last.goesOn = true
  return phases
}

interface Wait {
  stay: Stay
  release: Release
  /** When the last message came. */
  lastMs: number
  endMs: number
  pauses: readonly Pause[]
}

type Add = (name: PhaseName, fromMs: number, toMs: number) => void

function addWait({ stay, release: { dueMs, couldGoMs }, lastMs, endMs, pauses }: Wait, add: Add): void {
  const last = Math.min(lastMs, endMs)
  const due = Math.min(dueMs, endMs)
  const could = Math.min(couldGoMs, endMs)
  add('collecting', stay.fromMs, last)
  addSilence(last, due, pauses, add)
  add('held', Math.max(due, last), could)
  const isOverdue = endMs - could >= OVERDUE_MS
  // Its claim may be on its way: until it is overdue, nothing is wrong.
  if (isOverdue || stay.couldGoMs !== undefined) add(isOverdue ? 'overdue' : 'waiting', Math.max(could, last), endMs)
}

/** The silence after the last message, with the pauses in it. */
function addSilence(lastMs: number, dueMs: number, pauses: readonly Pause[], add: Add): void {
  let fromMs = lastMs
  for (const pause of pauses) {
    const [begins, ends] = [Math.max(pause.fromMs, fromMs), Math.min(endOf(pause), dueMs)]
    if (ends <= begins) continue
    add('quietGap', fromMs, begins)
    add('paused', begins, ends)
    fromMs = ends
  }
  add('quietGap', fromMs, dueMs)
}

import type { HistoryEntry } from '../../history/steps.js'
import type { Check } from '../check.js'
import { ago, counted, degraded, type Finding, named, ok } from '../finding.js'
import { lastDay } from '../last-day.js'

/** Newer messages supersede only what was released for one of these reasons. */
const SUPERSEDABLE: ReadonlySet<string> = new Set(['early', 'gap'])
/** With fewer batches a share says nothing. */
const FEWEST_BATCHES = 20
/** Above this share, more than every second run of a handler is for nothing. */
const MOST_SUPERSEDED = 0.5

const COMMIT =
  'let the handler call commit() before it sends (docs/library.md), or POST /batches/:batchId/commit; until then set LULL_ANSWERING=queue'

/** With `LULL_ANSWERING=supersede`: whether the workers commit, and whether most of their work is for nothing. */
export const commits: Check = {
  name: 'commits',
  look: async surroundings => {
    const { answering, earlyStartMs } = surroundings.config.rules
    if (answering === 'queue') return []
    const { steps, within, nowMs } = await lastDay(surroundings)
    const { begun, isEarlyUsed, committed, superseded, uncommitted } = ends(steps)
    const [last] = uncommitted
    if (last) return notCommitted(uncommitted, committed, `${within}, the last one ${ago(nowMs - last.atMs)}`)
    if (earlyStartMs > 0 && !isEarlyUsed)
      return degraded(
        'commits',
        `LULL_EARLY_START_MS=${earlyStartMs} is set here, and none of the last ${FEWEST_BATCHES} batches started early`,
        'restart the APIs and the processors with it: both need it',
      )
    const share = superseded / begun
    const says = `${counted(committed, 'answer was', 'answers were')} committed ${within}, ${superseded} of ${counted(begun, 'batch', 'batches')} superseded`
    if (begun < FEWEST_BATCHES || share <= MOST_SUPERSEDED) return ok('commits', says)
    const remedy =
      earlyStartMs > 0
        ? `raise LULL_EARLY_START_MS=${earlyStartMs}: people write again before their answer is ready`
        : 'raise LULL_QUIET_GAP_MS: people write again before their answer is ready'
    return degraded('commits', `${says} (${Math.round(share * 100)} %): the handler’s work on them was in vain`, remedy)
  },
}

function notCommitted(uncommitted: HistoryEntry[], committed: number, when: string): Finding {
  const answers = counted(uncommitted.length, 'answer was', 'answers were')
  const others = committed === 0 ? 'none was ever committed' : `${counted(committed, 'other was', 'others were')}`
  return degraded(
    'commits',
    `${answers} not committed ${when} (${named(uncommitted)}); ${others}: such a handler sends provisional answers too early, and superseded ones all the same`,
    COMMIT,
  )
}

/** @param steps newest first; batches whose claim is not among them are left out */
function ends(steps: HistoryEntry[]) {
  const reasons = new Map<string, string>()
  const committed = new Set<string>()
  let superseded = 0
  const uncommitted: HistoryEntry[] = []
  for (const entry of steps.toReversed()) {
    const { step, batchId, detail } = entry
    if (step === 'claimed') reasons.set(batchId, detail['reason'] ?? '')
    if (!SUPERSEDABLE.has(reasons.get(batchId) ?? '')) continue
    if (step === 'committed') committed.add(batchId)
    else if (step === 'superseded') superseded += 1
    else if (step === 'answered' && detail['outcome'] === 'completed' && !committed.has(batchId))
      uncommitted.unshift(entry)
  }
  const begun = [...reasons.values()].filter(reason => SUPERSEDABLE.has(reason))
  // One that was due while the answer before it was prepared does not start early.
  const isEarlyUsed = begun.length < FEWEST_BATCHES || begun.slice(-FEWEST_BATCHES).includes('early')
  return { begun: begun.length, isEarlyUsed, committed: committed.size, superseded, uncommitted }
}

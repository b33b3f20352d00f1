/**
 * What the checker goes by: what was sent, what handlers told and what was broken when; and the runs of handlers, made of
 * what they told.
 */
import type { Flush, SentMessage } from './clients.js'
import type { Told } from './told.js'

export interface Disturbance {
  /** The worker it touched; all of them if it is not named. */
  worker?: string
  kind: string
  fromMs: number
  toMs: number
}

export interface Evidence {
  rules: { quietGapMs: number; maxWaitMs: number; batchTtlMs: number; maxMessages: number; lockMs: number }
  sent: Map<string, SentMessage[]>
  flushes: Flush[]
  told: Told[]
  disturbances: Disturbance[]
}

export const VIOLATIONS = ['lost', 'invented', 'duplicated', 'out of order', 'overlap', 'split'] as const
export type ViolationKind = (typeof VIOLATIONS)[number]

export interface Violation {
  kind: ViolationKind
  conversationId: string
  what: string
}

export interface Run {
  run: string
  worker: string
  batchId: string
  conversationId: string
  releasedBy: string
  dueAtMs: number
  releasedAtMs: number
  messageIds: string[]
  beganAtMs: number
  /** For one that told of no end: when its worker was killed, or for ever. */
  endedAtMs: number
  result: 'done' | 'failed' | 'cut' | 'none'
}

/** A worker that has just woken may begin what it took before. */
export const WAKING_MS = 1500
/** In the order in which they began. */
export function runsFrom({ told, disturbances }: Pick<Evidence, 'told' | 'disturbances'>): Run[] {
  const runs = new Map<string, Run>()
  for (const line of told) {
    if (line.event === 'begin') {
      const { event: _event, atMs, ...about } = line
      runs.set(line.run, { ...about, beganAtMs: atMs, endedAtMs: Number.POSITIVE_INFINITY, result: 'none' })
      continue
    }
    const run = runs.get(line.run)
    if (run) Object.assign(run, { endedAtMs: line.atMs, result: line.result })
  }
  for (const run of runs.values()) {
    if (run.result !== 'none') continue
    const killed = disturbances.find(
      ({ kind, worker, fromMs }) => kind === 'kill' && worker === run.worker && fromMs >= run.beganAtMs,
    )
    if (killed) run.endedAtMs = killed.fromMs
  }
  return [...runs.values()].sort((a, b) => a.beganAtMs - b.beganAtMs)
}

/**
 * Whether a run's worker was out of touch for as long as a lock lasts, while it ran or until just before. One that was
 * killed was not: its runs ended there.
 */
export function wasAway(disturbances: Disturbance[], worker: string, run: Run, lockMs: number): boolean {
  return disturbances.some(
    ({ worker: touched, kind, fromMs, toMs }) =>
      (touched === undefined || touched === worker) &&
      kind !== 'kill' &&
      toMs - fromMs >= lockMs &&
      fromMs <= run.endedAtMs &&
      toMs + WAKING_MS >= run.beganAtMs,
  )
}

export const placeOf = (messageId: string) => Number(messageId.slice(messageId.lastIndexOf('-') + 1))

/** Node 20 has no Map.groupBy. */
export function grouped<T>(items: T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}

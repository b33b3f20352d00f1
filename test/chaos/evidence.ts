/**
 * The checker's evidence: what was sent, the handlers' log, and the times of the faults. The runs of handlers are made
 * from their log.
 */
import type { Flush, SentMessage } from './clients.js'
import type { HandlerEvent, RunResult } from './handler-log.js'
import type { Interventions } from './interventions.js'
import type { Answering } from './settings.js'

export interface Disturbance {
  /** The worker that was disturbed; absent: all of them. */
  worker?: string
  kind: string
  fromMs: number
  toMs: number
}

export interface Evidence {
  rules: {
    quietGapMs: number
    maxWaitMs: number
    batchTtlMs: number
    maxMessages: number
    lockMs: number
    answering: Answering
    /** With `supersede`. */
    earlyStartMs: number
    holdMs: number
    holdMaxMs: number
  }
  sent: Map<string, SentMessage[]>
  flushes: Flush[]
  interventions: Interventions
  events: HandlerEvent[]
  disturbances: Disturbance[]
}

export const VIOLATIONS = [
  'lost',
  'invented',
  'duplicated',
  'out of order',
  'overlap',
  'split',
  'committed twice',
  'committed early',
  'wrong again',
  'paused',
  'held',
] as const
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
  /** Without an end in the log: when its worker was killed, or never. */
  endedAtMs: number
  result: RunResult | 'none'
  /** When it first asked for its commit. */
  askedAtMs?: number
  /** How often it asked. */
  asked: number
  /** When it read that its commit was granted. */
  committedAtMs?: number
  /** Its commit said that the batch had been committed before. */
  again?: boolean
}

/** A worker that has just woken up may begin a job that it took before. */
export const WAKING_MS = 1500

/** The runs in the order in which they began. */
export function runsFrom({ events, disturbances }: Pick<Evidence, 'events' | 'disturbances'>): Run[] {
  const runs = new Map<string, Run>()
  for (const line of events) {
    if (line.event === 'begin') {
      const { event: _event, atMs, ...about } = line
      runs.set(line.run, { ...about, beganAtMs: atMs, endedAtMs: Number.POSITIVE_INFINITY, result: 'none', asked: 0 })
      continue
    }
    const run = runs.get(line.run)
    if (!run) continue
    if (line.event === 'end') Object.assign(run, { endedAtMs: line.atMs, result: line.result })
    else if (line.event === 'ask') Object.assign(run, { askedAtMs: run.askedAtMs ?? line.atMs, asked: run.asked + 1 })
    else Object.assign(run, { committedAtMs: line.atMs, again: line.again })
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
 * Whether a run's worker was frozen or disconnected for as long as a lock lasts, during the run or until just before. A
 * kill does not count: the worker's runs ended with it.
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

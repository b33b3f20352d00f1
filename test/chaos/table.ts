/** The result of a run as a table. */
import type { Commits, Verdict } from './checker.js'
import type { Traffic } from './clients.js'
import { VIOLATIONS } from './evidence.js'
import type { Answering } from './settings.js'

const SHOWN = 20

export interface Findings {
  answering: Answering
  verdict: Verdict
  traffic: Traffic
  /** How often each kind of fault happened. */
  faults: Map<string, number>
  /** How often this machine stalled. */
  stalls: number
  misbehaved: string[]
  dead: unknown[]
}

export function table({ answering, verdict, traffic, faults, stalls, misbehaved, dead }: Findings): string {
  const { answers } = traffic
  const rows: [string, string][] = [
    ['answering', answering],
    ['messages', `${verdict.messages} of ${verdict.conversations} conversations`],
    [
      'requests',
      `${answers.accepted} answered 200 (${answers.resent} needlessly sent again); others: ${listed(answers.refused)}`,
    ],
    [
      'interventions',
      `${traffic.interventions.changes.length} changes of settings, ${traffic.interventions.pauses.length} pauses, ${traffic.interventions.holds.length} holds; ${verdict.discarded} messages discarded`,
    ],
    ['faults', `${listed(faults)}; the machine itself stalled ${stalls} times`],
    ['batches', `${verdict.batches}, in ${verdict.runs} runs of a handler; released by ${listed(verdict.releasedBy)}`],
    [
      'late',
      `p50 ${at(verdict.lateMs, 0.5)}, p99 ${at(verdict.lateMs, 0.99)}, max ${at(verdict.lateMs, 1)} (by gap or max wait)`,
    ],
    [
      'allowed',
      `${verdict.again} batches came again after a fault, ${verdict.excused} overlaps with a disconnected worker`,
    ],
    ...(answering === 'supersede' ? commitRows(verdict.commits) : []),
    ...VIOLATIONS.map((kind): [string, string] => [
      kind,
      String(verdict.violations.filter(violation => violation.kind === kind).length),
    ]),
    ['dead', String(dead.length)],
    ['misbehaved', String(misbehaved.length)],
  ]
  const shown = [
    ...verdict.violations
      .slice(0, SHOWN)
      .map(({ kind, conversationId, what }) => `${kind}: ${conversationId}: ${what}`),
    ...misbehaved.slice(0, SHOWN),
  ]
  return [
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(15)} ${value}`),
    ...(shown.length > 0 ? ['', ...shown] : []),
    '',
  ].join('\n')
}

function commitRows({ afresh, again, lateMs, superseded, wastedMs }: Commits): [string, string][] {
  return [
    ['commits', `${afresh} batches, ${again} once more after a fault`],
    [
      'commit late',
      `p50 ${at(lateMs, 0.5)}, p99 ${at(lateMs, 0.99)}, max ${at(lateMs, 1)} (after it was due and asked for)`,
    ],
    ['superseded', `${superseded} runs, ${(wastedMs / 1000).toFixed(1)} s of work in vain`],
  ]
}

const listed = (counts: Map<string, number>) =>
  [...counts].map(([name, count]) => `${name} ${count}`).join(', ') || 'none'

const at = (sorted: number[], share: number) =>
  sorted.length === 0 ? 'none' : `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]} ms`

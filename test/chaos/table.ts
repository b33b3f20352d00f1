/** The result of a run as a table. */
import type { Verdict } from './checker.js'
import type { Traffic } from './clients.js'
import { VIOLATIONS } from './evidence.js'

const SHOWN = 20

export interface Findings {
  verdict: Verdict
  traffic: Traffic
  /** How often each kind of fault happened. */
  faults: Map<string, number>
  /** How often this machine stalled. */
  stalls: number
  misbehaved: string[]
  dead: unknown[]
}

export function table({ verdict, traffic, faults, stalls, misbehaved, dead }: Findings): string {
  const { answers } = traffic
  const rows: [string, string][] = [
    ['messages', `${verdict.messages} of ${verdict.conversations} conversations`],
    [
      'requests',
      `${answers.accepted} answered 200 (${answers.resent} needlessly sent again); others: ${listed(answers.refused)}`,
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
    ...rows.map(([name, value]) => `  ${name.padEnd(13)} ${value}`),
    ...(shown.length > 0 ? ['', ...shown] : []),
    '',
  ].join('\n')
}

const listed = (counts: Map<string, number>) =>
  [...counts].map(([name, count]) => `${name} ${count}`).join(', ') || 'none'

const at = (sorted: number[], share: number) =>
  sorted.length === 0 ? 'none' : `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]} ms`

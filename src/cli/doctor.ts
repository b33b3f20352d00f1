/** `lull doctor`: one line a finding, and under it what to do. */
import type { Config } from '../config.js'
import { examine } from '../doctor/doctor.js'
import { type Finding, type Verdict, wrong } from '../doctor/finding.js'
import { explain } from './explain.js'
import { jsonLine, oneLine } from './show/escape.js'
import { type Paint, paintFor } from './show/paint.js'
import { print } from './show/print.js'

/** Something is wrong: the findings say what. */
export class Unwell extends Error {
  override name = 'Unwell'
}

/**
 * Prints all findings.
 * @throws {Unwell} if one of them is wrong
 */
export async function doctor(config: Config, { json = false }: { json?: boolean }): Promise<void> {
  const findings = await examine(config).catch((error): Finding[] => [
    wrong('redis', oneLine(explain(error)), 'until then nothing else can be checked'),
  ])
  const failed = findings.filter(({ verdict }) => verdict === 'wrong')
  const paint = paintFor(process.stdout)
  const text = json
    ? jsonLine({ ok: failed.length === 0, findings })
    : findings.map(finding => linesOf(finding, paint)).join('\n')
  print(text)
  if (failed.length > 0)
    throw new Unwell(
      `${failed.length} of ${findings.length} checks failed (${failed.map(({ check }) => check).join(', ')})`,
    )
}

const MARKS: Record<Verdict, [mark: string, colour: Parameters<Paint>[0]]> = {
  ok: ['✓', 'green'],
  degraded: ['!', 'yellow'],
  wrong: ['✗', 'red'],
}

function linesOf({ verdict, says, details = [], remedy }: Finding, paint: Paint): string {
  const [mark, colour] = MARKS[verdict]
  return [
    `${paint(colour, mark)} ${oneLine(says)}`,
    ...details.map(detail => `    ${oneLine(detail)}`),
    ...(remedy === undefined ? [] : [`  → ${oneLine(remedy)}`]),
  ].join('\n')
}

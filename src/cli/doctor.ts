/** `lull doctor`: one line a finding, and under it what to do. */
import type { Config } from '../config.js'
import { examine } from '../doctor/doctor.js'
import { type Finding, type Verdict, wrong } from '../doctor/finding.js'
import { explain, oneLine } from './explain.js'
import { type Paint, paintFor } from './show/paint.js'

/** Something is wrong: the findings say what. */
export class Unwell extends Error {
  override name = 'Unwell'
}

/**
 * Prints all findings.
 * @throws {Unwell} where one of them is wrong
 */
export async function doctor(config: Config, { json = false }: { json?: boolean }): Promise<void> {
  const findings = await examine(config).catch((error): Finding[] => [
    wrong('redis', oneLine(explain(error)), 'until then nothing else can be checked'),
  ])
  const failed = findings.filter(({ verdict }) => verdict === 'wrong')
  const paint = paintFor(process.stdout)
  const text = json
    ? JSON.stringify({ ok: failed.length === 0, findings })
    : findings.map(finding => linesOf(finding, paint)).join('\n')
  process.stdout.write(`${text}\n`)
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
  // Names, ids and errors in it are a stranger's: they must not move the cursor.
  return [
    `${paint(colour, mark)} ${oneLine(says)}`,
    ...details.map(detail => `    ${oneLine(detail)}`),
    ...(remedy === undefined ? [] : [`  → ${oneLine(remedy)}`]),
  ].join('\n')
}

/** Results as Markdown tables, which are readable on a terminal too. */
import { median, type Result, ratio, shown } from './figures.js'

export function tableOf({ title, about, columns, rows, against, aims }: Result): string {
  const head = ['', ...columns.flatMap(({ title, ratio }) => [title, ...(ratio ? [`: ${against}`] : [])])]
  const body = rows.map(({ name, figures }) => [
    name,
    ...columns.flatMap(({ key, digits, ratio: wanted }) => [
      cell(figures[key] ?? [], digits),
      ...(wanted ? [name === against ? '1' : shown(ratio(rows, name, against, key), 2)] : []),
    ]),
  ])
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [
    `### ${title}`,
    '',
    about,
    '',
    line(head),
    line(head.map((_, i) => (i === 0 ? '---' : '--:'))),
    ...body.map(line),
    '',
    ...aims.map(({ text, found, met }) => `- ${met ? 'met' : '**missed**'}: ${text}: ${found}`),
    '',
  ].join('\n')
}

/** The median of all rounds, with their minimum and maximum. */
function cell(values: number[], digits = 0): string {
  if (values.length === 0 || values.every(Number.isNaN)) return '–'
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const middle = shown(median(values), digits)
  return values.length === 1 || least === most ? middle : `${middle} (${shown(least, digits)}–${shown(most, digits)})`
}

/** The results that are printed and drawn: for each row one figure a round. */

export interface Column {
  key: string
  title: string
  /** Decimal places; 0. */
  digits?: number
  /** Whether the ratio to `against` is shown. */
  ratio?: boolean
}

export interface Row {
  name: string
  /** By the column's key, one figure a round. */
  figures: Record<string, number[]>
}

export interface Aim {
  text: string
  found: string
  met: boolean
}

export interface Result {
  id: string
  title: string
  /** What was measured, in a sentence or two. */
  about: string
  columns: Column[]
  rows: Row[]
  /** The row that ratios are relative to. */
  against: string
  aims: Aim[]
  /** The column that is drawn. */
  draw: { key: string; unit: string; log?: boolean }
}

export const median = (values: number[]): number => at(values, 0.5)

/** The percentile `share` (0 to 1), by nearest rank. */
export function at(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** The row's figures, one for each round. */
export function figuresOf(rows: Row[], name: string, key: string): number[] {
  return rows.find(row => row.name === name)?.figures[key] ?? []
}

/** The median of the rounds' ratios. */
export function ratio(rows: Row[], name: string, to: string, key: string): number {
  const base = figuresOf(rows, to, key)
  return median(figuresOf(rows, name, key).map((figure, i) => figure / (base[i] ?? Number.NaN)))
}

/** Collects rounds into rows, in the order of the names' first appearance. */
export class Rows {
  readonly rows: Row[] = []

  add(name: string, figures: Record<string, number>): void {
    let row = this.rows.find(known => known.name === name)
    if (!row) {
      row = { name, figures: {} }
      this.rows.push(row)
    }
    for (const [key, value] of Object.entries(figures)) {
      row.figures[key] ??= []
      row.figures[key].push(value)
    }
  }
}

/** Formats a figure: `1,234`, `0.42`. */
export const shown = (value: number, digits = 0): string =>
  Number.isFinite(value)
    ? value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
    : '–'

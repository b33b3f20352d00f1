/** What a check of `lull doctor` has found: one line, and what to do about it where there is something to do. */

/** `degraded`: it works all the same, less well or with less to see. */
export type Verdict = 'ok' | 'degraded' | 'wrong'

export interface Finding {
  /** The check's name, for machines: it stays. */
  check: string
  verdict: Verdict
  says: string
  /** What it says in more than one line, a line each. */
  details?: string[]
  remedy?: string
}

export const ok = (check: string, says: string): Finding => ({ check, verdict: 'ok', says })

export const degraded = (check: string, says: string, remedy: string): Finding => ({
  check,
  verdict: 'degraded',
  says,
  remedy,
})

export const wrong = (check: string, says: string, remedy: string): Finding => ({
  check,
  verdict: 'wrong',
  says,
  remedy,
})

/** `1 batch`, `2 batches` */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`

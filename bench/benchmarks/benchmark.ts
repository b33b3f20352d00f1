/** A benchmark measures by a plan, and returns results. */
import type { Result } from '../figures.js'
import { LULL } from '../peers/all.js'
import type { Settings } from '../peers/peer.js'

export interface Plan {
  quick: boolean
  rounds: number
  postgres: string | undefined
  say(text: string): void
}

export type Benchmark = (plan: Plan) => Promise<Result[]>

export const HOUR_MS = 3_600_000

export const settingsFor = (redis: string, more: Partial<Settings> = {}): Settings => ({
  redis,
  gapMs: 1000,
  concurrency: 100,
  leaseMs: 30_000,
  ...more,
})

/**
 * The order of the peers in a round. Each round begins with another peer, so that none always gets the better moments.
 */
export function turns<T>(names: T[], round: number): T[] {
  const from = round % names.length
  return [...names.slice(from), ...names.slice(0, from)]
}

export { LULL }

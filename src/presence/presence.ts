/**
 * What a process says of itself, for `lull doctor`: which settings it runs with and since when, and, if it takes webhooks,
 * which it has refused. Processes that "see different data" are told apart by it. Never a secret.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Config, variableOf } from '../config.js'

const settingValue = z.union([z.string(), z.number(), z.boolean()])

export const presenceSchema = z.object({
  role: z.string(),
  version: z.string(),
  /** By the process's own clock. */
  startedAtMs: z.number(),
  /** A digest of `settings`: two processes with the same one run alike. */
  fingerprint: z.string(),
  /** Random, and in the header of its answers: so is an API that answers somewhere found among those that stand here. */
  mark: z.string().optional(),
  /** By the environment's names. */
  settings: z.record(z.string(), settingValue),
  /** Since the start; the last one's time. */
  refused: z
    .array(z.object({ provider: z.string(), reason: z.string(), count: z.number(), lastAtMs: z.number() }))
    .default([]),
})

export type Presence = z.infer<typeof presenceSchema>
export type Settings = Presence['settings']

/** The settings that all processes of one system have to share; where they stand (Redis, prefix) shows by itself. */
export function sharedSettings({ rules, batching, handover }: Config): Settings {
  const ofRules = Object.entries(rules).map(([name, value]) => [variableOf(name), value] as const)
  return {
    ...Object.fromEntries(ofRules),
    LULL_BATCHING: batching ? 'on' : 'off',
    LULL_HANDOVER: handover.kind,
    ...handover.shared,
  }
}

export function fingerprintOf(settings: Settings): string {
  return digest(JSON.stringify(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1))))
}

/** The header in which an API gives its `mark`. */
export const MARK_HEADER = 'X-Lull-Mark'

const DIGEST_LENGTH = 8

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, DIGEST_LENGTH)

/**
 * A process's presence: what it publishes about itself for `lull doctor` and the page. It says which settings the
 * process runs with and since when, and which webhooks an API has refused. If two processes "see different data", their
 * presences show why. It holds no secret.
 *
 *   publish.ts    a role publishes its presence when it starts, and withdraws it when it stops
 *   processes.ts  keeps presences in Redis, and removes those of killed processes
 *   read.ts       reads them for doctor, which compares them with connected clients and its own settings, and for the
 *                 page
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Config, variableOf } from '../config.js'

const settingValue = z.union([z.string(), z.number(), z.boolean()])

/** Who may post webhooks to an API process: see webhook/authenticate.ts. */
export const webhookTrustSchema = z.object({
  /** Others than programs on this machine reach it. */
  exposed: z.boolean(),
  /** The providers that have a secret. */
  signed: z.array(z.string()),
  /** The providers whose webhooks are accepted without a signature. */
  unsigned: z.array(z.string()),
  /** Somebody named them; else they are accepted only from this machine, and only while no provider has a secret. */
  named: z.boolean(),
})

export type WebhookTrust = z.infer<typeof webhookTrustSchema>

export const presenceSchema = z.object({
  role: z.string(),
  version: z.string(),
  /** By the process's clock. */
  startedAtMs: z.number(),
  /** A digest of `settings`: equal in processes with equal settings. */
  fingerprint: z.string(),
  /**
   * Random. An API sends it in the header `MARK_HEADER`, so that doctor can tell which process answers at an address.
   */
  mark: z.string().optional(),
  /** By variable name. */
  settings: z.record(z.string(), settingValue),
  /** Of an API. */
  trust: webhookTrustSchema.optional(),
  /** Webhooks refused since the start; `lastAtMs` is the time of the last one. */
  refused: z
    .array(z.object({ provider: z.string(), reason: z.string(), count: z.number(), lastAtMs: z.number() }))
    .default([]),
})

export type Presence = z.infer<typeof presenceSchema>
export type Settings = Presence['settings']

/**
 * The settings that must be equal in all processes of a system. Redis and prefix are not among them: they differ
 * visibly.
 */
export function sharedSettings({ rules, batching, handover, partitions, waitReplicas }: Config): Settings {
  const ofRules = Object.entries(rules).map(
    ([name, value]) => [variableOf(name), typeof value === 'object' ? value.join(',') : value] as const,
  )
  return {
    ...Object.fromEntries(ofRules),
    LULL_BATCHING: batching ? 'on' : 'off',
    ...(partitions === undefined ? {} : { LULL_PARTITIONS: partitions }),
    LULL_WAIT_REPLICAS: waitReplicas,
    LULL_HANDOVER: handover.kind,
    ...handover.shared,
  }
}

export function fingerprintOf(settings: Settings): string {
  return digest(JSON.stringify(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1))))
}

/** The response header with an API's `mark`. */
export const MARK_HEADER = 'X-Lull-Mark'

const DIGEST_LENGTH = 8

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, DIGEST_LENGTH)

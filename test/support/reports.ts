/** What must come out of the reported bodies in test/fixtures/reports. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'

const reportShape = z.object({
  provider: z.string(),
  contentType: z.string(),
  messages: z.array(z.record(z.string(), z.unknown())),
  ignored: z.array(z.object({ messageId: z.string(), reason: z.string() })),
  source: z.string(),
  /** Where the body is posted to; by default the provider's batched route. */
  path: z.string().optional(),
  /** A field that is this long in the wild. */
  inflate: z.object({ at: z.array(z.string()), bytes: z.number() }).optional(),
  /** How many batches come of it. */
  batches: z.number().optional(),
  /** Message ids that no batch may hold. */
  absent: z.array(z.string()).optional(),
  waitMs: z.number().optional(),
  /** Settings that the case needs: `OWN` is LULL_ON_OWN_MESSAGE. */
  env: z.object({ OWN: z.string().optional() }).optional(),
})

export type Report = z.infer<typeof reportShape>

export const reports: Record<string, Report> = z
  .record(z.string(), reportShape)
  .parse(JSON.parse(readFileSync(new URL('../fixtures/reports/expected.json', import.meta.url), 'utf8')))

/** A handover of the tests' own, in one file as all are: batches go into a list of its own, by subject. */
import { z } from 'zod'
import type { Batch } from '../../../src/batch.js'
import { setting, text, whole } from '../../../src/config/setting.js'
import { handoverKind } from '../../../src/handover/kind.js'

export const delivered: { subject: string; batch: Batch }[] = []

export const toyKind = handoverKind({
  name: 'toy',
  whatHappens: 'rolls down the marble run LULL_TOY_SUBJECT',
  remedy: 'look under the sofa',
  settings: z.object({
    subject: setting('LULL_TOY_SUBJECT', 'The marble run.', text(/^\w+$/, 'must be one word')),
    marbles: setting('LULL_TOY_MARBLES', 'How many marbles roll at once.', whole(1, 9, 3)),
  }),
  shared: ['subject'],
  lacks: ({ subject }) => (subject === undefined ? 'LULL_TOY_SUBJECT is missing: name a marble run' : undefined),
  make: async ({ subject = '', marbles }) => ({
    kind: 'toy',
    batchesPerCall: 1,
    concurrency: marbles,
    async start() {},
    async handOver(items) {
      for (const { batch } of items) delivered.push({ subject, batch })
      return items.map(() => ({ result: 'answered', outcome: 'completed' }))
    },
    async stop() {},
  }),
})

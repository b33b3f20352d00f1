/** Parses a job of the queue as a batch. Other programs may write to the queue too, so the data is checked. */
import { z } from 'zod'
import type { Batch } from '../batch.js'
import { isErased } from '../handover/answered-texts.js'

/** The fields that tell a batch of version 1 from a foreign job. The other fields are trusted, and so is `meta`. */
const envelope = z.object({
  version: z.literal(1),
  batchId: z.string().min(1),
  conversationId: z.string().min(1),
  messages: z.array(z.object({ messageId: z.string() })).min(1),
  text: z.string(),
  releasedBy: z.string(),
})

const isBatch = <Meta>(data: unknown): data is Batch<Meta> => envelope.safeParse(data).success

/**
 * @param queue its name, if it is known
 * @throws {TypeError} one line that says why the job is no batch, and the remedy
 */
export function batchFrom<Meta = unknown>(
  job: { id?: string | undefined; name: string; data: unknown },
  queue?: string,
): Batch<Meta> {
  const { data } = job
  if (isBatch<Meta>(data)) return data
  if (isErased(data))
    throw new TypeError(
      `job ${job.id ?? ''} cannot be tried again: it was completed, and its messages are erased then: set LULL_JOB_TEXTS=keep`,
    )
  const { version } = z.looseObject({ version: z.unknown() }).safeParse(job.data).data ?? {}
  const remedy =
    typeof version === 'number' && version > 1
      ? `it is of version ${version}: update this worker`
      : 'another program writes to this queue: set LULL_QUEUE to a queue of Lull’s own'
  throw new TypeError(
    `job ${job.id ?? ''} (${job.name}) ${queue === undefined ? '' : `of queue ${queue} `}is no batch of version 1: ${remedy}`,
  )
}

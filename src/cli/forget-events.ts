/**
 * The queue's event stream, in which BullMQ keeps about 10,000 events of all jobs: `failedReason`, `returnvalue` and
 * `progress` of a removed job stay there until newer events push them out.
 */
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'

const EVENTS_A_READ = 1000
/** A processor may still have to read it; it has no text. */
const REMOVED = 'removed'

/** Deletes the events of these jobs, up to the newest event at the moment of the call. */
export async function forgetEvents(client: Redis, { keys }: Queue, jobIds: ReadonlySet<string>): Promise<void> {
  const key = keys['events'] ?? ''
  const [newest] = await client.xrevrange(key, '+', '-', 'COUNT', 1)
  if (!newest || jobIds.size === 0) return
  for (let from = '-'; ; ) {
    const events = await client.xrange(key, from, newest[0], 'COUNT', EVENTS_A_READ)
    const found = events.filter(([, fields]) => isOf(fields, jobIds)).map(([id]) => id)
    if (found.length > 0) await client.xdel(key, ...found)
    const last = events.at(-1)
    if (!last || events.length < EVENTS_A_READ) return
    from = `(${last[0]}`
  }
}

function isOf(fields: string[], jobIds: ReadonlySet<string>): boolean {
  let isRemoved = false
  let isTheirs = false
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === 'event') isRemoved = fields[i + 1] === REMOVED
    if (fields[i] === 'jobId') isTheirs = jobIds.has(fields[i + 1] ?? '')
  }
  return isTheirs && !isRemoved
}

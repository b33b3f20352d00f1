/** `lull dead`: lists the batches whose handover failed for good. `redrive.ts` and `discard.ts` end that. */
import type { Batcher } from '../batcher.js'
import type { Config } from '../config.js'
import { counted } from '../doctor/finding.js'
import type { DeadBatch } from '../store/store.js'
import { jsonLine, oneLine } from './show/escape.js'
import { messages } from './show/words.js'
import { withBatcher } from './with-batcher.js'

/** Dead batches that one command reads. Run it again for the rest. */
export const MOST_READ = 10_000

/** Resolves to one line a batch, the oldest first; as JSON, one object a line. */
export function dead(config: Config, { json = false }: { json?: boolean }): Promise<string> {
  return withBatcher(config, 'dead', async batcher => {
    const all = await oldestFirst(batcher)
    if (json) return all.map(jsonLine).join('\n')
    if (all.length === 0) return 'no dead batches'
    const more = all.length === MOST_READ ? ' (and there are more)' : ''
    return [...all.map(line), `${deadBatches(all.length)}${more}: lull dead redrive|discard <batchId|--all>`].join('\n')
  })
}

/** In the order of death. The batches of one conversation die one after the other, so this is their order too. */
export async function oldestFirst(batcher: Batcher): Promise<DeadBatch[]> {
  return (await batcher.dead(MOST_READ)).reverse()
}

function line({ batchId, conversationId, attempts, error, diedAtMs, batch }: DeadBatch): string {
  const when = new Date(diedAtMs).toISOString()
  const tried = counted(attempts, 'attempt')
  return oneLine(`${batchId}  ${when}  ${tried}  ${messages(batch.messages.length)}  ${conversationId}  ${error}`)
}

export const deadBatches = (count: number) => counted(count, 'dead batch', 'dead batches')

/** Dead batches, by hand: which there are, and to hand them over again. */
import type { Batcher } from '../batcher.js'
import type { Config } from '../config.js'
import type { DeadBatch } from '../store/store.js'
import { messages, NothingDone, withBatcher } from './by-hand.js'
import { oneLine } from './explain.js'

/** Dead batches that one command looks at; what is beyond that, the next one does. */
const LOOKED_AT = 10_000
/** Batches of one conversation that go back together. */
const REDRIVEN_TOGETHER = 1000

/** Resolves to one line a batch, the oldest first; as JSON, one object a line. */
export function dead(config: Config, { json = false }: { json?: boolean }): Promise<string> {
  return withBatcher(config, 'dead', async batcher => {
    const all = await oldestFirst(batcher)
    if (json) return all.map(batch => JSON.stringify(batch)).join('\n')
    if (all.length === 0) return 'no dead batches'
    const more = all.length === LOOKED_AT ? ' (and there are more)' : ''
    return [...all.map(line), `${batches(all.length)}${more}: lull dead redrive <batchId|--all>`].join('\n')
  })
}

/**
 * Resolves to what happened, in one line.
 * @throws {NothingDone} where no dead batch has that id
 */
export function redrive(config: Config, batchId: string): Promise<string> {
  return withBatcher(config, 'dead', async batcher => {
    const redriven = await batcher.redrive(batchId)
    if (redriven === undefined) throw new NothingDone(`no dead batch has the id ${batchId}: lull dead lists them`)
    return `batch ${batchId} of ${redriven.conversationId} is handed over again`
  })
}

/** All of them, those of a conversation in the order in which they were first handed over. */
export function redriveAll(config: Config): Promise<string> {
  return withBatcher(config, 'dead', async batcher => {
    let count = 0
    let left = 0
    for (const group of byConversation(await oldestFirst(batcher))) {
      const [first, ...following] = group.map(({ batchId }) => batchId)
      const together = following.slice(0, REDRIVEN_TOGETHER - 1)
      const redriven = first !== undefined && (await batcher.redrive(first, ...together))
      const moved = redriven ? 1 + together.length : 0
      count += moved
      left += group.length - moved
    }
    // Too many of one conversation to go together, and the later ones must not overtake; or somebody else redrives, too.
    const again = left === 0 ? '' : `; ${batches(left)} left: run it again when these are answered`
    return count + left === 0 ? 'no dead batches' : `${batches(count)} handed over again${again}`
  })
}

/** By death: a conversation's batches die one after the other, in their order. */
async function oldestFirst(batcher: Batcher): Promise<DeadBatch[]> {
  return (await batcher.dead(LOOKED_AT)).reverse()
}

function byConversation(all: DeadBatch[]): DeadBatch[][] {
  const conversations = new Map<string, DeadBatch[]>()
  for (const batch of all) {
    const others = conversations.get(batch.conversationId)
    if (others) others.push(batch)
    else conversations.set(batch.conversationId, [batch])
  }
  return [...conversations.values()]
}

/** What a stranger wrote (ids, a receiver's words) must not move the terminal's cursor. */
function line({ batchId, conversationId, attempts, error, diedAtMs, batch }: DeadBatch): string {
  const when = new Date(diedAtMs).toISOString()
  const tried = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`
  return oneLine(`${batchId}  ${when}  ${tried}  ${messages(batch.messages.length)}  ${conversationId}  ${error}`)
}

const batches = (count: number) => `${count} dead ${count === 1 ? 'batch' : 'batches'}`

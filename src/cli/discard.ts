/** `lull dead discard`: erases dead batches. */
import type { Config } from '../config.js'
import { deadBatches, MOST_READ, oldestFirst } from './dead.js'
import { NothingDone } from './nothing-done.js'
import { inert } from './show/escape.js'
import { withBatcher } from './with-batcher.js'

/**
 * Resolves to what happened, in one line.
 * @throws {NothingDone} if no dead batch has that id
 */
export function discard(config: Config, batchId: string): Promise<string> {
  return withBatcher(config, 'dead', async batcher => {
    const count = await batcher.discardDead(batchId)
    if (count === 0) throw new NothingDone(inert(`no dead batch has the id ${batchId}: lull dead lists them`))
    return inert(`batch ${batchId} is discarded`)
  })
}

export function discardAll(config: Config): Promise<string> {
  return withBatcher(config, 'dead', async batcher => {
    let count = 0
    let read: number
    do {
      const dead = await oldestFirst(batcher)
      read = dead.length
      count += await batcher.discardDead(...dead.map(({ batchId }) => batchId))
    } while (read === MOST_READ)
    return count === 0 ? 'no dead batches' : `${deadBatches(count)} discarded`
  })
}

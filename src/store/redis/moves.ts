/**
 * A partition's part in moving a conversation into another partition. No script reaches two partitions, so it takes
 * three:
 *
 *   begin    in the partition of `from`: takes the open batch and what is known of the conversation out, and keeps them
 *            as a move, which holds the conversation
 *   take in  in the partition of `into`: merges them with what is there, once for each move
 *   end      in the partition of `from` again: erases the move, and frees the conversation
 *
 * Each can be repeated, and whoever repeats them from the first on finishes what another process has left. A move is
 * found by the next `begin` of its conversation, and by the answer checks of its partition's claims.
 */
import { ALIAS_TTL_MS } from '../alias-ttl.js'
import type { Keys } from './keys.js'
import type { RedisLink } from './link.js'
import type { Move, Taken } from './move.js'
import type { Scripts } from './scripts.js'

export interface RedisMovesParts {
  link: RedisLink
  keys: Keys
  /** Runs a script that counts when enough replicas have what it wrote. */
  run<Reply>(
    work: (scripts: Scripts) => Promise<Reply>,
    about: { conversationId: string; into?: string },
  ): Promise<Reply>
  scripts: Scripts
  newBatchId: () => string
}

/** As long as a person's ids are known: whoever takes something in again is late by far less. */
const KEPT_MS = ALIAS_TTL_MS

export class RedisMoves {
  constructor(private readonly parts: RedisMovesParts) {}

  /** @returns `undefined` if there is nothing to move */
  begin(from: string, into: string, moveId: string): Promise<Move | 'later' | undefined> {
    return this.began(from, into, moveId)
  }

  /** A move of this conversation that has begun. */
  async begun(from: string): Promise<Move | undefined> {
    const move = await this.began(from, '', '')
    return move === 'later' ? undefined : move
  }

  takeIn(move: Move): Promise<Taken | 'later'> {
    const { run, newBatchId } = this.parts
    return run(
      async scripts => {
        const taken = await scripts.takeIn(move, newBatchId(), KEPT_MS)
        return taken === 'later' ? taken : { moved: taken[0], batchId: taken[1] }
      },
      { conversationId: move.into },
    )
  }

  /** Nothing of this move is taken in any more. */
  async refuse(moveId: string): Promise<void> {
    const { link, keys } = this.parts
    await link.write(() => link.client.set(keys.moved(moveId), '0 ', 'PX', KEPT_MS, 'NX'))
  }

  async end(move: Move, { batchId }: Taken): Promise<void> {
    const { link, scripts } = this.parts
    await link.write(() => scripts.endMove(move, batchId), { conversationId: move.from })
  }

  private began(from: string, into: string, moveId: string): Promise<Move | 'later' | undefined> {
    return this.parts.run(
      async scripts => {
        const reply = await scripts.beginMove(from, into, moveId)
        if (reply === null) return undefined
        if (reply === 'later') return reply
        const [id, to, moving, hadBegun] = reply
        return { id, from, into: to, moving, hadBegun: hadBegun === 1 }
      },
      { conversationId: from },
    )
  }
}

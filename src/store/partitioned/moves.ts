/**
 * Two conversations of one person in different partitions become one, in the steps of `redis/moves.ts`. If the process
 * dies between two of them, the next merge or the claims of the partition go on from there.
 */
import type { Logger } from '../../logger.js'
import { isMove, newMoveId } from '../batch-id.js'
import type { ClaimResult } from '../claims.js'
import type { MergeResult } from '../people.js'
import type { Move } from '../redis/move.js'
import type { RedisStore } from '../redis/store.js'

/** One that another process has begun, and the one that was asked for. */
const MOST_MOVES = 2

export interface MovesParts {
  partitionOf(conversationId: string): number
  storeOf(conversationId: string): RedisStore
  log: Logger
}

export class Moves {
  private readonly finishing = new Set<Promise<void>>()

  constructor(private readonly parts: MovesParts) {}

  async merge(from: string, into: string): Promise<MergeResult> {
    const { moves } = this.parts.storeOf(from)
    const id = newMoveId(this.parts.partitionOf(from))
    for (let i = 0; i < MOST_MOVES; i++) {
      const move = await moves.begin(from, into, id)
      if (move === undefined || move === 'later') return move
      const moved = await this.finish(move)
      if (moved === 'later') return moved
      if (!move.hadBegun) return moved === 0 ? undefined : moved
    }
    return 'later'
  }

  /** Takes the moves out of the checks of a claim, and finishes them beside the caller. */
  takeFrom(result: ClaimResult): ClaimResult {
    if (!result.checks.some(({ batchId }) => isMove(batchId))) return result
    for (const { batchId, conversationId } of result.checks) if (isMove(batchId)) this.finishBegun(conversationId)
    return { ...result, checks: result.checks.filter(({ batchId }) => !isMove(batchId)) }
  }

  /** Resolves when no move is being finished beside a caller. */
  async idle(): Promise<void> {
    await Promise.all(this.finishing)
  }

  private finishBegun(from: string): void {
    const work = async () => {
      try {
        const move = await this.parts.storeOf(from).moves.begun(from)
        if (move) await this.finish(move)
      } catch (error) {
        this.parts.log.warn(
          { err: error, conversationId: from },
          'a conversation has not moved to the person’s other one yet: a later claim tries again',
        )
      }
    }
    const finishing = work().finally(() => this.finishing.delete(finishing))
    this.finishing.add(finishing)
  }

  private async finish(move: Move): Promise<number | 'later'> {
    const taken = await this.parts.storeOf(move.into).moves.takeIn(move)
    if (taken === 'later') return taken
    await this.parts.storeOf(move.from).moves.end(move, taken)
    return taken.moved
  }
}

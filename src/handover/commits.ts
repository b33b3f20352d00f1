/**
 * The commits of the answers that this process works on, and the notices that withdraw them. One subscription serves
 * all. A commit that comes before the due time waits with one timer; a notice that the due time has moved, or may have,
 * asks again at once.
 */
import type { Store, SupersedeListener } from '../store/store.js'
import { Superseded } from '../superseded.js'

export interface Committed {
  /** It was committed before: an earlier run of the work may have sent its answer. */
  again: boolean
}

/** One answer that is being worked on. */
export interface Answering {
  /** @throws {Superseded} if newer messages have withdrawn the batch. @throws {StoreUnavailable} */
  commit(): Promise<Committed>
  end(): void
}

interface Watched {
  superseded(reason: Superseded): void
  wake(): void
}

export class Commits {
  private readonly watched = new Map<string, Set<Watched>>()
  private stopListening: (() => Promise<void>) | undefined

  constructor(private readonly store: Pick<Store, 'rules' | 'commit' | 'followSuperseded'>) {}

  async start(): Promise<void> {
    if (this.supersedes) this.stopListening ??= await this.store.followSuperseded(this.listener)
  }

  async stop(): Promise<void> {
    const stop = this.stopListening
    this.stopListening = undefined
    await stop?.()
  }

  /** @param onSuperseded called once, by a notice or by a commit that is refused */
  answering(batchId: string, onSuperseded: (reason: Superseded) => void): Answering {
    let reason: Superseded | undefined
    let wake = () => {}
    const watched: Watched = {
      superseded: given => {
        if (reason) return
        reason = given
        onSuperseded(given)
        wake()
      },
      wake: () => wake(),
    }
    const ofBatch = this.watched.get(batchId) ?? new Set()
    this.watched.set(batchId, ofBatch.add(watched))
    const commit = async (): Promise<Committed> => {
      for (;;) {
        if (reason) throw reason
        // In `queue` nothing withdraws a batch.
        if (!this.supersedes) return { again: false }
        const result = await this.store.commit(batchId)
        if (result.state === 'go') return { again: result.again ?? false }
        if (result.state === 'wait')
          await new Promise<void>(resolve => {
            const timer = setTimeout(resolve, result.waitMs)
            wake = () => {
              clearTimeout(timer)
              resolve()
            }
          })
        else watched.superseded(new Superseded(batchId, result.state === 'superseded' ? result.by : undefined))
      }
    }
    const end = () => {
      wake()
      ofBatch.delete(watched)
      if (ofBatch.size === 0) this.watched.delete(batchId)
    }
    return { commit, end }
  }

  private get supersedes(): boolean {
    return this.store.rules.answering === 'supersede'
  }

  private readonly listener: SupersedeListener = {
    superseded: ({ batchId, by }) => {
      for (const one of this.watched.get(batchId) ?? []) one.superseded(new Superseded(batchId, by))
    },
    moved: ({ batchId }) => {
      for (const one of this.watched.get(batchId) ?? []) one.wake()
    },
    missed: () => {
      for (const ofBatch of this.watched.values()) for (const one of ofBatch) one.wake()
    },
  }
}

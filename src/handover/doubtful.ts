/**
 * Batches whose add failed with the queue's Redis: the job may be in the queue all the same, and may be answered before
 * the batch is handed over again. Bounded; the oldest are dropped, and the answer checks find their answers instead.
 */
const MOST = 10_000

export class Doubtful {
  private readonly ids = new Set<string>()

  add(batchId: string): void {
    this.ids.add(batchId)
    for (const oldest of this.ids) {
      if (this.ids.size <= MOST) break
      this.ids.delete(oldest)
    }
  }

  /** Whether it was among them; now it is not. */
  remove(batchId: string): boolean {
    return this.ids.delete(batchId)
  }
}

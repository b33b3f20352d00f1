/**
 * The batches that were superseded last. A notice may overtake the claim's reply, which comes on another connection,
 * and so come before the run that it concerns.
 */
const MOST_KEPT = 1000

export class RecentNotices {
  private readonly kept = new Map<string, { by: string | undefined }>()

  add(batchId: string, by: string | undefined): void {
    this.kept.set(batchId, { by })
    const [oldest] = this.kept.keys()
    if (oldest !== undefined && this.kept.size > MOST_KEPT) this.kept.delete(oldest)
  }

  of(batchId: string): { by: string | undefined } | undefined {
    return this.kept.get(batchId)
  }
}

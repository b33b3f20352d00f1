/** Ids of batches, as many as fit: the oldest are dropped. */
export class BoundedIds {
  private readonly ids = new Set<string>()

  constructor(private readonly most: number) {}

  add(batchId: string): void {
    this.ids.add(batchId)
    for (const oldest of this.ids) {
      if (this.ids.size <= this.most) break
      this.ids.delete(oldest)
    }
  }

  /** Whether it was among them; now it is not. */
  remove(batchId: string): boolean {
    return this.ids.delete(batchId)
  }
}

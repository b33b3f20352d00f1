/** The sessions of the page in one process's memory. */
import type { Sessions } from '../sessions.js'

export class MemorySessions implements Sessions {
  private readonly ends = new Map<string, number>()
  private current = 0

  constructor(private readonly now: () => number) {}

  async begin(digest: string, ttlMs: number): Promise<void> {
    for (const [each, endsAtMs] of this.ends) if (endsAtMs <= this.now()) this.ends.delete(each)
    this.ends.set(digest, this.now() + ttlMs)
  }

  async use(digest: string, ttlMs: number): Promise<boolean> {
    if ((this.ends.get(digest) ?? 0) <= this.now()) return false
    this.ends.set(digest, this.now() + ttlMs)
    return true
  }

  async end(digest: string): Promise<void> {
    this.ends.delete(digest)
  }

  async endAll(): Promise<void> {
    this.ends.clear()
    this.current += 1
  }

  async generation(): Promise<number> {
    return this.current
  }
}

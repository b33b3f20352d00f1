/** The claims of all partitions: each claims for itself, and they share the room for handovers (`Gate`). */
import type { Answers } from './answers.js'
import { ClaimSlots } from './claim-slots.js'
import { Claims, type ClaimsParts } from './claims.js'
import type { Leases } from './leases.js'

export interface PartitionsParts extends Omit<ClaimsParts, 'partition' | 'slots' | 'leases' | 'answers'> {
  leases: Pick<Leases, 'batchIdsIn' | 'whenEmpty'>
  answers: Pick<Answers, 'check' | 'whenChecked'>
}

export class Partitions {
  private all: Claims[] = []

  constructor(private readonly parts: PartitionsParts) {
    parts.gate.whenOpen(partition => void this.wake(partition))
  }

  /** The store is open, and its number of partitions is known. May be called twice. */
  open(): void {
    if (this.all.length > 0) return
    const slots = new ClaimSlots()
    const { partitions } = this.parts.store
    this.all = Array.from({ length: partitions }, (_, partition) => new Claims({ ...this.parts, slots, partition }))
  }

  /** Claims in this partition: see `Claims.wake`. */
  async wake(partition: number): Promise<void> {
    await this.all[partition]?.wake()
  }

  /** Claims what is due, and what its handover and the checks of answers make due. Resolves when all of that is done. */
  async claimAll(): Promise<void> {
    let before: number
    do {
      before = this.brought
      await Promise.all(this.all.map(claims => claims.wake()))
      await this.idle()
      await Promise.all([this.parts.leases.whenEmpty(), this.parts.answers.whenChecked()])
    } while (this.brought > before)
  }

  /** Resolves when no claim runs any more; none will start. */
  async stop(): Promise<void> {
    await Promise.all(this.all.map(claims => claims.stop()))
  }

  /** Batches and checks that claims have brought so far. */
  private get brought(): number {
    return this.all.reduce((sum, { brought }) => sum + brought, 0)
  }

  /** A claim that ends makes room for others, which then run. */
  private async idle(): Promise<void> {
    for (;;) {
      const running = this.all.flatMap(claims => claims.running ?? [])
      if (running.length === 0) return
      await Promise.all(running)
    }
  }
}

/**
 * A bound on the claims that are under way at a time on one server. Many partitions may be due at once, and a server
 * that hangs must not keep those of the others waiting.
 */

const CLAIMS_A_SERVER = 16

interface Server {
  busy: number
  waiting: (() => void)[]
}

export class ClaimSlots {
  private readonly servers = new Map<string, Server>()

  /** Runs `claim` when fewer than `CLAIMS_A_SERVER` others are under way on this server. */
  async run(server: string, claim: () => Promise<void>): Promise<void> {
    const slots = this.servers.get(server) ?? { busy: 0, waiting: [] }
    this.servers.set(server, slots)
    if (slots.busy < CLAIMS_A_SERVER) slots.busy += 1
    else await new Promise<void>(resolve => slots.waiting.push(resolve))
    try {
      await claim()
    } finally {
      this.leave(server, slots)
    }
  }

  /** The next claim takes over the place of the one that has ended. */
  private leave(server: string, slots: Server): void {
    const next = slots.waiting.shift()
    if (next) next()
    else slots.busy -= 1
    if (slots.busy === 0) this.servers.delete(server)
  }
}

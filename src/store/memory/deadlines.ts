/**
 * Members by a time, soonest first: what a sorted set with times for scores is in Redis, ties in the same order (by the
 * members' bytes).
 */
import { OrderedMap } from '@js-sdsl/ordered-map'

export interface Deadline {
  member: string
  atMs: number
}

export class Deadlines {
  private readonly times = new Map<string, number>()
  private readonly ordered = new OrderedMap<Deadline, undefined>([], order)

  get(member: string): number | undefined {
    return this.times.get(member)
  }

  set(member: string, atMs: number): void {
    this.delete(member)
    this.times.set(member, atMs)
    this.ordered.setElement({ member, atMs }, undefined)
  }

  delete(member: string): void {
    const atMs = this.times.get(member)
    if (atMs === undefined) return
    this.times.delete(member)
    this.ordered.eraseElementByKey({ member, atMs })
  }

  get size(): number {
    return this.times.size
  }

  get first(): Deadline | undefined {
    return this.ordered.front()?.[0]
  }

  /** The first `count`, of those up to `untilMs`. */
  firsts(count: number, untilMs = Number.POSITIVE_INFINITY): Deadline[] {
    const found: Deadline[] = []
    for (const [deadline] of this.ordered) {
      if (found.length >= count || deadline.atMs > untilMs) break
      found.push(deadline)
    }
    return found
  }

  /** All of them, soonest first. */
  all(): Deadline[] {
    return this.firsts(Number.POSITIVE_INFINITY)
  }
}

const order = (a: Deadline, b: Deadline): number =>
  a.atMs - b.atMs || (a.member === b.member ? 0 : Buffer.compare(Buffer.from(a.member), Buffer.from(b.member)))

/**
 * Members by a time, soonest first: what a sorted set with times for scores is in Redis, ties in the same order (by the
 * members' bytes). A binary heap that knows where each member stands, so that a time can be changed or taken out in
 * O(log n).
 */

export interface Deadline {
  member: string
  atMs: number
}

export class Deadlines {
  private readonly heap: Deadline[] = []
  private readonly places = new Map<string, number>()

  get(member: string): number | undefined {
    const place = this.places.get(member)
    return place === undefined ? undefined : this.heap[place]?.atMs
  }

  set(member: string, atMs: number): void {
    this.delete(member)
    this.heap.push({ member, atMs })
    this.rise(this.heap.length - 1)
  }

  delete(member: string): void {
    const place = this.places.get(member)
    if (place === undefined) return
    this.places.delete(member)
    const last = this.heap.pop()
    if (!last || last.member === member) return
    this.heap[place] = last
    this.rise(place)
    this.sink(this.places.get(last.member) ?? place)
  }

  get size(): number {
    return this.heap.length
  }

  get first(): Deadline | undefined {
    return this.heap[0]
  }

  /** The first `count`, of those up to `untilMs`; they stay where they are. O(count · log n). */
  firsts(count: number, untilMs = Number.POSITIVE_INFINITY): Deadline[] {
    const found: Deadline[] = []
    while (found.length < count) {
      const first = this.first
      if (!first || first.atMs > untilMs) break
      found.push(first)
      this.delete(first.member)
    }
    for (const { member, atMs } of found) this.set(member, atMs)
    return found
  }

  /** All of them, soonest first. O(n · log n). */
  all(): Deadline[] {
    return this.heap.toSorted((a, b) => (before(a, b) ? -1 : 1))
  }

  private rise(from: number): void {
    let place = from
    let parent = (place - 1) >> 1
    while (place > 0 && this.isBefore(place, parent)) {
      this.swap(place, parent)
      place = parent
      parent = (place - 1) >> 1
    }
    this.note(place)
  }

  private sink(from: number): void {
    let place = from
    for (;;) {
      const left = 2 * place + 1
      const child = this.isBefore(left + 1, left) ? left + 1 : left
      if (!this.isBefore(child, place)) break
      this.swap(place, child)
      place = child
    }
    this.note(place)
  }

  /** False where either place is empty. */
  private isBefore(place: number, other: number): boolean {
    const [a, b] = [this.heap[place], this.heap[other]]
    return a !== undefined && b !== undefined && before(a, b)
  }

  private swap(place: number, other: number): void {
    const [a, b] = [this.heap[place], this.heap[other]]
    if (!a || !b) return
    this.heap[place] = b
    this.heap[other] = a
    this.note(place)
    this.note(other)
  }

  private note(place: number): void {
    const deadline = this.heap[place]
    if (deadline) this.places.set(deadline.member, place)
  }
}

const before = (a: Deadline, b: Deadline) =>
  a.atMs < b.atMs || (a.atMs === b.atMs && Buffer.compare(Buffer.from(a.member), Buffer.from(b.member)) < 0)

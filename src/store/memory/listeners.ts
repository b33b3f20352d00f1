/**
 * Those who listen for what happens. Each hears every event in order, and none while a transition is still at work: as
 * over a network, an event comes after the call that caused it has returned control.
 */
export class Listeners<Event> {
  private readonly all = new Set<{ hear: (event: Event) => void }>()

  get count(): number {
    return this.all.size
  }

  /** @param first what it is told before all else */
  add(hear: (event: Event) => void, first?: Event): () => void {
    const listener = { hear }
    this.all.add(listener)
    if (first !== undefined) this.tellOne(listener, first)
    return () => this.all.delete(listener)
  }

  tell(event: Event): void {
    for (const listener of this.all) this.tellOne(listener, event)
  }

  clear(): void {
    this.all.clear()
  }

  private tellOne(listener: { hear: (event: Event) => void }, event: Event): void {
    queueMicrotask(() => {
      if (this.all.has(listener)) listener.hear(event)
    })
  }
}

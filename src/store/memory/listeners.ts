/**
 * Those who listen for what happens. Each hears every event in order, and none while a transition is still at work: as
 * over a network, an event comes after the call that caused it has returned control.
 */
import type { StoreEvent } from '../store.js'

type Listener = (event: StoreEvent) => void

export class Listeners {
  private readonly all = new Set<{ hear: Listener }>()

  get count(): number {
    return this.all.size
  }

  /** The first event that `hear` is told is `subscribed`. */
  add(hear: Listener): () => void {
    const listener = { hear }
    this.all.add(listener)
    this.tellOne(listener, { kind: 'subscribed' })
    return () => this.all.delete(listener)
  }

  tell(event: StoreEvent): void {
    for (const listener of this.all) this.tellOne(listener, event)
  }

  clear(): void {
    this.all.clear()
  }

  private tellOne(listener: { hear: Listener }, event: StoreEvent): void {
    queueMicrotask(() => {
      if (this.all.has(listener)) listener.hear(event)
    })
  }
}

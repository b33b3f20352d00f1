/**
 * An abort signal that is created when it is first read. Batches come by the hundred, most handlers never read their
 * signal, and creating one costs as much as a short handler does.
 */
export class LazyAbort {
  private controller: AbortController | undefined
  private given: unknown
  private aborted = false
  private listeners: Set<(reason: unknown) => void> | undefined

  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController()
      if (this.aborted) this.controller.abort(this.given)
    }
    return this.controller.signal
  }

  get isAborted(): boolean {
    return this.aborted
  }

  /** Why it was aborted. */
  get reason(): unknown {
    return this.given
  }

  /** The first reason counts. */
  abort(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.given = reason
    this.controller?.abort(reason)
    for (const listener of this.listeners ?? []) listener(reason)
  }

  /** As the function `onAbort`. */
  onAbort(listener: (reason: unknown) => void): () => void {
    this.listeners ??= new Set()
    if (this.aborted) listener(this.given)
    else this.listeners.add(listener)
    return () => this.listeners?.delete(listener)
  }
}

/** What has a signal. */
export interface Signalling {
  readonly signal: AbortSignal
}

/**
 * An object whose `signal` is created when it is first read. It is a property of the object's own, so copies of the
 * object have it, too. All objects share its getter: V8 gives an object with another getter a hidden class of its own,
 * which keeps all that this getter knows in memory until the next major garbage collection.
 */
export class WithSignal {
  declare readonly signal: AbortSignal
  readonly #from: Signalling

  constructor(from: Signalling) {
    this.#from = from
    Object.defineProperty(this, 'signal', WithSignal.#signal)
  }

  /** What gives `of` its signal, if that is known. */
  static from(of: Signalling): Signalling | undefined {
    return #from in of ? of.#from : undefined
  }

  static readonly #signal = {
    enumerable: true,
    get(this: WithSignal): AbortSignal {
      return this.#from.signal
    },
  }
}

/**
 * Calls `listener` once the signal of `of` is aborted, at once if it is. Creates no signal that nobody has read.
 * @returns ends that, for a signal that outlives the listener
 */
export function onAbort(of: Signalling, listener: (reason: unknown) => void): () => void {
  if (of instanceof LazyAbort) return of.onAbort(listener)
  const from = WithSignal.from(of)
  if (from) return onAbort(from, listener)
  const { signal } = of
  const onEvent = () => listener(signal.reason)
  if (signal.aborted) onEvent()
  else signal.addEventListener('abort', onEvent, { once: true })
  return () => signal.removeEventListener('abort', onEvent)
}

/**
 * An abort signal that is created when it is first read. Batches come by the hundred, most handlers never read their
 * signal, and creating one costs as much as a short handler does.
 */
export class LazyAbort {
  private controller: AbortController | undefined
  private given: unknown
  private aborted = false

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
  }
}

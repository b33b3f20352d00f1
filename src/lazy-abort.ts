/**
 * An abort signal that is made when somebody asks for it. Batches come by the hundred, most who work on them look at no
 * signal, and one costs as much as a short piece of work.
 */
export class LazyAbort {
  private controller: AbortController | undefined
  private reason: unknown
  private aborted = false

  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController()
      if (this.aborted) this.controller.abort(this.reason)
    }
    return this.controller.signal
  }

  get isAborted(): boolean {
    return this.aborted
  }

  /** The first reason counts. */
  abort(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.controller?.abort(reason)
  }
}

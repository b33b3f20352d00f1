/**
 * The commit of one run, as its handler calls it. A run that is cut while it waits for its commit has sent nothing, so
 * its work can be repeated.
 */
import type { Committed } from './answering-run.js'

export class AskedCommit {
  private waiting = 0

  constructor(private readonly ask: () => Promise<Committed>) {}

  /** The handler has asked, and is neither granted nor refused. */
  get isWaiting(): boolean {
    return this.waiting > 0
  }

  readonly commit = (): Promise<Committed> => {
    const asked = this.ask()
    const end = () => {
      this.waiting -= 1
    }
    this.waiting += 1
    asked.then(end, end)
    return asked
  }
}

import { StoreUnavailable } from '../../store/store.js'

/** What `/readyz` says of a role: until it runs, why it does not. */
export class Readiness {
  private look: () => Promise<void> = async () => {
    throw new StoreUnavailable('other', 'it is starting')
  }

  private onWait = () => {}
  /** Resolves when the start begins to wait. */
  readonly waits = new Promise<void>(resolve => {
    this.onWait = resolve
  })

  /** Rejects with one line that says why the role cannot do its work. */
  readonly check = (): Promise<void> => this.look()

  /** From now on `look` says it. */
  by(look: () => Promise<void>): void {
    this.look = look
  }

  /** The start waits until this error has passed. */
  waitsFor(error: StoreUnavailable): void {
    this.look = () => Promise.reject(error)
    this.onWait()
  }
}

/**
 * Server-sent events that come back by themselves: a connection that falls silent counts as lost, and is made again.
 */

/**
 * Beats come every 10 s. Without one for this long the connection counts as lost, even if the browser keeps it open.
 */
const SILENCE_MS = 25_000
const RETRY_MS = [500, 1000, 2000, 5000, 10_000]

export class Connection {
  /** The number of the current connection: replies to requests from an earlier one are out of date. */
  number = 0
  source
  watchdog
  failures = 0

  /** @param handlers onOpen, onLost, and `events`: a function for the data of each event, by name */
  constructor(address, { onOpen, onLost, events }) {
    this.address = address
    this.onOpen = onOpen
    this.onLost = onLost
    this.events = events
  }

  connect() {
    this.close()
    this.number += 1
    const source = new EventSource(this.address)
    this.source = source
    source.onopen = () => this.onOpen()
    source.onerror = () => this.lose()
    for (const [name, handle] of Object.entries(this.events))
      source.addEventListener(name, ({ data }) => {
        this.watch()
        handle(JSON.parse(data))
      })
    this.watch()
  }

  /** The connection works: after the next loss the first retry comes soon. */
  succeed() {
    this.failures = 0
  }

  /** Tries again after a while. */
  lose() {
    if (!this.source) return
    this.close()
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]
    this.failures += 1
    setTimeout(() => this.connect(), wait)
    this.onLost()
  }

  close() {
    this.source?.close()
    this.source = undefined
    clearTimeout(this.watchdog)
  }

  watch() {
    clearTimeout(this.watchdog)
    this.watchdog = setTimeout(() => this.lose(), SILENCE_MS)
  }
}

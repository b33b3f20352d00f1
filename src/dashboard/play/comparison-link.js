/**
 * The way to the engines of the comparison: a stream of this page, and calls that name it. It is opened with the first
 * message. When it ends its engines are gone; the next message opens another one.
 */
import { call } from '../api.js'

export class ComparisonLink {
  /** The stream's; undefined until it has come. */
  id
  source
  waiting = []

  /** @param handlers onRun, for what a bot does; onLost, with the API's words if it refused */
  constructor({ onRun, onLost }) {
    this.onRun = onRun
    this.onLost = onLost
  }

  /** @param written `{ person, messageIds?, typing?, workMs }` */
  send(written) {
    if (this.id === undefined) this.waiting.push(written)
    else void this.post(written)
    if (this.source === undefined) this.connect()
  }

  connect() {
    const source = new EventSource('page/comparison')
    this.source = source
    source.onerror = () => this.lose()
    source.addEventListener('run', ({ data }) => this.onRun(JSON.parse(data)))
    source.addEventListener('engines', ({ data }) => {
      this.id = JSON.parse(data).id
      for (const written of this.waiting.splice(0)) void this.post(written)
    })
  }

  async post(written) {
    const { id } = this
    try {
      await call('POST', `page/comparison?id=${encodeURIComponent(id)}`, written)
    } catch (error) {
      if (id === this.id) this.lose(error.message)
    }
  }

  lose(words) {
    this.source?.close()
    this.source = undefined
    this.id = undefined
    this.waiting.length = 0
    this.onLost(words)
  }
}

/** An appender that notes what it was asked to do. */
import type { AppendMessage, AppendOptions } from '../../../src/batcher.js'
import type { Receiving } from '../../../src/webhook/receive.js'

export interface Noted {
  conversationId: string
  messages?: AppendMessage[]
  direct?: boolean
  dropped?: true
}

export class Recorder implements Receiving {
  readonly noted: Noted[] = []
  /** Thrown by the next append to this conversation. */
  failing?: { conversationId: string; error: Error }

  async append(
    conversationId: string,
    messages: AppendMessage | AppendMessage[],
    { direct = false }: AppendOptions = {},
  ) {
    if (this.failing?.conversationId === conversationId) throw this.failing.error
    const all = [messages].flat()
    this.noted.push({ conversationId, messages: all, direct })
    return { accepted: all.length, duplicates: 0, tooOld: 0 }
  }

  async typing() {
    return undefined
  }

  async drop(conversationId: string) {
    this.noted.push({ conversationId, dropped: true })
    return 1
  }

  get texts() {
    return this.noted.map(({ conversationId, messages }) => [conversationId, messages?.map(({ text }) => text)])
  }
}

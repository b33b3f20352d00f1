/** An appender that records its calls. */
import type { AppendMessage, AppendOptions } from '../../../src/batcher.js'
import type { EditResult, RevokeResult } from '../../../src/store/store.js'
import type { Receiving } from '../../../src/webhook/store-steps.js'

export interface Noted {
  conversationId: string
  messages?: AppendMessage[]
  direct?: boolean
  dropped?: true
  edited?: { messageId: string; text: string }
  revoked?: string
  typingMs?: number
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

  async typing(conversationId: string, typingMs?: number) {
    this.noted.push({ conversationId, typingMs })
    return undefined
  }

  /** The result of the next edits and revocations. */
  outcome: 'done' | 'tooLate' | 'first' = 'done'

  async edit(conversationId: string, messageId: string, text: string): Promise<EditResult> {
    this.noted.push({ conversationId, edited: { messageId, text } })
    return this.outcome === 'done' ? 'edited' : this.outcome === 'first' ? 'unknown' : 'tooLate'
  }

  async revoke(conversationId: string, messageId: string): Promise<RevokeResult> {
    this.noted.push({ conversationId, revoked: messageId })
    return this.outcome === 'done' ? 'revoked' : this.outcome === 'first' ? 'remembered' : 'tooLate'
  }

  async drop(conversationId: string) {
    this.noted.push({ conversationId, dropped: true })
    return 1
  }

  get texts() {
    return this.noted.map(({ conversationId, messages }) => [conversationId, messages?.map(({ text }) => text)])
  }
}

/** What most bots begin with: a timer and a list for each chat, in the memory of the process that takes webhooks. */
import type { Peer } from './peer.js'

export const thirtyLines: Peer = {
  async produce({ gapMs }, onBatch) {
    const chats = new Map<string, { texts: string[]; timer: NodeJS.Timeout }>()
    return {
      async append(conversation, _messageId, text) {
        const chat = chats.get(conversation)
        clearTimeout(chat?.timer)
        const texts = [...(chat?.texts ?? []), text]
        const timer = setTimeout(() => {
          chats.delete(conversation)
          void onBatch(conversation, texts)
        }, gapMs)
        chats.set(conversation, { texts, timer })
      },
      async close() {
        for (const { timer } of chats.values()) clearTimeout(timer)
      },
    }
  },
}

/**
 * Vercel's Chat SDK (https://chat-sdk.dev/docs/concurrency): a webhook goes through its `Chat` to the handler of direct
 * messages, which gets the last message, and the others as `skipped`. It answers all of them, as that page shows. Its
 * waiting is a timer of this process, so the state is in memory, too. What is not set here is the default.
 */
import { createMemoryState } from '@chat-adapter/state-memory'
import { Chat, type ConcurrencyStrategy } from 'chat'
import type { Peer } from './peer.js'
import { Platform } from './platform.js'

const WEBHOOK = 'http://platform.invalid/webhook'

export const chatSdk = (strategy: ConcurrencyStrategy): Peer => ({
  async produce({ gapMs }, onBatch) {
    const chat = new Chat({
      userName: 'bot',
      adapters: { platform: new Platform() },
      state: createMemoryState(),
      concurrency: { strategy, debounceMs: gapMs },
      logger: 'warn',
    })
    chat.onDirectMessage(async (thread, message, _channel, context) => {
      const texts = [...(context?.skipped ?? []), message].map(({ text }) => text)
      await onBatch(thread.id, texts)
    })
    await chat.initialize()
    return {
      async append(conversation, messageId, text) {
        const body = JSON.stringify({ conversation, messageId, text })
        const response = await chat.webhooks.platform(new Request(WEBHOOK, { method: 'POST', body }))
        if (!response.ok) throw new Error(`its webhook answered ${response.status}`)
      },
      close: () => chat.shutdown(),
    }
  },
})

// A whole bot on Telegram: its webhook in, an answer of the AI SDK out, streamed by edits of one message.
//
//     npm i lull ai @ai-sdk/openai
//
//     import { openai } from '@ai-sdk/openai'
//     const bot = await startBot({ redis, model: openai('gpt-5-mini'), token, secret, port: 3000 })
//
// `token` is the bot's, from @BotFather. `secret` is the secret_token that you gave to setWebhook.
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { Batcher, Processor } from 'lull'
import { streamingHandler } from './ai-sdk.mjs'

const MOST_REMEMBERED = 10_000

export async function startBot({ redis, model, token, secret, port, api = 'https://api.telegram.org', ...rules }) {
  const options = { redis, answering: 'supersede', earlyStartMs: 2_000, quietGapMs: 6_000, ...rules }
  const batcher = new Batcher(options)
  const show = telegramMessage({ url: `${api}/bot${token}` })
  const processor = new Processor({ ...options, handle: streamingHandler({ model, show }) })
  await processor.start()

  const server = createServer(async (request, response) => {
    try {
      response.writeHead(await received(request)).end()
    } catch (error) {
      // Redis is away: Telegram sends the update again.
      response.writeHead(503).end()
      console.error(error.message)
    }
  })

  async function received(request) {
    if (!isSame(request.headers['x-telegram-bot-api-secret-token'], secret)) return 401
    const { message, edited_message: edited } = await json(request)
    const { chat, message_id, text, date, from } = message ?? edited ?? {}
    if (text === undefined || from === undefined) return 200
    const conversationId = `telegram/${chat.id}`
    const messageId = String(message_id)
    const senderId = String(from.id)
    if (edited) await batcher.edit(conversationId, messageId, text, [senderId])
    else await batcher.append(conversationId, { messageId, text, senderId, sentAtMs: date * 1000 })
    return 200
  }

  await new Promise(resolve => server.listen(port, '127.0.0.1', resolve))
  return {
    port: server.address().port,
    async stop() {
      server.close()
      await processor.stop()
      await batcher.close()
    },
  }
}

/** `show(batch, text)` sends a message at its first call for a batch, and edits it from then on. */
export function telegramMessage({ url }) {
  // In your bot: in its database, so that a run that is repeated after a crash edits the same message.
  const sent = new Map()

  return async function show({ batchId, chatId }, text) {
    const { messageId, was } = sent.get(batchId) ?? {}
    // Telegram refuses an empty message, and an edit that changes nothing.
    if (text.trim() === '' || text === was) return
    if (messageId === undefined) {
      const { message_id } = await call('sendMessage', { chat_id: chatId, text })
      sent.set(batchId, { messageId: message_id, was: text })
      if (sent.size > MOST_REMEMBERED) sent.delete(sent.keys().next().value)
    } else {
      await call('editMessageText', { chat_id: chatId, message_id: messageId, text })
      sent.set(batchId, { messageId, was: text })
    }
  }

  async function call(method, body) {
    const response = await fetch(`${url}/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const { ok, result, description } = await response.json()
    if (!ok) throw new Error(`Telegram refused ${method}: ${description}`)
    return result
  }
}

/** Takes as long whatever is wrong. */
function isSame(given = '', secret) {
  const [one, other] = [given, secret].map(text => createHash('sha256').update(text).digest())
  return timingSafeEqual(one, other)
}

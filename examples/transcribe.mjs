// Transcribes voice notes while their batches wait for the text, beside `lull up` or `lull api`:
//
//     LULL_HOLD_TYPES=voice,audio LULL_HOLD_MS=20000 LULL_API_TOKEN=secret npx lull up --handler handler.mjs
//     LULL_API_TOKEN=secret node examples/transcribe.mjs

import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const RECONNECT_MS = 2000
const TRANSCRIBE_MS = 15_000
const MOST_REMEMBERED = 10_000

/** Sends requests to Lull's HTTP API. */
const client = (api, token) => async (method, path, body) => {
  const response = await fetch(`${api}/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response
}

/** @param transcribe `transcribe(media, { signal })` resolves to the text of a file */
export const transcriber = ({ call, transcribe, log = console }) => {
  // A file is transcribed once, however often its conversation is looked at.
  const begun = new Set()

  /** Gives a message its text. Its batch goes on without one if that fails. */
  async function write(conversationId, { messageId, media }) {
    const of = `id=${encodeURIComponent(conversationId)}`
    try {
      const text = await transcribe(media, { signal: AbortSignal.timeout(TRANSCRIBE_MS) })
      await call('PUT', `conversations/messages?${of}&messageId=${encodeURIComponent(messageId)}`, { text })
    } catch (error) {
      log.error(`${messageId} has no transcript: ${error.message}`)
      await call('POST', `conversations/release?${of}`, { key: messageId })
    }
  }

  /** Looks for messages of a conversation that wait for their text. */
  return async function look(conversationId) {
    const response = await call('GET', `conversations?id=${encodeURIComponent(conversationId)}`)
    const { holds = [], messages } = await response.json()
    const waiting = new Set(holds.filter(({ ofMessage }) => ofMessage).map(({ key }) => key))
    const work = messages.map(async ({ message }) => {
      const key = `${conversationId} ${message.messageId}`
      if (!waiting.has(message.messageId) || !message.media || begun.has(key)) return
      begun.add(key)
      if (begun.size > MOST_REMEMBERED) begun.delete(begun.values().next().value)
      await write(conversationId, message)
    })
    await Promise.all(work)
  }
}

/** Calls `look` for each conversation in which a message waits, until the stream of events ends. */
export async function follow({ call, look, log = console }) {
  const looked = conversationId => look(conversationId).catch(error => log.error(error.message))
  const all = async () => {
    const { conversations } = await (await call('GET', 'conversations?limit=1000')).json()
    for (const { conversationId } of conversations) await looked(conversationId)
  }
  const { body } = await call('GET', 'events')
  // What came before, and what is missed because too much happens, is found in the list.
  void all().catch(error => log.error(error.message))
  let text = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const events = (text + chunk).split('\n\n')
    text = events.pop()
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1]
      const name = /^event: (.*)$/m.exec(event)?.[1]
      if (name === 'summary' || name === 'stale') void all().catch(error => log.error(error.message))
      if (name !== undefined || data === undefined) continue
      const { step, conversationId } = JSON.parse(data)
      if (step === 'held') void looked(conversationId)
    }
  }
}

// Replace this with your speech recognition. Meta gives files an id, others a url: see docs/webhooks.md.
const transcribe = async ({ url, id }) => `(transcript of ${url ?? id})`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { LULL_API_URL = 'http://127.0.0.1:3000', LULL_API_TOKEN = '' } = process.env
  const call = client(LULL_API_URL, LULL_API_TOKEN)
  const look = transcriber({ call, transcribe })
  console.log(`transcribing for ${LULL_API_URL}`)
  while (true) {
    await follow({ call, look }).catch(error => console.error(error.message))
    await sleep(RECONNECT_MS)
  }
}

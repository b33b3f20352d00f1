// A bot without Lull: it answers each message at once and alone.
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

const WORK_MS = Number(process.env.DEMO_WORK_MS)

async function answer(text) {
  const texts = [text]
  process.send({ kind: 'begun', texts })
  await delay(WORK_MS)
  process.send({ kind: 'replied', texts })
}

const server = createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  for (const { changes } of JSON.parse(Buffer.concat(chunks)).entry)
    for (const { value } of changes) for (const { text } of value.messages) void answer(text.body)
  response.end('ok')
})

server.listen(Number(process.env.PORT), '127.0.0.1', () => process.send({ kind: 'ready' }))

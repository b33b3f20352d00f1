// The first version that everybody writes: a Map, and a setTimeout that each message restarts. It works until a
// restart.
import { createServer } from 'node:http'

const GAP_MS = Number(process.env.DEMO_GAP_MS)
const open = new Map()

function append(chatId, text) {
  const batch = open.get(chatId) ?? { texts: [] }
  batch.texts.push(text)
  clearTimeout(batch.timer)
  batch.timer = setTimeout(() => {
    open.delete(chatId)
    process.send({ kind: 'batch', batch: { chatId, text: batch.texts.join('\n') } })
  }, GAP_MS)
  open.set(chatId, batch)
}

const server = createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  for (const { changes } of JSON.parse(Buffer.concat(chunks)).entry)
    for (const { value } of changes) for (const { from, text } of value.messages) append(from, text.body)
  response.end('ok')
})

server.listen(Number(process.env.PORT), '127.0.0.1', () => process.send({ kind: 'ready' }))

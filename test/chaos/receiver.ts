/**
 * A receiver of HTTP handovers as a process of its own, in a worker's place: 200 when its handler has ended, 500 if that
 * failed.
 *
 * `receiver.ts NAME FILE PORT`
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { LONGEST_ANSWER_MS } from './settings.js'
import { batchShape, handlerThatTells } from './told.js'

const [name = 'worker', file = '', port = '0'] = process.argv.slice(2)
const handle = handlerThatTells(file, name)

const server = createServer(async (request, response) => {
  const aborted = new AbortController()
  // Whoever sent it does not wait for it any more: another may have it now.
  response.once('close', () => aborted.abort(new Error('the sender is gone')))
  try {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(Buffer.from(part))
    await handle(batchShape.parse(JSON.parse(Buffer.concat(parts).toString())), aborted.signal)
    response.writeHead(200).end()
  } catch {
    // The handler has told of it; the sender hears it by the status.
    if (!response.destroyed) response.writeHead(500).end()
  }
})
server.listen(Number(port), '127.0.0.1')
await once(server, 'listening')
process.once('SIGTERM', () => {
  server.close(() => process.exit())
  // Connections that their senders keep open are not waited for longer than an answer takes.
  setTimeout(() => process.exit(), 2 * LONGEST_ANSWER_MS)
})

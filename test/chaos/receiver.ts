/**
 * A receiver of HTTP handovers as a process, in place of a worker: it answers 200 when its handler has ended, 500 if
 * the handler failed.
 *
 * `receiver.ts NAME FILE PORT`
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { batchShape, loggingHandler } from './handler-log.js'
import { LONGEST_ANSWER_MS } from './settings.js'

const [name = 'worker', file = '', port = '0'] = process.argv.slice(2)
const handle = loggingHandler(file, name)

const server = createServer(async (request, response) => {
  const aborted = new AbortController()
  // The sender does not wait any more: another receiver may have the batch now.
  response.once('close', () => aborted.abort(new Error('the sender is gone')))
  try {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(Buffer.from(part))
    await handle(batchShape.parse(JSON.parse(Buffer.concat(parts).toString())), aborted.signal)
    response.writeHead(200).end()
  } catch {
    // The handler has logged it. The status tells the sender.
    if (!response.destroyed) response.writeHead(500).end()
  }
})
server.listen(Number(port), '127.0.0.1')
await once(server, 'listening')
process.once('SIGTERM', () => {
  server.close(() => process.exit())
  // Waits for connections that senders keep open no longer than an answer takes.
  setTimeout(() => process.exit(), 2 * LONGEST_ANSWER_MS)
})

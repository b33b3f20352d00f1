/**
 * A receiver of HTTP handovers as a process, in place of a worker: it answers 200 when its handler has ended, 500 if
 * the handler failed. With `supersede` it asks one of the APIs for its commit.
 *
 * `receiver.ts NAME FILE PORT ANSWERING API...`
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { Superseded } from '../../src/superseded.js'
import { batchShape, loggingHandler } from './handler-log.js'
import { LONGEST_ANSWER_MS, TOKEN } from './settings.js'

const [name = 'worker', file = '', port = '0', answering = 'queue', ...apis] = process.argv.slice(2)
const handle = loggingHandler(file, name)
const WAIT_MS = 2000
const REQUEST_MS = 3000
const AGAIN_MS = 100
const granted = z.object({ again: z.boolean().default(false) })

/** Asks until an API says yes or no, or the sender is gone. */
async function commit(batchId: string, signal: AbortSignal, onAsk: () => void): Promise<{ again: boolean }> {
  for (let i = 0; ; i++) {
    signal.throwIfAborted()
    onAsk()
    try {
      const response = await fetch(new URL(`/batches/${batchId}/commit?waitMs=${WAIT_MS}`, apis[i % apis.length]), {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}` },
        signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
      })
      const body: unknown = await response.json()
      if (response.status === 200) return granted.parse(body)
      if (response.status === 409 || response.status === 410) throw new Superseded(batchId)
      if (response.status !== 425 && response.status !== 503)
        throw new Error(`a commit was answered ${response.status}: ${JSON.stringify(body)}`)
    } catch (error) {
      // An API that cannot be reached is restarted; so is one that does not answer.
      const isGone = error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError')
      if (!isGone) throw error
    }
    await delay(AGAIN_MS, undefined, { signal })
  }
}

const server = createServer(async (request, response) => {
  const aborted = new AbortController()
  const { signal } = aborted
  // The sender does not wait any more: another receiver may have the batch now, or newer messages have superseded it.
  response.once('close', () => aborted.abort(new Error('the sender is gone')))
  try {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(Buffer.from(part))
    const batch = batchShape.parse(JSON.parse(Buffer.concat(parts).toString()))
    const committing =
      answering === 'supersede' ? { commit: (onAsk: () => void) => commit(batch.batchId, signal, onAsk) } : {}
    await handle(batch, { signal, ...committing })
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

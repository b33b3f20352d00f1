/** Reads the body of a request to a node:http server, up to the bounds. */
import type { IncomingMessage } from 'node:http'
import type { BodyLease } from './body-bounds.js'
import { Refusal } from './refusal.js'

export const brokeOff = () => new Refusal(400, 'the body broke off: send it again')

/** @throws {Refusal} 413 and 503 over a bound, 400 if the body breaks off */
export function readBytes(req: IncomingMessage, lease: BodyLease): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const end = (error?: unknown) => {
      req.off('data', onData).off('end', onEnd).off('error', onError).off('close', onError)
      if (error === undefined) return resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
      // Read and drop the rest, for as long as the server's `requestTimeout` allows: a sender whose connection is cut
      // while it writes never reads the response, and unread bytes would block its connection.
      req.on('error', () => {}).resume()
      reject(error)
    }
    const onEnd = () => end()
    const onError = () => end(brokeOff())
    const onData = (chunk: Buffer) => {
      try {
        lease.take(chunk.length)
        chunks.push(chunk)
      } catch (error) {
        end(error)
      }
    }
    req.on('data', onData).once('end', onEnd).once('error', onError).once('close', onError)
  })
}

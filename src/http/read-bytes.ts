/** Reads the body of a request to a node:http server, up to the bounds. */
import type { IncomingMessage } from 'node:http'
import type { BodyLease } from './body-bounds.js'
import { Refusal } from './refusal.js'

export const brokeOff = () => new Refusal(400, 'the body broke off: send it again')

/** @throws {Refusal} 413 and 503 over a bound, 400 if the body breaks off */
export function readBytes(req: IncomingMessage, lease: BodyLease): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The listeners stay until the request is gone: removing them costs as much as reading a small body.
    let chunks: Buffer[] = []
    let isOver = false
    const end = () => {
      isOver = true
      const all = chunks
      chunks = []
      return all
    }
    const breakOff = () => {
      if (isOver) return
      end()
      reject(brokeOff())
    }
    req.on('data', (chunk: Buffer) => {
      // After a refusal the rest is read and dropped, for as long as the server's `requestTimeout` allows: a sender whose
      // connection is cut while it writes never reads the response, and unread bytes would block its connection.
      if (isOver) return
      try {
        lease.take(chunk.length)
        chunks.push(chunk)
      } catch (error) {
        end()
        reject(error)
      }
    })
    req.on('end', () => {
      if (isOver) return
      const [first = Buffer.alloc(0), ...others] = end()
      resolve(others.length === 0 ? first : Buffer.concat([first, ...others]))
    })
    req.on('error', breakOff)
    req.on('close', breakOff)
  })
}

/** Reads the body of a request to a node:http server, up to the bound. */
import type { IncomingMessage } from 'node:http'
import getRawBody from 'raw-body'
import { z } from 'zod'
import { MAX_BODY_BYTES, tooLarge } from './body.js'
import { Refusal } from './refusal.js'

/** An error of raw-body names its kind in `type`. */
const readError = z.object({ type: z.string() })

/** @throws {Refusal} 413 over 3 MiB, 400 if the body breaks off */
export async function readBytes(req: IncomingMessage): Promise<Buffer> {
  try {
    return await getRawBody(req, { limit: MAX_BODY_BYTES, length: req.headers['content-length'] ?? null })
  } catch (error) {
    const { data } = readError.safeParse(error)
    if (data === undefined) throw error
    // Read and drop the rest, for as long as the server's `requestTimeout` allows: a sender whose connection is cut while
    // it writes never reads the response, and unread bytes would block its connection.
    req.resume()
    throw data.type === 'entity.too.large' ? tooLarge() : new Refusal(400, 'the body broke off: send it again')
  }
}

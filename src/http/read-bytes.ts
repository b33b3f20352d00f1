/** The bytes of a request to one of Node's servers, within the bound. */
import type { IncomingMessage } from 'node:http'
import getRawBody from 'raw-body'
import { z } from 'zod'
import { Refusal } from './answer.js'
import { MAX_BODY_BYTES, tooLarge } from './body.js'

/** raw-body's errors say what happened in `type`. */
const readError = z.object({ type: z.string() })

/** @throws {Refusal} 413 over 3 MiB, 400 where the body breaks off */
export async function readBytes(req: IncomingMessage): Promise<Buffer> {
  try {
    return await getRawBody(req, { limit: MAX_BODY_BYTES, length: req.headers['content-length'] ?? null })
  } catch (error) {
    const { data } = readError.safeParse(error)
    if (data === undefined) throw error
    // What still comes is thrown away, within the server's own bound on a request's time: a sender that is cut off in
    // the middle does not read the answer, and one that is left waiting holds up its connection.
    req.resume()
    throw data.type === 'entity.too.large' ? tooLarge() : new Refusal(400, 'the body broke off')
  }
}

/** Meta's GET, which verifies an address before the first webhook is sent there. */
import { z } from 'zod'
import { Refusal } from '../http/refusal.js'
import type { Reply } from '../http/respond.js'
import { checkVerifyToken, type Trust } from './authenticate.js'

/** The reply has at most this many characters of the challenge. */
const LONGEST_CHALLENGE = 256

export const handshakeQuery = z.object({
  'hub.mode': z.literal(
    'subscribe',
    'hub.mode=subscribe is missing: GET is for Meta’s verification handshake, POST webhooks',
  ),
  'hub.verify_token': z.string().default(''),
  'hub.challenge': z.string().default(''),
})

/** @throws {Refusal} 400 for any other GET, 403 for a wrong verify token */
export function answerHandshake(trust: Trust, query: (name: string) => string | undefined): Reply {
  const fields = Object.keys(handshakeQuery.shape).map(name => [name, query(name)])
  const { success, data, error } = handshakeQuery.safeParse(Object.fromEntries(fields))
  if (!success) throw new Refusal(400, error.issues[0]?.message ?? '')
  checkVerifyToken(trust, data['hub.verify_token'])
  return { status: 200, body: data['hub.challenge'].slice(0, LONGEST_CHALLENGE) }
}

/** The webhooks, at every address that they have. */
import { z } from 'zod'
import type { Counts } from '../../../observer.js'
import { shapeOf } from '../../../shape-of.js'
import { handshakeQuery } from '../../../webhook/handshake.js'
import { body, error, type Operation, type Reply, reply } from '../operation.js'
import { webhookBody } from '../shapes/sent-messages.js'

const counts = shapeOf<Counts>()(
  z.object({
    accepted: z.number().describe('Messages that were stored'),
    duplicates: z.number().describe('Messages whose id this conversation has seen before: dropped'),
    ignored: z.number().describe('Items that are no message of a person: statuses, own messages, signs of typing'),
    paused: z.number().optional().describe('Of the accepted ones: those of a paused conversation'),
    edited: z.number().optional(),
    revoked: z.number().optional(),
    tooLate: z.number().optional().describe('Edits and revocations of messages that no longer wait'),
  }),
).meta({ id: 'Counts' })

/** For the addresses that name one. */
const unknownProvider = (path: string): Record<number, Reply> =>
  path.includes('{provider}')
    ? { 404: error('No such provider', 'provider="watsapp" is unknown: use one of meta, green-api, …') }
    : {}

const UNSIGNED = error('The signature or token is missing or wrong', 'the signature in X-Hub-Signature-256 is wrong')

interface Address {
  path: string
  /** For the names of the functions. */
  name: string
  direct: boolean
}

const ADDRESSES: Address[] = [true, false].flatMap(direct => {
  const path = direct ? '/webhook/whatsapp' : '/webhook/whatsapp/batched'
  const name = direct ? 'DirectWebhook' : 'Webhook'
  return [
    { path, name, direct },
    { path: `${path}/{provider}`, name: `${name}Of`, direct },
    { path: `${path}/{provider}/{event}`, name: `${name}OfEvent`, direct },
  ]
})

const receive = ({ path, name, direct }: Address): Operation => ({
  id: `receive${name}`,
  tag: 'Webhooks',
  method: 'post',
  path,
  summary: direct ? 'Receive a webhook; each message is handed over alone, at once' : 'Receive a webhook into batches',
  description:
    'The reply comes when the messages are stored. One bad item does not refuse the others: it counts as `ignored`. ' +
    'After a 503 a part of a webhook for several conversations may be stored; it counts as `duplicates` next time. ' +
    'docs/webhooks.md says how each provider is set up and signs.',
  isOpen: true,
  body: body(
    webhookBody,
    { generic: { chatId: '79990000011@c.us', messageId: 'm1', text: 'hi' } },
    { takesForms: true },
  ),
  replies: {
    200: reply('The messages are stored', counts, { accepted: 1, duplicates: 0, ignored: 0 }),
    401: UNSIGNED,
    403: error('A web page sent it', 'the header Origin shows that a web page sent it: webhooks come from servers'),
    ...unknownProvider(path),
  },
})

const verify = ({ path, name }: Address): Operation => ({
  id: `verify${name}`,
  tag: 'Webhooks',
  method: 'get',
  path,
  summary: "Answer Meta's verification handshake",
  isOpen: true,
  query: handshakeQuery.shape,
  replies: {
    200: { ...reply('The challenge', z.string(), '1158201444'), type: 'text/plain' },
    403: error(
      'A web page sent it, the verify token is wrong, or none is set',
      'hub.verify_token is not WHATSAPP_VERIFY_TOKEN (providers.meta.verifyToken): enter the same one at Meta',
    ),
    ...unknownProvider(path),
  },
})

export const webhooks: Operation[] = ADDRESSES.flatMap(address => [receive(address), verify(address)])

/**
 * A webhook of Meta with one message, signed. Its body is escaped as Meta escapes it: who parses it and writes it again
 * gets other bytes, which the signature does not cover.
 */
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { uniquePrefix } from './redis.js'

const TEMPLATE = readFileSync(new URL('../fixtures/webhooks/meta/raw-signed-escaped.txt', import.meta.url), 'utf8')
const ACCOUNT = '106540352200001'
const PERSON = '79000000011'

export const META = { appSecret: 'an-app-secret', verifyToken: 'a-verify-token' }

export interface MetaMessage {
  text: string
  /** The sender's number. */
  from?: string
  /** What the body is signed with; by default the right secret. */
  secret?: string
}

/** The request, for `fetch` and for `new Request`. */
export function metaWebhook({ text, from = PERSON, secret = META.appSecret }: MetaMessage) {
  const body = TEMPLATE.replaceAll(PERSON, from)
    .replace(/wamid\.[^"]+/, `wamid.${uniquePrefix()}`)
    .replace(/"body":"[^"]*"/, () => `"body":${escaped(text)}`)
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  return { method: 'POST', headers: { 'content-type': 'application/json', 'x-hub-signature-256': signature }, body }
}

export const metaConversation = (from: string = PERSON) => `${ACCOUNT}/${from}@c.us`

/** The query of Meta's GET, which verifies an address; the answer is the challenge. */
export const metaHandshake = (challenge: string) =>
  `?hub.mode=subscribe&hub.verify_token=${META.verifyToken}&hub.challenge=${challenge}`

const escaped = (text: string) =>
  JSON.stringify(text)
    .replaceAll('/', '\\/')
    .replace(/[\u0080-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

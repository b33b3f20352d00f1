/**
 * A provider: whoever posts webhooks at us, and how to read them. One file each; `registry.ts` lists them.
 *
 * A provider turns a parsed body into items, one for each thing the body tells of. A body is read leniently, item by
 * item: one that cannot be used becomes an ignored item with a reason, and spoils none of the others.
 */
import type { NewMessage } from '../batch.js'

/** Where something was said. */
export interface Place {
  /** The receiving account, where the provider names it. */
  account?: string
  /** See `chat-id.ts`. */
  chatId: string
  isGroup: boolean
}

/** Somebody wrote. */
export interface MessageItem extends Place {
  kind: 'message'
  message: NewMessage
  /** The part of the body that this message is. */
  raw: unknown
}

/** A person answered from the business's own phone. What the bot itself sent is `ignored`, not this. */
export interface OwnItem extends Place {
  kind: 'own'
  messageId?: string
}

/** Somebody changed the text (or the caption) of what they had written. */
export interface EditItem extends Place {
  kind: 'edit'
  /** The id of the message that was changed. */
  messageId: string
  text: string
  senderId?: string
}

/** Somebody took back what they had written. */
export interface RevokeItem extends Place {
  kind: 'revoke'
  /** The id of the message that was taken back. */
  messageId: string
  senderId?: string
}

/** Somebody is typing, or recording. */
export interface TypingItem extends Place {
  kind: 'typing'
  /** The provider's word for it. */
  sign: string
  senderId?: string
}

/**
 * How long a sign of typing holds: WhatsApp's clients repeat it while it is true, and show it for about ten seconds.
 * https://baileys.wiki/docs/api/functions/makeWASocket ("the presence expires after about 10 seconds")
 */
export const TYPING_WORTH_MS = 10_000

/** Nothing for us. Answered with 200 all the same: anything else makes providers re-send it for days. */
export interface IgnoredItem {
  kind: 'ignored'
  /** A word or `word:detail`: `status`, `from_me`, `event:incomingCall`, `invalid:no_id`. */
  reason: string
  messageId?: string
  chatId?: string
}

export type Item = MessageItem | EditItem | RevokeItem | TypingItem | OwnItem | IgnoredItem

/** By name; absent where there is none. Names are lower case. */
export type HeaderReader = (name: string) => string | undefined

/** Secrets by provider, as `webhook({ providers })` and `createApp({ providers })` take them. */
export interface ProvidersOptions {
  /** Meta: the app's secret signs each webhook, the verify token is for the GET handshake. */
  meta?: { appSecret?: string; verifyToken?: string }
  /** Green-API's `webhookUrlToken`. */
  greenApi?: { webhookToken?: string }
  waha?: { hmacKey?: string }
  /** A webhook's header `apikey` or `Authorization: Bearer`, or its `jwt_key`. */
  evolution?: { apiKey?: string }
  /** Twilio signs the address it posts to: `publicUrl` is how the outside sees this server, without the route's path. */
  twilio?: { authToken?: string; publicUrl?: string }
  wazzup?: { crmKey?: string }
  wwebjs?: { apiKey?: string }
  /** Providers that may come unsigned although another one has a secret. */
  allowUnsigned?: 'all' | readonly string[]
}

/** A request as its signature is over it. */
export interface SignedRequest {
  /** The bytes as they came. */
  body: Buffer
  header: HeaderReader
  /** The path and the query it came to, as they stood in the request; a whole URL will do. */
  url?: string | undefined
}

/** What is wrong with a signature, without any secret. */
export interface Fault {
  reason: 'missing' | 'mismatch'
  message: string
}

/** How a provider proves that a webhook is its own. */
export interface Signature {
  /** Where the secret is set, for the log: `WHATSAPP_APP_SECRET (providers.meta.appSecret)`. */
  setting: string
  secret(options: ProvidersOptions): string | undefined
  /** Resolves to nothing where it is right. */
  fault(
    request: SignedRequest,
    secret: string,
    options: ProvidersOptions,
  ): Fault | undefined | Promise<Fault | undefined>
}

export interface Provider {
  /** As in the routes and in `Batch.provider`. */
  readonly name: string
  /** Whether a body of an unnamed provider is this one's, by its shape alone. Without it, it must be named. */
  recognises?(body: unknown): boolean
  /** @throws {UnreadableBody} where the body as a whole is not of this provider's shape */
  parse(body: unknown): Item[]
  signature?: Signature
}

/** A body that is nothing a provider sends: answered with 400. */
export class UnreadableBody extends Error {
  override name = 'UnreadableBody'
  constructor(
    readonly code: 'malformed' | 'unsupported_object' | 'invalid:no_chat',
    message: string,
  ) {
    super(message)
  }
}

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

/** Nothing for us. Answered with 200 all the same: anything else makes providers re-send it for days. */
export interface IgnoredItem {
  kind: 'ignored'
  /** A word or `word:detail`: `status`, `from_me`, `event:incomingCall`, `invalid:no_id`. */
  reason: string
  messageId?: string
  chatId?: string
}

export type Item = MessageItem | OwnItem | IgnoredItem

/** By name; absent where there is none. Names are lower case. */
export type HeaderReader = (name: string) => string | undefined

/** Secrets by provider, as `webhook({ providers })` and `createApp({ providers })` take them. */
export interface ProvidersOptions {
  /** Meta: the app's secret signs each webhook, the verify token is for the GET handshake. */
  meta?: { appSecret?: string; verifyToken?: string }
  /** Providers that may come unsigned although another one has a secret. */
  allowUnsigned?: 'all' | readonly string[]
}

/** How a provider proves that a webhook is its own. */
export interface Signature {
  /** Where the secret is set, for the log: `WHATSAPP_APP_SECRET (providers.meta.appSecret)`. */
  setting: string
  secret(options: ProvidersOptions): string | undefined
  /** Over the bytes as they came; `undefined`: it is right. Otherwise what is wrong with it, without any secret. */
  fault(rawBody: Buffer, header: HeaderReader, secret: string): string | undefined
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

/**
 * A provider: a service that posts webhooks, and how to read them. A provider is one file, which declares all of it
 * (name, options and their variables, signature, shape), and one entry in `registry.ts`. With options:
 * `signed-provider.ts`.
 *
 * A provider turns a parsed body into items, one for each event in the body. A body is read leniently, item by item: an
 * item that cannot be used becomes an ignored item with a reason, and the others are used all the same.
 */
import type { NewMessage } from '../batch.js'
import type { AnySettings, Declared, Read } from '../config/setting.js'

/** The conversation that an item belongs to. */
export interface Place {
  /** The receiving account, if the provider names it. */
  account?: string
  /** See `chat-id.ts`. */
  chatId: string
  isGroup: boolean
  /**
   * Ids that the body shows to be one person's: of the chat, in a group of the sender. The first is the one used here.
   */
  samePerson?: string[]
  /** Set by the receiver: the id by which a member of a group is known, whatever its provider calls the sender. */
  personId?: string
}

/** A person wrote a message. */
export interface MessageItem extends Place {
  kind: 'message'
  message: NewMessage
  /** The part of the body that contains this message. */
  raw: unknown
}

/** The business sent a message: a person answered from its phone, or it is the bot's. See `own-messages.ts`. */
export interface OwnItem extends Place, OwnMessage {
  kind: 'own'
}

/** A message that the business itself sent. */
export interface OwnMessage {
  /** Its id, if the provider names one. */
  messageId?: string
  /** Who sent it, if the provider says so. */
  by?: 'human' | 'bot'
  /** The bot's messages look the same, so it counts as a person's only where the bot's ids are known. */
  mayBeEcho?: true
}

/** A person edited the text (or the caption) of a message. */
export interface EditItem extends Place {
  kind: 'edit'
  /** The id of the message that was changed. */
  messageId: string
  text: string
  senderId?: string
}

/** A person revoked a message. */
export interface RevokeItem extends Place {
  kind: 'revoke'
  /** The id of the message that was revoked. */
  messageId: string
  senderId?: string
}

/** A person is typing, or recording; or has stopped. */
export interface TypingItem extends Place {
  kind: 'typing'
  /** The provider's word for it. */
  sign: string
  /** The typing has ended. */
  hasEnded?: true
  senderId?: string
}

/**
 * How long a sign of typing is valid: WhatsApp's clients repeat it while the person types, and show it for about 10 s
 * (https://baileys.wiki/docs/api/functions/makeWASocket: "the presence expires after about 10 seconds"). 2 s more, so
 * that the next sign comes in time.
 */
export const TYPING_WORTH_MS = 12_000

/**
 * Nothing that belongs in a batch. The webhook is still answered 200, since providers re-send other answers for days.
 */
export interface IgnoredItem {
  kind: 'ignored'
  /** A word or `word:detail`: `status`, `from_me`, `event:incomingCall`, `invalid:no_id`. */
  reason: string
  messageId?: string
  chatId?: string
}

/** Nothing but that ids are one person's (`samePerson`). */
export interface PersonItem extends Place {
  kind: 'person'
  /** As of an ignored item: it counts as one. */
  reason: string
  messageId?: string
}

/** An edit, or without a text a revocation, that names no chat: the message is found by its id within the account. */
export interface UnplacedItem {
  kind: 'unplaced'
  account?: string
  /** The id of the message that was changed. */
  messageId: string
  text?: string
}

export type PlacedItem = MessageItem | EditItem | RevokeItem | TypingItem | OwnItem | PersonItem

export type Item = PlacedItem | UnplacedItem | IgnoredItem

/** Returns a header by its lower-case name; `undefined` if there is none. */
export type HeaderReader = (name: string) => string | undefined

/** The part of a request that comes before its body. */
export interface RequestHead {
  header: HeaderReader
}

/** The parts of a request that a signature covers. */
export interface SignedRequest extends RequestHead {
  /** The bytes as they were received. */
  body: Buffer
  /** The path and the query of the request, unchanged; or the whole URL. */
  url?: string | undefined
}

/** What is wrong with a signature. The message contains no secret. */
export interface Fault {
  reason: 'missing' | 'mismatch'
  message: string
}

/** How a provider proves that a webhook is its own, given the options of all providers. */
export interface Signature {
  /** Where the secret is set, for the log: `WHATSAPP_APP_SECRET (providers.meta.appSecret)`. */
  readonly setting: string
  /** `undefined` or empty: none is set. */
  secret(options: OptionsByProvider): string | undefined
  /** Resolves to nothing if the headers show no fault: they are checked before the body is read. */
  headerFault(
    head: RequestHead,
    secret: string,
    options: OptionsByProvider,
  ): Fault | undefined | Promise<Fault | undefined>
  /** Resolves to nothing if the signature is right. */
  fault(
    request: SignedRequest,
    secret: string,
    options: OptionsByProvider,
  ): Fault | undefined | Promise<Fault | undefined>
  /** What is wrong with the provider's own options: a secret that is given but empty, or beside `unsigned`. */
  optionsFault(options: OptionsByProvider): string | undefined
  /** What is missing beside the secret; `undefined`: nothing. */
  lacks(options: OptionsByProvider): Lack | undefined
}

/** A secret of which another option is missing, without which it is of no use. */
export interface Lack {
  secret: OptionNames
  other: OptionNames
  because: string
  remedy: string
}

/** An option by its two names: `WAHA_HMAC_KEY`, `providers.waha.hmacKey`. */
export interface OptionNames {
  variable: string
  option: string
}

/** The library's option `providers`, for any list of providers. For Lull's own: `ProvidersOptions` in registry.ts. */
export type OptionsByProvider = Readonly<Record<string, unknown>>

export interface Provider {
  /** As in the routes and in `Batch.provider`. */
  readonly name: string
  /** As people call it. */
  readonly title: string
  /** Whether the body of an unnamed provider is this one's, by its shape alone. Without it, it must be named. */
  recognises?(body: unknown): boolean
  /** @throws {UnreadableBody} if the body as a whole is not of this provider's shape */
  parse(body: unknown): Item[]
  /**
   * The same one by one, for bodies that may hold many: other requests are handled in between (webhook/slices.ts).
   * @throws as `parse`, with the first item at the latest
   */
  items?(body: unknown): Iterable<Item>
  /** Its options and their environment variables. Without them its webhooks are always unsigned. */
  readonly settings?: AnySettings
  /** The key of its options in `providers`. */
  readonly option?: string
  readonly signature?: Signature
  /** Adds its options, as the environment has them, to those of the other providers. */
  configure?(options: Record<string, unknown>, environment: ProviderEnvironment): void
}

/** The environment, as a provider reads its options from it. */
export interface ProviderEnvironment {
  read: Read
  isGiven(declared: Declared): boolean
}

/** The body has a shape that the provider never sends: answered 400. */
export class UnreadableBody extends Error {
  override name = 'UnreadableBody'
  constructor(
    readonly code: 'malformed' | 'unsupported_object' | 'invalid:no_chat',
    message: string,
  ) {
    super(message)
  }
}

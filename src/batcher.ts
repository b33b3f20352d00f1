/**
 * The batcher: messages in. Any program appends with it, an API server's webhooks among them; who processes them is a
 * `Processor`, here or elsewhere.
 */
import type { MessageType, NewMessage, StoredMessage } from './batch.js'
import { type Logger, silent } from './logger.js'
import type { Observer } from './observer.js'
import type {
  AnsweredResult,
  AnswerOutcome,
  AppendResult,
  ConversationState,
  ConversationSummary,
  DeadBatch,
  EditResult,
  ForgetResult,
  HistoryEntry,
  RevokeResult,
  Store,
  StoreIdentity,
} from './store/store.js'
import { type StoreOptions, storeFrom } from './store/store-options.js'

export interface BatcherOptions extends StoreOptions {
  /** `false`: every message is handed over alone and at once. */
  batching?: boolean
}

/** A message to append: `messageId` and what it says; the rest may be left out. */
export interface AppendMessage extends NewMessage {
  /** Where it came from; `generic` if nothing is said. */
  provider?: string
  isGroup?: boolean
}

export interface AppendOptions {
  /** Each message is handed over alone and without a quiet gap, behind whatever the conversation has open. */
  direct?: boolean
}

/** What receives messages: a `Batcher`, or anything that stands in for one. */
export interface Appender {
  append(
    conversationId: string,
    messages: AppendMessage | AppendMessage[],
    options?: AppendOptions,
  ): Promise<AppendResult>
  typing(conversationId: string, worthMs?: number): Promise<{ batchId: string; dueInMs: number } | undefined>
}

const DEFAULT_TYPE: MessageType = 'text'

export class Batcher implements Appender {
  readonly store: Store
  private readonly batching: boolean
  private readonly observer: Observer
  private readonly log: Logger
  private readonly ownsStore: boolean
  private opening: Promise<StoreIdentity> | undefined

  /** @throws {RangeError} for a rule out of its bounds */
  constructor(options: BatcherOptions) {
    this.ownsStore = options.store === undefined
    this.store = options.store ?? storeFrom(options, 'batcher')
    this.batching = options.batching ?? true
    this.observer = options.observer ?? {}
    this.log = options.log ?? silent
  }

  /** Connects; every other call does so by itself. Rejects with one line that names what is wrong and the remedy. */
  open(): Promise<StoreIdentity> {
    this.opening ??= this.store.open().catch(error => {
      this.opening = undefined
      throw error
    })
    return this.opening
  }

  async close(): Promise<void> {
    if (this.ownsStore) await this.store.close()
  }

  /**
   * Adds messages to a conversation. Those whose id the conversation has seen before are counted and dropped.
   *
   * @param conversationId `<chatId>` or `<account>/<chatId>`, see `conversationIdOf`
   * @throws {TypeError} for a conversation or a message without an id
   * @throws {StoreUnavailable} where Redis cannot be written now: nothing was, try again
   * @throws {ForeignKey} where a key that Lull needs holds something else
   */
  async append(
    conversationId: string,
    messages: AppendMessage | AppendMessage[],
    { direct = false }: AppendOptions = {},
  ): Promise<AppendResult> {
    if (typeof conversationId !== 'string' || conversationId === '')
      throw new TypeError(`conversationId=${JSON.stringify(conversationId)}: it must be a string, and not empty`)
    const stored = (Array.isArray(messages) ? messages : [messages]).map(storedMessage)
    if (stored.length === 0) return { accepted: 0, duplicates: 0, tooOld: 0 }
    await this.open()
    const startedAtMs = performance.now()
    const result = await this.store.append({ conversationId, messages: stored, direct: direct || !this.batching })
    this.observer.appended?.(performance.now() - startedAtMs)
    const { accepted, duplicates, batchId, dueInMs } = result
    if (accepted > 0) this.log.info({ conversationId, batchId, accepted, duplicates, dueInMs }, 'appended')
    else this.log.debug({ conversationId, duplicates }, 'nothing new')
    return result
  }

  /** A sign that the person is typing: worth `worthMs` of silence more, within the max wait. */
  async typing(conversationId: string, worthMs?: number) {
    await this.open()
    return this.store.extend(conversationId, worthMs ?? this.store.rules.quietGapMs)
  }

  /** Seals the open batch and makes it due. `undefined`: there was none. */
  async flush(conversationId: string) {
    await this.open()
    return this.store.flush(conversationId)
  }

  /** Discards the messages that no processor has claimed yet; resolves to how many. */
  async drop(conversationId: string): Promise<number> {
    await this.open()
    return this.store.drop(conversationId)
  }

  /**
   * Erases everything that is kept of a conversation, its history and dead batches too. Not what was handed over: that is
   * the receiver's. A message that is delivered again is new afterwards.
   */
  async forget(conversationId: string): Promise<ForgetResult> {
    await this.open()
    return this.store.forget(conversationId)
  }

  /** A message was edited: replaces its text (or caption), unless a processor has claimed it. */
  async edit(conversationId: string, messageId: string, text: string): Promise<EditResult> {
    await this.open()
    return this.store.edit({ conversationId, messageId, text })
  }

  /** A message was deleted by who wrote it: takes it out, unless a processor has claimed it; remembers one to come. */
  async revoke(conversationId: string, messageId: string): Promise<RevokeResult> {
    await this.open()
    return this.store.revoke(conversationId, messageId)
  }

  /** The work on a batch has ended: its conversation's next one may go. */
  async answered(batchId: string, outcome: AnswerOutcome = 'completed'): Promise<AnsweredResult> {
    await this.open()
    const result = await this.store.answered(batchId, outcome)
    if (result.freed) this.observer.answered?.(outcome, undefined)
    return result
  }

  /**
   * Hands a dead batch over again, or several of one conversation, in this order. `undefined`: not all of them are dead,
   * and nothing was changed.
   */
  async redrive(...batchIds: [string, ...string[]]): Promise<{ conversationId: string } | undefined> {
    await this.open()
    return this.store.redrive(...batchIds)
  }

  async conversation(conversationId: string): Promise<ConversationState> {
    await this.open()
    return this.store.conversation(conversationId)
  }

  async conversations(limit = 100): Promise<ConversationSummary[]> {
    await this.open()
    return this.store.conversations(limit)
  }

  /** Newest first. */
  async history(query: { conversationId?: string; limit?: number } = {}): Promise<HistoryEntry[]> {
    await this.open()
    return this.store.history({ limit: 100, ...query })
  }

  async dead(limit = 100): Promise<DeadBatch[]> {
    await this.open()
    return this.store.dead(limit)
  }

  /** Resolves if messages can be taken now; rejects with a `StoreUnavailable` that says why not. */
  async ready(): Promise<void> {
    await this.open()
    return this.store.ready()
  }
}

function storedMessage(message: AppendMessage): StoredMessage {
  const { messageId, type = DEFAULT_TYPE } = message
  if (typeof messageId !== 'string' || messageId === '')
    throw new TypeError(
      `messageId=${JSON.stringify(messageId)}: a message needs an id, as repeated deliveries are known by it`,
    )
  if (isAsStored(message)) return { ...message, type }
  const { isGroup: _, ...rest } = message
  return { ...rest, type }
}

/** As it is stored: only that it is a group's is said. */
const isAsStored = (message: AppendMessage): message is AppendMessage & { isGroup?: true } =>
  message.isGroup === undefined || Boolean(message.isGroup)

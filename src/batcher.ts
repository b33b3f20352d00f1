/**
 * The batcher: messages in. Any program appends with it; so do the API's webhooks. A `Processor`, in this process or
 * another one, claims the batches and hands them over.
 */
import type { MessageType, NewMessage, StoredMessage } from './batch.js'
import { checkId, checkIds, checkLimit, checkText } from './check-arguments.js'
import { checkMessage } from './check-message.js'
import { checkOptions, type NamesOf } from './config/known-options.js'
import { anObject, faultOf, flag, oneOf } from './config/option-checks.js'
import type { CommitStore } from './handover/answering-run.js'
import { Commits } from './handover/commits.js'
import { holdKeyOf, holdKeyOfMessage, holdTimeOf } from './holding.js'
import { type Logger, silent } from './logger.js'
import type { Observer } from './observer.js'
import { type OnOwnMessage, type OwnArrival, OwnMessages, type OwnResult } from './own-messages.js'
import { type PausedConversation, type PauseOptions, pauseRequest } from './pause.js'
import { isHiddenId } from './providers/chat-id.js'
import { TYPING_WORTH_MS } from './providers/provider.js'
import type { ProviderName } from './providers/provider-types.js'
import { type ReadyOptions, readyWithin } from './ready-within.js'
import { reportAnswered } from './report-answered.js'
import { SettingsEditor } from './settings/edit.js'
import type { ConversationSettings } from './settings/overrides.js'
import { type GivenRules, RuleBook, type RulesFor } from './settings/rule-book.js'
import { refuseUnknownOptions } from './store/option-names.js'
import {
  type AccountClaim,
  type AnsweredResult,
  type AnswerOutcome,
  type AppendRequest,
  type AppendResult,
  type CommitResult,
  type ConversationState,
  type ConversationSummary,
  type DeadBatch,
  type EditResult,
  type ForgetResult,
  type HistoryEntry,
  type PauseResult,
  type RevokeResult,
  type Store,
  type StoreIdentity,
  StoreUnavailable,
} from './store/store.js'
import { type StoreOptions, storeOf } from './store/store-options.js'
import type { TelemetryApi } from './telemetry/api.js'
import { Traces } from './telemetry/traces.js'
import type { Aliases } from './webhook/people.js'

/**
 * A store (`redis` or `store`), and how to batch. A union: to add fields of your own, intersect it
 * (`type Own = BatcherOptions & { … }`), since an interface cannot extend it.
 */
export type BatcherOptions = StoreOptions & BatchingOptions

/** What only a `Batcher` has an option for. */
export interface BatchingOptions {
  /**
   * `false`: every message is handed over alone and at once.
   * @defaultValue true
   */
  batching?: boolean
  /**
   * What a person's message from the business's own phone does, where a webhook has no option of its own: `ignore`,
   * `drop` the open batch, or `pause` the conversation.
   * @defaultValue 'ignore'
   */
  onOwnMessage?: ConversationSettings['onOwnMessage']
  /** Decides the rules for messages before they are appended. It is waited for at most a second. */
  rulesFor?: RulesFor
}

/**
 * A message to append. Only `messageId` is required.
 * @typeParam Meta of `meta`
 */
export interface AppendMessage<Meta = unknown> extends NewMessage<Meta> {
  /**
   * Whose message it is: the batch says so.
   * @defaultValue 'generic'
   */
  provider?: ProviderName
  /**
   * Whether the conversation is a group chat.
   * @defaultValue false
   */
  isGroup?: boolean
}

/** How messages are appended. */
export interface AppendOptions {
  /**
   * Each message is handed over alone and without a quiet gap, after the batch that its conversation has open.
   * @defaultValue false
   */
  direct?: boolean
  /** Rules for this conversation, before all others. `flush`: these messages end their batch. */
  rules?: GivenRules
}

/** Which steps `history` reads. */
export interface HistoryQuery {
  /** Only of this conversation. */
  conversationId?: string
  /**
   * At most so many.
   * @defaultValue 100
   */
  limit?: number
}

/** What a webhook appends to: a `Batcher`, or an object with the same two methods. */
export interface Appender {
  /** As `Batcher.append`. */
  append(
    conversationId: string,
    messages: AppendMessage | AppendMessage[],
    options?: AppendOptions,
  ): Promise<AppendResult>
  /** As `Batcher.typing`. */
  typing(conversationId: string, worthMs?: number): Promise<{ batchId: string; dueInMs: number } | undefined>
}

const APPEND_OPTIONS: NamesOf<AppendOptions> = { direct: flag, rules: anObject }
const PAUSE_OPTIONS: NamesOf<PauseOptions> = { keep: true }
const HISTORY_QUERY: NamesOf<HistoryQuery> = { conversationId: true, limit: true }
const READY_OPTIONS: NamesOf<ReadyOptions> = { timeoutMs: true }
const OUTCOME = oneOf(['completed', 'failed'])
const DEFAULT_TYPE: MessageType = 'text'
/** Batch ids that are kept to count a repeated report of an answer once, in concurrent order. */
const MOST_REPORTED = 10_000

/**
 * Takes messages, and reads and changes what waits. Any number of them may run. Every method connects by itself, and
 * rejects with a `TypeError` for an id or a text that is none, and with a `StoreUnavailable` if Redis cannot be used now.
 * @typeParam Meta of each message's `meta`
 */
export class Batcher<Meta = unknown> implements Appender {
  /** Its own, or the one that was given. */
  readonly store: Store
  /** Which ids are one person's: for webhooks. */
  readonly aliases: Aliases = {
    learn: async (...args) => (await this.opened()).learn(...args),
    resolve: async (...args) => (await this.opened()).resolve(...args),
    samePerson: async (...args) => (await this.opened()).samePerson(...args),
    merge: async (...args) => (await this.opened()).merge(...args),
    followAliases: async (...args) => (await this.opened()).followAliases(...args),
  }
  /**
   * The answers that this process works on: for `answering` and `toBullmq`. Asks Redis whatever `answering` the rules
   * name, as a worker may not have been given the processors' rules.
   */
  readonly commits: Commits
  /** Reads and changes the rules that are stored by scope. */
  readonly settings: SettingsEditor
  /** As given: webhooks and workers of this batcher trace with it, too. */
  readonly telemetry: TelemetryApi | undefined
  private readonly traces: Traces | undefined
  private readonly book: RuleBook
  private readonly own: OwnMessages
  private readonly observer: Observer
  private readonly log: Logger
  private readonly ownsStore: boolean
  private readonly reported = new Set<string>()
  private opening: Promise<StoreIdentity> | undefined
  /** With its own store, which is of no use any more. */
  private closed = false

  /**
   * @throws {TypeError} for an unknown option
   * @throws {RangeError} for a rule out of its bounds
   */
  constructor(options: BatcherOptions) {
    refuseUnknownOptions<BatcherOptions>('Batcher', options)
    this.ownsStore = options.store === undefined
    this.store = storeOf(options, 'batcher')
    this.observer = options.observer ?? {}
    this.telemetry = options.telemetry
    this.traces = options.telemetry && new Traces(options.telemetry)
    this.log = options.log ?? silent
    const { observer } = this
    this.commits = new Commits(this.granting(), { observer, asks: true })
    const { rules } = this.store
    const process = { rules, batching: options.batching ?? true, onOwnMessage: options.onOwnMessage ?? 'ignore' }
    this.settings = new SettingsEditor({
      open: () => this.opened(),
      canonical: scope => this.canonical(scope),
      process,
    })
    this.own = new OwnMessages({ store: this.store })
    this.book = new RuleBook({
      store: this.store,
      ...process,
      rulesFor: options.rulesFor,
      log: this.log,
    })
  }

  /** Connects. Every other method does so by itself. Rejects with one line that names what is wrong and the remedy. */
  open(): Promise<StoreIdentity> {
    if (this.closed) return Promise.reject(new StoreUnavailable('other', 'the batcher is closed: make another one'))
    this.opening ??= this.connect().catch(error => {
      this.opening = undefined
      throw error
    })
    return this.opening
  }

  private async connect(): Promise<StoreIdentity> {
    const identity = await this.store.open()
    if (this.traces) this.traces.destination = identity.prefix
    await this.book.stored.start()
    return identity
  }

  private async opened(): Promise<Store> {
    await this.open()
    return this.store
  }

  /** Closes the connections, but not a store that was given. May be called twice. */
  async close(): Promise<void> {
    await Promise.all([this.commits.stop(), this.book.stored.stop()])
    if (!this.ownsStore) return
    this.closed = true
    await this.store.close()
  }

  /**
   * Adds messages to a conversation. Those whose id the conversation has seen before are counted and dropped.
   *
   * @param conversationId `<chatId>` or `<account>/<chatId>`, see `conversationIdOf`
   * @param messages one or many. Their `meta` may be any JSON; it is stored with the message, and counts in `maxBytes`
   * @throws {TypeError} for a conversation or a message without an id, and for a field of a message that cannot be used
   * @throws {RangeError} for a rule out of its bounds
   * @throws {StoreUnavailable} if Redis cannot be written now, or the store drains: nothing was stored, try again
   * @throws {ForeignKey} if a key that Lull needs holds something else
   */
  async append(
    conversationId: string,
    messages: AppendMessage<Meta> | AppendMessage<Meta>[],
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    checkId('conversationId', conversationId)
    checkOptions('append()', options, APPEND_OPTIONS)
    const { direct = false, rules } = options
    const stored = (Array.isArray(messages) ? messages : [messages]).map(storedMessage)
    if (stored.length === 0) return { accepted: 0, duplicates: 0, tooOld: 0 }
    await this.open()
    this.book.stored.refuseWhileDraining()
    const startedAtMs = performance.now()
    const { settings, own, flush } = await this.book.forAppend(conversationId, stored, rules)
    const { store, traces } = this
    const request: AppendRequest = {
      conversationId,
      messages: stored,
      direct: direct || !settings.batching,
      flush,
      ...(own ? { rules: own } : {}),
    }
    const result = await (traces ? traces.append(request, () => store.append(request)) : store.append(request))
    this.observer.appended?.(performance.now() - startedAtMs)
    const { accepted, duplicates, batchId, dueInMs } = result
    if (accepted > 0) this.log.info({ conversationId, batchId, accepted, duplicates, dueInMs }, 'appended')
    else this.log.debug({ conversationId, duplicates }, 'nothing new')
    return result
  }

  /**
   * The person is typing: the open batch is due no earlier than in `worthMs`, within the max wait. 0: the typing has
   * ended, which counts only if the conversation has a `typingGapMs`.
   * @param worthMs milliseconds; by default the quiet gap; with a `typingGapMs` 12 s, in which the next sign would come
   * @returns the open batch, and until it is due. `undefined`: nothing is open, or it is due already
   */
  async typing(conversationId: string, worthMs?: number): Promise<{ batchId: string; dueInMs: number } | undefined> {
    const canonical = await this.canonical(conversationId)
    const { settings, own } = this.book.settingsOf(canonical)
    const { typingGapMs, quietGapMs } = settings
    if (worthMs === 0 && typingGapMs === 0) return undefined
    const usualMs = typingGapMs > 0 ? TYPING_WORTH_MS : quietGapMs
    return this.store.extend(canonical, worthMs ?? usualMs, own ? { rules: own } : {})
  }

  /** For webhooks: the person has stopped typing. As `typing(conversationId, 0)`. */
  async typingEnded(conversationId: string): Promise<{ batchId: string; dueInMs: number } | undefined> {
    return this.typing(conversationId, 0)
  }

  /**
   * Holds back the open batch, and the next one if none is open, until `release` is called or the time has passed:
   * within the max wait, or `holdMaxMs` if that is longer. One key holds once; a repeated call sets its time anew.
   * @param key of at most 200 characters, that does not begin with a quotation mark
   * @param forMs 1 to 86,400,000 (a day); by default what the rule `holdMs` of the conversation says
   * @returns until the open batch is due now
   * @throws {RangeError} for a key or a time out of its bounds
   */
  async hold(conversationId: string, key: string, forMs?: number): Promise<{ dueInMs?: number }> {
    const held = holdKeyOf(key)
    const canonical = await this.canonical(conversationId)
    return this.store.hold(canonical, held, holdTimeOf(this.book.settingsOf(canonical).settings, forMs))
  }

  /**
   * Ends a hold: the batch is due at once if its quiet gap has passed.
   * @param key of a hold, or the id of a message that holds back its batch until its text comes
   * @returns whether there was such a hold
   */
  async release(conversationId: string, key: string): Promise<boolean> {
    const held = holdKeyOf(key)
    const canonical = await this.canonical(conversationId)
    return (await this.store.release(canonical, held)) || (await this.store.release(canonical, holdKeyOfMessage(held)))
  }

  /**
   * For a worker of your own: may it send the answer to this batch? Does not wait for the due time.
   */
  async commit(batchId: string): Promise<CommitResult> {
    checkId('batchId', batchId)
    await this.open()
    const result = await this.store.commit(batchId)
    if (result.state === 'go') this.observer.committed?.(result.again ? 'again' : 'go')
    else if (result.state !== 'wait') this.observer.committed?.(result.state)
    return result
  }

  /** Seals the open batch and makes it due. `undefined`: the conversation has none. */
  async flush(conversationId: string): Promise<{ batchId: string; count: number } | undefined> {
    return this.store.flush(await this.canonical(conversationId))
  }

  /** Discards the messages that no processor has claimed yet; resolves to how many. */
  async drop(conversationId: string): Promise<number> {
    return this.store.drop(await this.canonical(conversationId))
  }

  /**
   * A person answers: nothing that waits or comes is handed over until `forMs` have passed or `resume` is called. An
   * answer that is not committed is superseded; another one goes on. A repeated call sets the end anew.
   *
   * @param forMs 1,000 to 2,592,000,000 (30 days); by default what the rule `pauseMs` of the conversation says
   * @throws {RangeError} for a `forMs` or a `keep` that cannot be used
   */
  async pause(conversationId: string, forMs?: number, options: PauseOptions = {}): Promise<PauseResult> {
    checkOptions('pause()', options, PAUSE_OPTIONS)
    const canonical = await this.canonical(conversationId)
    const result = await this.store.pause(
      canonical,
      pauseRequest(this.book.settingsOf(canonical).settings, forMs, options),
    )
    this.log.info({ conversationId: canonical, ...result }, 'paused')
    return result
  }

  /** Ends a pause before its time; resolves to whether there was one. What was collected is due a quiet gap after its last message. */
  async resume(conversationId: string): Promise<boolean> {
    const canonical = await this.canonical(conversationId)
    const wasPaused = await this.store.resume(canonical)
    if (wasPaused) this.log.info({ conversationId: canonical }, 'resumed')
    return wasPaused
  }

  /** Paused conversations, the first to go on first. At most `limit`, 100 by default. */
  async paused(limit = 100): Promise<PausedConversation[]> {
    checkLimit(limit)
    await this.open()
    return this.store.paused(limit)
  }

  /**
   * The bot sent these messages: call it with the ids that the call which sends returns. Their webhooks then never count
   * as a person's answer from the business's own phone; a pause that they caused already ends.
   */
  async sent(conversationId: string, ...messageIds: string[]): Promise<{ resumed: boolean }> {
    checkIds('messageId', messageIds)
    const canonical = await this.canonical(conversationId)
    return { resumed: await this.own.sent(canonical, messageIds) }
  }

  /** For webhooks: what own messages do in each conversation. */
  async ownMessageRules(): Promise<(conversationId: string, otherwise?: OnOwnMessage) => OnOwnMessage> {
    await this.open()
    return (conversationId, otherwise) => {
      const { settings, scopes } = this.book.settingsOf(conversationId)
      return scopes.onOwnMessage === undefined ? (otherwise ?? settings.onOwnMessage) : settings.onOwnMessage
    }
  }

  /** For webhooks: an own message came to a conversation in which it drops or pauses, unless the bot sent it. */
  async ownMessage(arrival: OwnArrival): Promise<OwnResult> {
    const { conversationId, message, rule } = arrival
    checkId('conversationId', conversationId)
    await this.open()
    const result = await this.own.came(arrival, this.book.settingsOf(conversationId).settings)
    const how = { conversationId, messageId: message.messageId, rule }
    if (result === 'paused' || result === 'dropped') this.log.info(how, `${result}: a person has answered`)
    else this.log.debug({ ...how, result }, 'an own message does nothing')
    return result
  }

  /**
   * Erases everything that is kept of a conversation and of the person's other ids, history and dead batches included.
   * What was handed over stays with its receiver. A message that is delivered again afterwards is new.
   */
  async forget(conversationId: string): Promise<ForgetResult> {
    checkId('conversationId', conversationId)
    await this.open()
    await this.settings.forget([conversationId, ...(await this.store.samePerson(conversationId))])
    return this.store.forget(conversationId)
  }

  /**
   * Replaces the text (or caption) of a message that its sender has edited, unless a processor has claimed it.
   * @param text the new one; it may be empty
   * @param authors the ids of the person who edits: one of them must be the message's `senderId`. Without them the
   *   author is not checked
   */
  async edit(
    conversationId: string,
    messageId: string,
    text: string,
    authors: readonly string[] = [],
  ): Promise<EditResult> {
    checkId('conversationId', conversationId)
    checkId('messageId', messageId)
    checkText('text', text)
    checkIds('authors', authors)
    await this.open()
    return this.store.edit({ conversationId, messageId, text, authors })
  }

  /**
   * Removes a message that its sender has deleted, unless a processor has claimed it. If the message has not come yet,
   * it is dropped when it comes, unless `authors` are given: its author is not known yet.
   * @param authors as for `edit`
   */
  async revoke(conversationId: string, messageId: string, authors: readonly string[] = []): Promise<RevokeResult> {
    checkId('conversationId', conversationId)
    checkId('messageId', messageId)
    checkIds('authors', authors)
    await this.open()
    return this.store.revoke(conversationId, messageId, authors)
  }

  /** The provider that an account belongs to, see `Store.accountOwner`. Webhooks ask for it before they write. */
  async accountOwner(claim: AccountClaim): Promise<string | undefined> {
    checkText('account', claim.account)
    checkId('provider', claim.provider)
    await this.open()
    return this.store.accountOwner(claim)
  }

  /**
   * The conversation of an account in which a message with this id waits, for an edit that names no chat. Groups are
   * left out, and so is what lies beyond the 1,000 conversations that are due last.
   */
  async findMessage(account: string | undefined, messageId: string): Promise<string | undefined> {
    if (account !== undefined) checkId('account', account)
    checkId('messageId', messageId)
    await this.open()
    return this.store.findMessage(account, messageId)
  }

  /**
   * The work on a batch has ended: its conversation's next batch may be claimed. Only for a handover that answered
   * `taken`, such as `http()` after a 202; a repeated call changes nothing.
   * @param outcome `completed` by default
   */
  async answered(batchId: string, outcome: AnswerOutcome = 'completed'): Promise<AnsweredResult> {
    checkId('batchId', batchId)
    const fault = faultOf('outcome', outcome, OUTCOME)
    if (fault) throw fault
    await this.open()
    const { store, log, observer, traces } = this
    const isFirst = this.isFirstReport(batchId)
    try {
      return await reportAnswered({ store, log, observer, traces }, { batchId, outcome, isFirst })
    } catch (error) {
      this.reported.delete(batchId)
      throw error
    }
  }

  /**
   * Hands a dead batch over again, or several of one conversation, in this order. `undefined`: not all of them are
   * dead, so none was moved.
   */
  async redrive(...batchIds: [string, ...string[]]): Promise<{ conversationId: string } | undefined> {
    checkIds('batchId', batchIds.length === 0 ? [undefined] : batchIds)
    await this.open()
    const redriven = await this.store.redrive(...batchIds)
    if (redriven === undefined) return undefined
    // The person's conversation may have become another one while the batches were dead.
    const { conversationId } = redriven
    const canonical = await this.canonical(conversationId)
    if (canonical !== conversationId) await this.store.merge(conversationId, canonical)
    return { conversationId: canonical }
  }

  /** Erases dead batches with their messages. Resolves to how many: those that are not dead are left as they are. */
  async discardDead(...batchIds: string[]): Promise<number> {
    checkIds('batchId', batchIds)
    await this.open()
    return this.store.discardDead(batchIds)
  }

  /** What a conversation has now: its open batch, what waits, what holds or pauses it. */
  async conversation(conversationId: string): Promise<ConversationState> {
    return this.store.conversation(await this.canonical(conversationId))
  }

  /** Conversations with messages, the first due first, then those that are held. At most `limit`, 100 by default. */
  async conversations(limit = 100): Promise<ConversationSummary[]> {
    checkLimit(limit)
    await this.open()
    return this.store.conversations(limit)
  }

  /**
   * The last steps in the lives of batches, without texts, newest first.
   * @param query of one conversation; at most `limit` steps, 100 by default
   */
  async history(query: HistoryQuery = {}): Promise<HistoryEntry[]> {
    checkOptions('history()', query, HISTORY_QUERY)
    const { conversationId, limit = 100 } = query
    if (conversationId !== undefined) checkId('conversationId', conversationId)
    checkLimit(limit)
    await this.open()
    return this.store.history({ ...(conversationId === undefined ? {} : { conversationId }), limit })
  }

  /** Batches whose handover has failed for good, the last first. At most `limit`, 100 by default. */
  async dead(limit = 100): Promise<DeadBatch[]> {
    checkLimit(limit)
    await this.open()
    return this.store.dead(limit)
  }

  /**
   * Resolves if messages can be taken now; rejects with a `StoreUnavailable` that says why not. With `timeoutMs` it waits
   * so long for Redis, and ends a connection on which nothing comes back: for a program that was frozen.
   */
  async ready(options: ReadyOptions = {}): Promise<void> {
    checkOptions('ready()', options, READY_OPTIONS)
    const { timeoutMs = 0 } = options
    const look = async () => (await this.opened()).ready()
    if (timeoutMs <= 0) return look()
    return readyWithin({ look, reconnect: () => this.store.reconnect?.(), timeoutMs })
  }

  /** The person's conversation, for a hidden id whose person is known. @throws {TypeError} for what is no id */
  private async canonical(conversationId: string): Promise<string> {
    checkId('conversationId', conversationId)
    await this.open()
    if (!isHiddenId(conversationId)) return conversationId
    const [canonical = conversationId] = await this.store.samePerson(conversationId)
    return canonical
  }

  /**
   * The store as `Commits` needs it. In `queue` a batch that Lull does not know any more is worked on and answered all
   * the same: in concurrent order it holds nothing, and a failed job may be tried again by hand.
   */
  private granting(): CommitStore {
    const { rules, rulesInUse } = this.store
    return {
      rules,
      rulesInUse,
      commit: async batchId => {
        const result = await (await this.opened()).commit(batchId)
        return !rulesInUse.supersede && result.state === 'unknown' ? { state: 'go' } : result
      },
      holdState: async batchId => {
        const state = await (await this.opened()).holdState(batchId)
        return !rulesInUse.supersede && state === 'unknown' ? 'held' : state
      },
      followSuperseded: async listener => (await this.opened()).followSuperseded(listener),
    }
  }

  private isFirstReport(batchId: string): boolean {
    if (this.reported.has(batchId)) return false
    this.reported.add(batchId)
    const [oldest] = this.reported
    if (oldest !== undefined && this.reported.size > MOST_REPORTED) this.reported.delete(oldest)
    return true
  }
}

function storedMessage(message: AppendMessage): StoredMessage {
  checkMessage(message)
  const { type = DEFAULT_TYPE } = message
  if (isAsStored(message)) return { ...message, type }
  const { isGroup: _, ...rest } = message
  return { ...rest, type }
}

/** `isGroup` is stored only if it is true. */
const isAsStored = (message: AppendMessage): message is AppendMessage & { isGroup?: true } =>
  message.isGroup === undefined || Boolean(message.isGroup)

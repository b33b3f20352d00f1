/**
 * A webhook from its bytes to its reply, whatever server it came through: find its provider, check the sender, read the
 * items, find the persons, plan the steps in each conversation, store them.
 *
 * The reply is sent when the messages are stored. If the store fails, a webhook for several conversations may be half
 * stored: the reply is 503, the provider sends the webhook again, and what was stored counts as duplicate then.
 */
import { checkBodyHeaders, parseBody } from '../http/body.js'
import { BodyBounds, type BodyLease } from '../http/body-bounds.js'
import { ErrorReplies, Refusal } from '../http/refusal.js'
import type { Reply } from '../http/respond.js'
import { shown } from '../http/shown.js'
import { type Logger, logsDebug, silent } from '../logger.js'
import type { Counts, Observer } from '../observer.js'
import type { OnOwnMessage } from '../own-messages.js'
import type { HeaderReader, Item, Provider, SignedRequest } from '../providers/provider.js'
import { providers as allProviders, type Providers } from '../providers/registry.js'
import type { AppendResult } from '../store/store.js'
import { Traces } from '../telemetry/traces.js'
import type { WebhookSpan } from '../telemetry/webhook-span.js'
import { Accounts, type Sender } from './accounts.js'
import { checkHead, checkSender, refuseWebPages, type Trust, trustIn } from './authenticate.js'
import { doorReason } from './door.js'
import { answerHandshake } from './handshake.js'
import { Identities } from './identity.js'
import type { WebhookOptions } from './options.js'
import { type Rejection, Rejections, UNKNOWN_PROVIDER } from './rejections.js'
import { inSlices, ownTurn } from './slices.js'
import { addToPlan, emptyPlan, type StepRules } from './steps.js'
import { type Receiving, storeSteps } from './store-steps.js'
import type { Storing } from './twins.js'
import { placedItems } from './unplaced.js'

export type { Rejection, Rejections }

export interface ReceiverOptions extends Omit<WebhookOptions, 'provider' | 'direct'> {
  /** The providers there are. Default all of Lull's. */
  known?: Providers
  /**
   * Only programs on this machine reach the server: while no provider has a secret, webhooks that no proxy forwarded
   * are accepted unsigned. Default no: a provider without a secret is refused unless it is named as unsigned.
   */
  isLocal?: boolean
  /** Counts refused webhooks. Default one of the receiver's own. */
  rejections?: Rejections
  /** Called after each append. */
  onAppended?: (result: AppendResult) => void
  /** Counts bytes of bodies for more than this receiver. Default one of its own, by `maxBodyBytes…`. */
  bodies?: BodyBounds
}

export interface Delivery {
  /** The bytes, or what reads them: it is called when the headers have been checked, and counts what it reads. */
  body: Buffer | ((lease: BodyLease) => Promise<Buffer>)
  header: HeaderReader
  /** The path and the query that it was posted to, or the whole URL. */
  url?: string
  /** Its name; without one the provider is recognised by the body's shape. */
  provider?: string
  /** Hands each message over alone and without a quiet gap. */
  direct?: boolean
  /** The pattern of its path, for telemetry. */
  route?: string
}

/** Larger bodies are parsed one a turn of the event loop: each takes up to 10 ms a MiB. */
const LARGE_BODY_BYTES = 1024 * 1024

export class Receiver {
  private readonly batcher: Receiving
  private readonly trust: Trust
  private readonly known: Providers
  private readonly accounts: Accounts
  private readonly rules: Omit<StepRules, 'onOwnMessage'>
  private readonly onOwnMessage: OnOwnMessage | undefined
  private readonly readyTimeoutMs: number
  private readonly identities: Identities
  private readonly log: Logger
  private readonly observer: Observer
  private readonly onAppended: (result: AppendResult) => void
  private readonly bodies: BodyBounds
  private readonly traces: Traces | undefined
  readonly rejections: Rejections

  /** @throws {TypeError} for options that do not go together */
  constructor({ batcher, providers = {}, groups = 'byChat', onOwnMessage, ...options }: ReceiverOptions) {
    const { known = allProviders, log = silent, observer = {}, rejections = new Rejections(log) } = options
    if (onOwnMessage === 'drop' && !batcher.drop && !batcher.ownMessage)
      throw new TypeError('onOwnMessage=drop needs a batcher with drop(conversationId): give a Batcher')
    if (onOwnMessage === 'pause' && !batcher.ownMessage)
      throw new TypeError('onOwnMessage=pause needs a batcher with ownMessage(…): give a Batcher')
    this.batcher = batcher
    this.rejections = rejections
    this.trust = trustIn({ known, providers, rejections, isLocal: options.isLocal ?? false })
    this.accounts = new Accounts(async claim => batcher.accountOwner?.(claim), rejections)
    this.known = known
    this.rules = { groups, raw: options.raw ?? false }
    this.onOwnMessage = onOwnMessage
    this.readyTimeoutMs = readyTimeoutMsIn(options, batcher)
    this.identities = new Identities({
      groups,
      log,
      aliases: batcher.aliases,
      identify: options.identify,
    })
    this.log = log
    this.observer = observer
    this.onAppended = options.onAppended ?? (() => {})
    this.bodies = options.bodies ?? new BodyBounds(options)
    this.traces = batcher.telemetry && new Traces(batcher.telemetry)
    rejections.subscribe((provider, reason) => observer.rejected?.(provider, reason))
  }

  /**
   * Resolves to 200 and `{"accepted","duplicates","ignored"}` when everything is stored.
   * @throws {Refusal} for what the sender has to change: 400, 401, 403, 404, 413, 415; 503 while too much is being read
   * @throws {UnreadableBody} for JSON that this provider does not send
   * @throws {StoreUnavailable} and {ForeignKey} as the batcher does
   */
  deliver(delivery: Delivery): Promise<Reply> {
    const span = this.traces?.webhook(delivery)
    return span ? span.around(() => this.take(delivery, span), statusOf) : this.take(delivery, undefined)
  }

  private async take(
    { body, header, url, provider: name, direct = false }: Delivery,
    span: WebhookSpan | undefined,
  ): Promise<Reply> {
    this.refuseWebPages(header, name)
    const named = name === undefined ? undefined : this.named(name)
    const unsigned = await checkHead(this.trust, named, { header })
    checkBodyHeaders(header, this.bodies.maxBytes)
    const lease = this.bodies.lease()
    try {
      if (typeof body !== 'function') lease.take(body.length)
      const bytes = typeof body === 'function' ? await body(lease) : body
      const { provider, value, isProven } = await this.accepted({ body: bytes, header, url }, named, unsigned)
      const sender = { provider: provider.name, isProven }
      span?.from(provider.name)
      const counts = await this.store(await itemsOf(provider, value), sender, direct)
      span?.counted(counts)
      return { status: 200, body: counts }
    } finally {
      lease.release()
    }
  }

  /** The provider of a request, its body as a value, and whether a signature or token proved the provider. */
  private async accepted(request: SignedRequest, named: Provider | undefined, unsigned: ReadonlySet<string>) {
    // With a name the sender is checked before the body is parsed.
    const isNamedProven = named !== undefined && (await checkSender(this.trust, named, request, unsigned))
    if (request.body.length > LARGE_BODY_BYTES) await ownTurn()
    const value = parseBody(request.body, request.header('content-type'))
    const provider = named ?? this.recognised(value)
    const isProven = named ? isNamedProven : await checkSender(this.trust, provider, request, unsigned)
    return { provider, value, isProven }
  }

  /** As `answerHandshake`. @throws {Refusal} 404 for an unknown provider, too */
  handshake(query: (name: string) => string | undefined, name?: string): Reply {
    if (name !== undefined) this.named(name)
    return answerHandshake(this.trust, query)
  }

  /** For every method: @throws {Refusal} 403 for a request that a web page sent */
  refuseWebPages(header: HeaderReader, name?: string): void {
    refuseWebPages(this.trust, header, name)
  }

  /**
   * Counts a webhook that an error refuses, unless the error was counted where it was thrown.
   * @param name the provider's, as the path has it
   */
  noteRefusal(error: unknown, name?: string): void {
    const reason = doorReason(error)
    if (reason === undefined || !(error instanceof Error)) return
    this.rejections.add((name && this.known.named(name)?.name) || UNKNOWN_PROVIDER, reason, error.message)
  }

  /** @throws {Refusal} 404 */
  private named(name: string): Provider {
    const provider = this.known.named(name)
    if (provider !== undefined) return provider
    throw new Refusal(404, `provider=${shown(name)} is unknown: use one of ${this.known.names.join(', ')}`)
  }

  /** @throws {Refusal} 400 */
  private recognised(body: unknown): Provider {
    const provider = this.known.of(body)
    if (provider !== undefined) return provider
    const names = this.known.names.join(', ')
    throw new Refusal(
      400,
      `the body has the shape of no known provider (${names}): send {"messageId","chatId","text"}, or name the provider in the path`,
    )
  }

  /** What own messages do in each conversation. */
  private async ownRules(): Promise<StepRules['onOwnMessage']> {
    const stored = await this.batcher.ownMessageRules?.()
    return id => stored?.(id, this.onOwnMessage) ?? this.onOwnMessage ?? 'ignore'
  }

  private async store(read: Item[], sender: Sender, direct: boolean): Promise<Counts> {
    let end = () => {}
    const ended = new Promise<void>(resolve => {
      end = resolve
    })
    try {
      return await this.storeItems(read, sender, direct, { ended })
    } finally {
      end()
    }
  }

  private async storeItems(read: Item[], sender: Sender, direct: boolean, storing: Storing): Promise<Counts> {
    const cameAtMs = performance.now()
    const { provider } = sender
    if (this.readyTimeoutMs > 0) await this.batcher.ready?.({ timeoutMs: this.readyTimeoutMs })
    // The stored settings are needed only if there are own messages.
    const hasOwn = read.some(({ kind }) => kind === 'own')
    const { groups, raw } = this.rules
    const rules: StepRules = { groups, raw, onOwnMessage: hasOwn ? await this.ownRules() : () => 'ignore' }
    const isOthers = (account: string | undefined) => this.accounts.isOthers(account, sender)
    const plan = emptyPlan()
    const rechecks: (() => Promise<void>)[] = []
    await inSlices(read, async some => {
      const placed = await placedItems(some, this.batcher)
      const { items, recheck } = await this.identities.of(placed, provider, isOthers, storing)
      if (recheck) rechecks.push(recheck)
      addToPlan(plan, items, provider, rules)
    })
    const counts: Counts = { accepted: 0, duplicates: 0, ignored: plan.ignored }
    let others: string[]
    try {
      others = await this.accounts.takeOthersOut(plan, sender)
      await storeSteps(plan, { batcher: this.batcher, direct, counts, cameAtMs, onAppended: this.onAppended })
      for (const recheck of rechecks) await recheck()
    } finally {
      this.observer.received?.(provider, counts)
    }
    if (others.length > 0) throw this.accounts.refusal(others, sender)
    if (logsDebug(this.log))
      this.log.debug({ provider, direct, ...counts, reasons: Object.fromEntries(plan.reasons) }, 'webhook received')
    return counts
  }
}

function readyTimeoutMsIn({ readyTimeoutMs = 0 }: Pick<ReceiverOptions, 'readyTimeoutMs'>, batcher: Receiving): number {
  if (!Number.isFinite(readyTimeoutMs) || readyTimeoutMs < 0)
    throw new RangeError(
      `readyTimeoutMs=${readyTimeoutMs}: it must be a number of milliseconds, or 0 to wait for nothing`,
    )
  if (readyTimeoutMs > 0 && !batcher.ready)
    throw new TypeError('readyTimeoutMs needs a batcher with ready({ timeoutMs }): give a Batcher')
  return readyTimeoutMs
}

const statusOf = (error: unknown): number => new ErrorReplies(silent).to(error).status

/** @throws {UnreadableBody} for JSON that this provider does not send */
async function itemsOf(provider: Provider, value: unknown): Promise<Item[]> {
  if (provider.items === undefined) return provider.parse(value)
  const items: Item[] = []
  await inSlices(provider.items(value), some => void items.push(...some))
  return items
}

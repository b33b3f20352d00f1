/**
 * A webhook, from its bytes to its answer, whatever server it came through: whose it is, whether it is genuine, what it
 * holds, and into which conversations that goes.
 *
 * It is answered when its messages are stored. A webhook that touches several conversations may be half stored when the
 * store fails: then the answer is 503, the provider sends it again, and what was stored is a duplicate.
 */
import type { Appender } from '../batcher.js'
import { type Answer, Refusal } from '../http/answer.js'
import { parseBody } from '../http/body.js'
import { type Logger, silent } from '../logger.js'
import type { Counts } from '../observer.js'
import { equalInTime } from '../providers/equal-in-time.js'
import type { HeaderReader, Item, Provider, SignedRequest } from '../providers/provider.js'
import { providers as allProviders, type Providers, type ProvidersOptions } from '../providers/registry.js'
import type { AppendResult, EditResult, RevokeResult } from '../store/store.js'
import { type OnRejected, Rejections } from './rejections.js'
import { type Groups, type OnOwnMessage, planOf, type Step, type StepRules } from './steps.js'

/** Where messages go. `drop` is needed for `onOwnMessage: 'drop'` only; without `edit` and `revoke` those are ignored. */
export type Receiving = Appender & {
  drop?(conversationId: string): Promise<number>
  edit?(conversationId: string, messageId: string, text: string): Promise<EditResult>
  revoke?(conversationId: string, messageId: string): Promise<RevokeResult>
}

export interface ReceiverOptions {
  batcher: Receiving
  providers?: ProvidersOptions
  /** The providers there are. Default all of Lull's. */
  known?: Providers
  /** Default `byChat`. By sender, the chats of a group are `<group>/<sender>`. */
  groups?: Groups
  /** Default `ignore`. */
  onOwnMessage?: OnOwnMessage
  /** Whether each message carries the provider's own body in `raw`. Default no. */
  raw?: boolean
  log?: Logger
  /** Told of each append. */
  onAppended?: (result: AppendResult) => void
  /** Told of each webhook that is refused. */
  onRejected?: OnRejected
  /** Told what each webhook's items have become, as far as it came. */
  onReceived?: OnReceived
}

export interface Delivery {
  body: Buffer
  header: HeaderReader
  /** The path and the query it came to, or the whole URL. */
  url?: string
  /** Where it is named, nothing is guessed from the body. */
  provider?: string
  /** Each message is handed over alone and without a quiet gap. */
  direct?: boolean
}

export type OnReceived = (provider: string, counts: Counts) => void

/** Conversations that one webhook writes to at once. */
const CONVERSATIONS_AT_ONCE = 32

/** The longest challenge that Meta's handshake gets back. */
const LONGEST_CHALLENGE = 256

export class Receiver {
  private readonly batcher: Receiving
  private readonly providers: ProvidersOptions
  private readonly known: Providers
  private readonly rules: StepRules
  private readonly log: Logger
  private readonly onAppended: (result: AppendResult) => void
  private readonly onReceived: OnReceived
  readonly rejections: Rejections

  /** @throws {TypeError} for options that do not go together */
  constructor({ batcher, providers = {}, groups = 'byChat', onOwnMessage = 'ignore', ...options }: ReceiverOptions) {
    if (onOwnMessage === 'drop' && batcher.drop === undefined)
      throw new TypeError('onOwnMessage=drop needs a batcher with drop(conversationId): give a Batcher')
    this.batcher = batcher
    this.providers = providers
    this.known = options.known ?? allProviders
    this.rules = { groups, onOwnMessage, raw: options.raw ?? false }
    this.log = options.log ?? silent
    this.onAppended = options.onAppended ?? (() => {})
    this.onReceived = options.onReceived ?? (() => {})
    this.rejections = new Rejections(this.log, options.onRejected)
    checkTogether(this.known, providers)
  }

  /**
   * Answers 200 with `{"accepted","duplicates","ignored"}` once all of it is stored.
   * @throws {Refusal} for what its sender has to change: 400, 401, 404, 413, 415
   * @throws {UnreadableBody} for JSON that is nothing the provider sends
   * @throws {StoreUnavailable} and {ForeignKey} as the batcher does
   */
  async deliver({ body, header, url, provider: name, direct = false }: Delivery): Promise<Answer> {
    const request = { body, header, url }
    const named = name === undefined ? undefined : this.named(name)
    // Before anything of it is read, where that can be.
    if (named !== undefined) await this.authenticate(named, request)
    const value = parseBody(body, header('content-type'), header('content-encoding'))
    const provider = named ?? this.recognised(value)
    if (named === undefined) await this.authenticate(provider, request)
    return { status: 200, body: await this.store(provider.parse(value), provider.name, direct) }
  }

  /** Meta's GET, by which it verifies an address before it sends anything there. */
  handshake(query: (name: string) => string | undefined, name?: string): Answer {
    if (name !== undefined) this.named(name)
    const token = this.providers.meta?.verifyToken
    if (query('hub.mode') !== 'subscribe')
      throw new Refusal(400, 'webhooks are POSTed here; GET is for Meta’s verification handshake (hub.mode=subscribe)')
    if (!token) {
      const why = 'no verify token is set: set WHATSAPP_VERIFY_TOKEN (providers.meta.verifyToken)'
      this.rejections.add('meta', 'verify_token', why)
      throw new Refusal(403, why)
    }
    if (!equalInTime(query('hub.verify_token') ?? '', token)) {
      this.rejections.add(
        'meta',
        'verify_token',
        'hub.verify_token is not WHATSAPP_VERIFY_TOKEN (providers.meta.verifyToken)',
      )
      throw new Refusal(403, 'hub.verify_token is not the one that is set here')
    }
    return { status: 200, body: (query('hub.challenge') ?? '').slice(0, LONGEST_CHALLENGE) }
  }

  /** @throws {Refusal} 401 where it is not proved that the provider sent it, and that is asked of it */
  private async authenticate({ name, signature }: Provider, request: SignedRequest): Promise<void> {
    const secret = signature?.secret(this.providers)
    if (signature !== undefined && secret) {
      const fault = await signature.fault(request, secret, this.providers)
      if (fault === undefined) return
      this.rejections.add(name, fault.reason, `${fault.message}: compare ${signature.setting} with the provider's`)
      throw new Refusal(401, fault.message)
    }
    if (this.known.mayComeUnsigned(name, this.providers)) return
    this.rejections.add(
      name,
      'unsigned',
      `${name} has no secret while another provider has: set ${signature ? `${signature.setting}, or ` : ''}LULL_ALLOW_UNSIGNED (allowUnsigned) to name it`,
    )
    throw new Refusal(401, `webhooks of ${name} must be signed here`)
  }

  /** @throws {Refusal} 404 */
  private named(name: string): Provider {
    const provider = this.known.named(name)
    if (provider !== undefined) return provider
    const names = this.known.names.join(', ')
    throw new Refusal(404, `provider=${JSON.stringify(name.slice(0, 40))} is not known: use one of ${names}`)
  }

  /** @throws {Refusal} 400 */
  private recognised(body: unknown): Provider {
    const provider = this.known.of(body)
    if (provider !== undefined) return provider
    const names = this.known.names.join(', ')
    throw new Refusal(
      400,
      `the body is of no provider that Lull knows (${names}): send {"messageId","chatId","text"}, or name the provider in the path`,
    )
  }

  private async store(items: Item[], provider: string, direct: boolean) {
    const { conversations, ignored, reasons } = planOf(items, provider, this.rules)
    const counts: Counts = { accepted: 0, duplicates: 0, ignored }
    const take = async ([conversationId, steps]: [string, Step[]]) => {
      for (const step of steps) await this.takeStep(conversationId, step, direct, counts)
    }
    const all = [...conversations]
    try {
      for (let start = 0; start < all.length; start += CONVERSATIONS_AT_ONCE) {
        const outcomes = await Promise.allSettled(all.slice(start, start + CONVERSATIONS_AT_ONCE).map(take))
        const failed = outcomes.find(outcome => outcome.status === 'rejected')
        if (failed !== undefined) throw failed.reason
      }
    } finally {
      this.onReceived(provider, counts)
    }
    this.log.debug({ provider, direct, ...counts, reasons: Object.fromEntries(reasons) }, 'webhook received')
    return counts
  }

  private async takeStep(conversationId: string, step: Step, direct: boolean, counts: Counts): Promise<void> {
    const { batcher } = this
    if ('append' in step) {
      const result = await batcher.append(conversationId, step.append, { direct })
      counts.accepted += result.accepted
      counts.duplicates += result.duplicates
      counts.ignored += result.tooOld
      this.onAppended(result)
    } else if ('edit' in step) {
      countIn(counts, await batcher.edit?.(conversationId, step.edit.messageId, step.edit.text))
    } else if ('revoke' in step) {
      countIn(counts, await batcher.revoke?.(conversationId, step.revoke))
    } else if ('typing' in step) {
      await batcher.typing(conversationId, step.typing)
    } else {
      await batcher.drop?.(conversationId)
    }
  }
}

function countIn(counts: Counts, result: EditResult | RevokeResult | undefined): void {
  if (result === undefined || result === 'unknown') counts.ignored += 1
  else {
    const name = result === 'remembered' ? 'revoked' : result
    counts[name] = (counts[name] ?? 0) + 1
  }
}

/** @throws {TypeError} for a secret without another option that it needs */
function checkTogether({ list }: Providers, options: ProvidersOptions): void {
  for (const { signature } of list) {
    const lack = signature?.lacks(options)
    if (!lack) continue
    const [secret, other] = [lack.secret, lack.other].map(({ variable, option }) => `${variable} (${option})`)
    throw new TypeError(`${secret} needs ${other}: ${lack.because}`)
  }
}

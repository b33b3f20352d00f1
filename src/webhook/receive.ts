/**
 * A webhook, from its bytes to its answer, whatever server it came through: whose it is, whether it is genuine, what it
 * holds, and into which conversations that goes.
 *
 * It is answered when its messages are stored. A webhook that touches several conversations may be half stored when the
 * store fails: then the answer is 503, the provider sends it again, and what was stored is a duplicate.
 */
import type { Appender } from '../batcher.js'
import { type Logger, silent } from '../logger.js'
import { equalInTime } from '../providers/equal-in-time.js'
import type { HeaderReader, Item, Provider, ProvidersOptions } from '../providers/provider.js'
import { PROVIDER_NAMES, PROVIDERS, providerNamed, providerOf } from '../providers/registry.js'
import type { AppendResult } from '../store/store.js'
import { type Answer, Refusal } from './answer.js'
import { parseBody } from './body.js'
import { MINUTE_MS, Seldom } from './seldom.js'
import { type Groups, type OnOwnMessage, planOf, type Step, type StepRules } from './steps.js'

/** Where messages go; `drop` is needed for `onOwnMessage: 'drop'` only. */
export type Receiving = Appender & { drop?(conversationId: string): Promise<number> }

export interface ReceiverOptions {
  batcher: Receiving
  providers?: ProvidersOptions
  /** Default `byChat`. By sender, the chats of a group are `<group>/<sender>`. */
  groups?: Groups
  /** Default `ignore`. */
  onOwnMessage?: OnOwnMessage
  /** Whether each message carries the provider's own body in `raw`. Default no. */
  raw?: boolean
  log?: Logger
  /** Told of each append. */
  onAppended?: (result: AppendResult) => void
}

export interface Delivery {
  body: Buffer
  header: HeaderReader
  /** Where it is named, nothing is guessed from the body. */
  provider?: string
  /** Each message is handed over alone and without a quiet gap. */
  direct?: boolean
}

/** Conversations that one webhook writes to at once. */
const CONVERSATIONS_AT_ONCE = 32

/** The longest challenge that Meta's handshake gets back. */
const LONGEST_CHALLENGE = 256

export class Receiver {
  private readonly batcher: Receiving
  private readonly providers: ProvidersOptions
  private readonly rules: StepRules
  private readonly log: Logger
  private readonly onAppended: (result: AppendResult) => void
  private readonly rejections = new Map<string, Seldom>()

  /** @throws {TypeError} where own messages shall drop batches and the batcher cannot */
  constructor({ batcher, providers = {}, groups = 'byChat', onOwnMessage = 'ignore', ...options }: ReceiverOptions) {
    if (onOwnMessage === 'drop' && batcher.drop === undefined)
      throw new TypeError('onOwnMessage=drop needs a batcher with drop(conversationId): give a Batcher')
    this.batcher = batcher
    this.providers = providers
    this.rules = { groups, onOwnMessage, raw: options.raw ?? false }
    this.log = options.log ?? silent
    this.onAppended = options.onAppended ?? (() => {})
  }

  /**
   * Answers 200 with `{"accepted","duplicates","ignored"}` once all of it is stored.
   * @throws {Refusal} for what its sender has to change: 400, 401, 404, 413, 415
   * @throws {UnreadableBody} for JSON that is nothing the provider sends
   * @throws {StoreUnavailable} and {ForeignKey} as the batcher does
   */
  async deliver({ body, header, provider: name, direct = false }: Delivery): Promise<Answer> {
    const named = name === undefined ? undefined : known(name)
    // Before anything of it is read, where that can be.
    if (named !== undefined) this.authenticate(named, body, header)
    const value = parseBody(body, header('content-type'), header('content-encoding'))
    const provider = named ?? recognised(value)
    if (named === undefined) this.authenticate(provider, body, header)
    return { status: 200, body: await this.store(provider.parse(value), provider.name, direct) }
  }

  /** Meta's GET, by which it verifies an address before it sends anything there. */
  handshake(query: (name: string) => string | undefined, name?: string): Answer {
    if (name !== undefined) known(name)
    const token = this.providers.meta?.verifyToken
    if (query('hub.mode') !== 'subscribe')
      throw new Refusal(400, 'webhooks are POSTed here; GET is for Meta’s verification handshake (hub.mode=subscribe)')
    if (!token) throw new Refusal(403, 'no verify token is set: set WHATSAPP_VERIFY_TOKEN (providers.meta.verifyToken)')
    if (!equalInTime(query('hub.verify_token') ?? '', token)) {
      this.logSeldom('meta', 'hub.verify_token is not WHATSAPP_VERIFY_TOKEN (providers.meta.verifyToken)')
      throw new Refusal(403, 'hub.verify_token is not the one that is set here')
    }
    return { status: 200, body: (query('hub.challenge') ?? '').slice(0, LONGEST_CHALLENGE) }
  }

  /** As soon as one provider has a secret, those without one are refused: the body's shape is the sender's to choose. */
  private authenticate({ name, signature }: Provider, body: Buffer, header: HeaderReader): void {
    const secret = signature?.secret(this.providers)
    if (signature !== undefined && secret) {
      const fault = signature.fault(body, header, secret)
      if (fault === undefined) return
      this.logSeldom(name, `${fault}: compare ${signature.setting} with the provider's`)
      throw new Refusal(401, fault)
    }
    const { allowUnsigned = [] } = this.providers
    const isAnySigned = PROVIDERS.some(each => each.signature?.secret(this.providers))
    if (!isAnySigned || allowUnsigned === 'all' || allowUnsigned.includes(name)) return
    this.logSeldom(
      name,
      `${name} has no secret while another provider has: name it in LULL_ALLOW_UNSIGNED (allowUnsigned)`,
    )
    throw new Refusal(401, `webhooks of ${name} must be signed here`)
  }

  private async store(items: Item[], provider: string, direct: boolean) {
    const { conversations, ignored, reasons } = planOf(items, provider, this.rules)
    const counts = { accepted: 0, duplicates: 0, ignored }
    const take = async ([conversationId, steps]: [string, Step[]]) => {
      for (const step of steps) {
        if ('drop' in step) {
          await this.batcher.drop?.(conversationId)
          continue
        }
        const result = await this.batcher.append(conversationId, step.append, { direct })
        counts.accepted += result.accepted
        counts.duplicates += result.duplicates
        counts.ignored += result.tooOld
        this.onAppended(result)
      }
    }
    const all = [...conversations]
    for (let start = 0; start < all.length; start += CONVERSATIONS_AT_ONCE) {
      const outcomes = await Promise.allSettled(all.slice(start, start + CONVERSATIONS_AT_ONCE).map(take))
      const failed = outcomes.find(outcome => outcome.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    }
    this.log.debug({ provider, direct, ...counts, reasons: Object.fromEntries(reasons) }, 'webhook received')
    return counts
  }

  /** One line a minute for each provider: anybody can make us refuse. */
  private logSeldom(provider: string, why: string): void {
    const seldom = this.rejections.get(provider) ?? new Seldom(MINUTE_MS)
    this.rejections.set(provider, seldom)
    if (seldom.isDue()) this.log.warn({ provider, why }, `webhook of ${provider} refused: ${why}`)
  }
}

function known(name: string): Provider {
  const provider = providerNamed(name)
  if (provider !== undefined) return provider
  throw new Refusal(
    404,
    `provider=${JSON.stringify(name.slice(0, 40))} is not known: use one of ${PROVIDER_NAMES.join(', ')}`,
  )
}

function recognised(body: unknown): Provider {
  const provider = providerOf(body)
  if (provider !== undefined) return provider
  throw new Refusal(
    400,
    `the body is of no provider that Lull knows (${PROVIDER_NAMES.join(', ')}): send {"messageId","chatId","text"}, or name the provider in the path`,
  )
}

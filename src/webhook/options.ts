/** The options of `webhook()`. */
import type { BodyBoundsOptions } from '../http/body-bounds.js'
import type { Logger } from '../logger.js'
import type { Observer } from '../observer.js'
import type { OnOwnMessage } from '../own-messages.js'
import type { ProviderName, ProvidersOptions } from '../providers/provider-types.js'
import type { Identify } from './identity.js'
import type { Groups } from './steps.js'
import type { Receiving } from './store-steps.js'

/** What a webhook may be told. Only `batcher` is required. */
export interface WebhookOptions extends BodyBoundsOptions {
  /** Where messages go: a `Batcher`, or an object with its methods `append` and `typing`. */
  batcher: Receiving
  /**
   * The secret of each provider. One that is not named here is refused with 401; a secret that is given but empty or
   * `undefined` throws a `TypeError`.
   */
  providers?: ProvidersOptions
  /**
   * Whose webhooks come here; others are refused. A name that is no provider's is answered 404.
   * @defaultValue recognised by the body's shape
   */
  provider?: ProviderName
  /**
   * The direct path: each message is handed over alone and without a quiet gap, after what its conversation has open.
   * @defaultValue false
   */
  direct?: boolean
  /**
   * Group chats: one conversation for the group (`byChat`), one for each member (`bySender`, with chat ids
   * `<group>/<sender>`), or none (`ignore`).
   * @defaultValue 'byChat'
   */
  groups?: Groups
  /**
   * What a person's message from the business's own phone does, where no stored settings say otherwise: `ignore`,
   * `drop` the open batch, or `pause` the conversation. The last two need a `Batcher`; else they throw a `TypeError`.
   * @defaultValue the batcher's option; 'ignore' without one
   */
  onOwnMessage?: OnOwnMessage | undefined
  /**
   * Whether each message carries the provider's own body in `raw`.
   * @defaultValue false
   */
  raw?: boolean
  /** The one id by which your business knows a person who has several. Waited for at most a second. */
  identify?: Identify
  /**
   * How long a webhook waits for Redis before it is answered 503, in milliseconds. For a serverless function, whose
   * connections are lost when it was frozen.
   * @defaultValue 0
   */
  readyTimeoutMs?: number
  /**
   * A pino instance, or an object with `debug`, `info`, `warn` and `error`.
   * @defaultValue silent
   */
  log?: Logger
  /** Its `received` is called for each webhook that was read, its `rejected` for each that was refused. */
  observer?: Observer
}

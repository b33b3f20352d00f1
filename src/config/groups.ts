/** The settings of the program that are not declared beside a rule, a provider or a handover. */
import { z } from 'zod'
import { messageRules } from '../conversation-rules.js'
import { deploymentSettings } from '../store/deployment.js'
import { redisAddress } from '../store/redis/address.js'
import { DEFAULT_PREFIX, Keys } from '../store/redis/keys.js'
import { publicUrl } from './public-url.js'
import { addressBy, anySecret, anyText, oneOf, onOff, parsedOr, secret, setting, textOr, whole } from './setting.js'

const HOUR_MS = 3_600_000
const HIGHEST_PORT = 65_535
const PORT_BOUNDS = `a port from 0 to ${HIGHEST_PORT} (0: any free one)`

export const DEFAULT_REDIS = 'redis://127.0.0.1:6379/0'

export const redisSettings = z.object({
  url: setting(
    'REDIS_URL',
    'Where Redis is: `redis://`, `rediss://` or the path of a socket, with credentials and database in it; several nodes of a Cluster by comma; or the Sentinels that name the primary, `redis+sentinel://user:password@h1:26379,h2:26379/0?name=mymaster&sentinelPassword=…`. See docs/redis.md.',
    { ...addressBy(redisAddress), preset: DEFAULT_REDIS },
  ),
  password: setting(
    'REDIS_PASSWORD',
    'Overrides the URL’s password, so that it does not show in a list of processes.',
    anySecret(),
  ),
  prefix: setting(
    'LULL_PREFIX',
    'The first part of every key and channel.',
    parsedOr(DEFAULT_PREFIX, prefix => new Keys(prefix).prefix),
  ),
  configure: setting(
    'LULL_CONFIGURE_REDIS',
    'A processor may add `Ex` to `notify-keyspace-events`. It logs what it changed.',
    onOff('on'),
  ),
  ...deploymentSettings.shape,
  moveFrom: setting(
    'LULL_MOVE_FROM',
    'Not supported yet: a value stops the start. docs/operations.md says how to move to another Redis, or to other partitions, by draining.',
    addressBy((): never => {
      throw new RangeError(
        'is not supported yet: drain the old Redis instead, as docs/operations.md says, and remove it',
      )
    }),
  ),
})

export const messageSettings = z.object({
  batching: messageRules.batching,
  groups: setting(
    'LULL_GROUPS',
    'Group chats: one conversation a chat (`byChat`), one a sender (`bySender`), or none (`ignore`).',
    oneOf(['byChat', 'bySender', 'ignore'], 'byChat'),
  ),
  onOwnMessage: messageRules.onOwnMessage,
  identify: setting(
    'LULL_IDENTITY',
    'A module whose default export is `({ provider, account, id, group }) => id`: the one id of a person who has several. Without it, or if it returns nothing, the id stays.',
    anyText(),
  ),
  rulesFor: setting(
    'LULL_RULES',
    'A module whose default export is `({ conversationId, account, chatId, provider, isGroup }, messages) => rules`: the rules for these messages, such as `{ quietGapMs: 6000 }` or `{ flush: true }`. They come before the stored settings. If it fails, or takes longer than a second, the other rules hold.',
    anyText(),
  ),
  raw: setting('LULL_RAW', '`on`: each message carries the provider’s own body in `raw`.', onOff('off')),
})

export const workerSettings = z.object({
  handler: setting(
    'LULL_WORKER_HANDLER',
    'A module whose default export is `async (batch, { signal, attempt, log, commit }) => …`. Without it the worker logs the batch.',
    anyText(),
  ),
  concurrency: setting(
    'LULL_WORKER_CONCURRENCY',
    'How many batches one worker works on at once. With `LULL_EARLY_START_MS`: a worker that waits in `commit()` occupies one of them for up to quiet gap − early start − work.',
    whole(1, 10_000, 16),
  ),
})

export const apiSettings = z.object({
  host: setting(
    'HOST',
    'The address that the API listens on. If it is not a loopback address, the API is exposed, and starts only with a provider’s secret or `LULL_ALLOW_UNSIGNED`.',
    textOr('127.0.0.1', /^[\w.:[\]%-]+$/, 'must be a host name or an address'),
  ),
  port: setting('PORT', 'The API’s port.', { ...whole(0, HIGHEST_PORT, 3000), bounds: `must be ${PORT_BOUNDS}` }),
  token: setting(
    'LULL_API_TOKEN',
    'The bearer token for every route of the API except webhooks, health and `/openapi.json`. Without it `lull up` makes one and prints the page’s link with it; `lull api` answers those routes 401.',
    secret(),
  ),
  publicUrl,
  showTexts: setting('LULL_SHOW_TEXTS', '`off`: no page, board or route shows what people wrote.', onOff('on')),
})

export const processSettings = z.object({
  shutdownMs: setting(
    'LULL_SHUTDOWN_MS',
    'The longest time that a clean stop takes. PM2’s `kill_timeout` and Kubernetes’ grace period must be longer.',
    whole(100, HOUR_MS, 25_000),
  ),
  opsPort: setting(
    'LULL_OPS_PORT',
    'A port for `/livez`, `/readyz` and `/metrics` of any role, without a token, for probes and scrapers.',
    {
      ...whole(0, HIGHEST_PORT, 0),
      schema: z.number().int().min(0).max(HIGHEST_PORT).optional(),
      bounds: `must be off or ${PORT_BOUNDS}`,
      preset: 'off',
      fromText: text => (text === 'off' ? undefined : whole(0, HIGHEST_PORT, 0).fromText(text)),
    },
  ),
  logLevel: setting(
    'LOG_LEVEL',
    'The lowest level that is logged; pino’s levels.',
    oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
  ),
})

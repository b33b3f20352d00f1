/**
 * Who may post webhooks to this API, checked and said at the start. An API that other machines reach needs a reason to
 * believe what comes in: a provider's secret, or the operator's word that a provider may come unsigned.
 */
import { type Config, ConfigError } from '../../config.js'
import type { Logger } from '../../logger.js'
import type { WebhookTrust } from '../../presence/presence.js'
import { providers as known } from '../../providers/registry.js'
import { isExposed, isLoopback } from '../../webhook/exposure.js'

/** @throws {ConfigError} for an exposed API without any secret and without `LULL_ALLOW_UNSIGNED` */
export function checkExposure({ api, providers }: Config): void {
  if (!isExposed(api) || known.isAnySigned(providers) || providers.allowUnsigned !== undefined) return
  const why = isLoopback(api.host) ? `LULL_PUBLIC_URL=${api.publicUrl}: the API` : `HOST=${api.host}`
  throw new ConfigError(
    `${why} is reached from other machines, and nothing proves who posts webhooks: set your provider's secret (WHATSAPP_APP_SECRET, GREEN_API_WEBHOOK_TOKEN, WAHA_HMAC_KEY, …), or LULL_ALLOW_UNSIGNED to the providers that may come unsigned (or none, or all)`,
  )
}

export function webhookTrust({ api, providers }: Pick<Config, 'api' | 'providers'>): WebhookTrust {
  const exposed = isExposed(api)
  const isSigned = (name: string) => Boolean(known.named(name)?.signature?.secret(providers))
  return {
    exposed,
    signed: known.names.filter(isSigned),
    unsigned: known.names.filter(name => !isSigned(name) && known.mayComeUnsigned(name, providers, !exposed)),
    named: known.namedUnsigned(providers) !== undefined,
  }
}

/** One line at the start if webhooks are accepted without proof, or if none is accepted. */
export function logExposure(config: Config, log: Logger): void {
  const { exposed, signed, unsigned, named } = webhookTrust(config)
  if (unsigned.length > 0 && named)
    log.warn(
      { unsigned, exposed },
      `webhooks of ${unsigned.join(', ')} are accepted without proof (LULL_ALLOW_UNSIGNED): anybody who reaches this API, or a proxy in front of it, can forge them`,
    )
  else if (unsigned.length > 0)
    log.info(
      {},
      'no provider has a secret: webhooks are accepted from programs on this machine, and refused if a proxy forwards them',
    )
  else if (signed.length === 0) log.warn({}, 'no webhook is accepted: no provider has a secret')
}

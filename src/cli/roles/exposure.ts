/**
 * Who may post webhooks here without proof, checked and said at the start. An API that other machines reach needs a reason
 * to believe what comes in: a provider's secret, or the operator's word that a provider may come unsigned.
 */
import { type Config, ConfigError } from '../../config.js'
import type { Logger } from '../../logger.js'
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

/** The providers whose webhooks anybody who reaches the API can forge. */
export function unsignedProviders({ api, providers }: Pick<Config, 'api' | 'providers'>): string[] {
  const isLocal = !isExposed(api)
  return known.list
    .filter(({ signature }) => !signature?.secret(providers))
    .map(({ name }) => name)
    .filter(name => known.mayComeUnsigned(name, providers, isLocal))
}

/** One line at the start about webhooks that come without proof; none if there are no such webhooks. */
export function logExposure(config: Config, log: Logger): void {
  const unsigned = unsignedProviders(config)
  if (unsigned.length === 0) return
  if (config.providers.allowUnsigned === undefined)
    log.info(
      {},
      'no provider has a secret: webhooks are accepted from programs on this machine, and refused if a proxy forwards them',
    )
  else
    log.warn(
      { unsigned, exposed: isExposed(config.api) },
      `anybody who reaches ${isExposed(config.api) ? 'this API' : 'this machine’s port, or a proxy in front of it,'} can forge webhooks of ${unsigned.join(', ')} (LULL_ALLOW_UNSIGNED)`,
    )
}

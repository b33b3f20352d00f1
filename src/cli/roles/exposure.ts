/**
 * Who may post webhooks here. An address that other machines reach needs a reason to believe what comes in: a provider's
 * secret, or the word of whoever runs it that it may come unsigned.
 */
import { isIPv4 } from 'node:net'
import { type Config, ConfigError } from '../../config.js'
import { providers as known } from '../../providers/registry.js'

/** @throws {ConfigError} */
export function checkExposure({ api, providers }: Config): void {
  if (isLoopback(api.host) || known.isAnySigned(providers) || providers.allowUnsigned !== undefined) return
  throw new ConfigError(
    `HOST=${api.host} is reached from other machines, and nothing proves who posts webhooks: set your provider's secret (WHATSAPP_APP_SECRET, GREEN_API_WEBHOOK_TOKEN, WAHA_HMAC_KEY, …), or LULL_ALLOW_UNSIGNED to the providers that may come unsigned (or all)`,
  )
}

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))

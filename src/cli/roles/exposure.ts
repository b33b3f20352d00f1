/**
 * Who may post webhooks here. An address that other machines reach needs a reason to believe what comes in: a provider's
 * secret, or the word of whoever runs it that it may come unsigned. And a secret that nothing checks is no reason: it
 * must not be taken for protection.
 */
import { isIPv4 } from 'node:net'
import { type Config, ConfigError } from '../../config.js'

/** @throws {ConfigError} */
export function checkExposure({ api, providers, uncheckedSecrets }: Config): void {
  const [unchecked] = uncheckedSecrets
  if (unchecked !== undefined)
    throw new ConfigError(
      `${unchecked}=*** is set, and this version does not check that provider's signatures yet: unset it, and let only the provider reach the webhook`,
    )
  const isProtected = providers.meta?.appSecret !== undefined || providers.allowUnsigned !== undefined
  if (!isLoopback(api.host) && !isProtected)
    throw new ConfigError(
      `HOST=${api.host} is reached from other machines, and nothing proves who posts webhooks: set WHATSAPP_APP_SECRET, or LULL_ALLOW_UNSIGNED to the providers that may come unsigned (or all)`,
    )
}

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))

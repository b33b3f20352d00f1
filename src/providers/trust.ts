/**
 * Who may post webhooks. As soon as one provider has a secret, those without one are refused, as the body's shape is the
 * sender's to choose; but for those that are named as unsigned. Without any secret nothing is proved, and all may come.
 */
import type { ProvidersOptions } from './provider.js'
import { PROVIDERS } from './registry.js'

/** Whether anything proves who posts: any provider has a secret. */
export const isAnySigned = (options: ProvidersOptions): boolean =>
  PROVIDERS.some(({ signature }) => Boolean(signature?.secret(options)))

/** Whether webhooks of a provider that has no secret are taken. */
export const mayComeUnsigned = (name: string, options: ProvidersOptions): boolean => {
  const { allowUnsigned = [] } = options
  return !isAnySigned(options) || allowUnsigned === 'all' || allowUnsigned.includes(name)
}

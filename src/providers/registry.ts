/**
 * The providers, in the order in which a body of an unnamed one is recognised: the shapes do not overlap but for the
 * generic one, which takes what is left.
 */
import { chatapp } from './chatapp.js'
import { evolution } from './evolution.js'
import { generic } from './generic.js'
import { greenApi } from './green-api.js'
import { meta } from './meta.js'
import type { Provider } from './provider.js'
import { twilio } from './twilio.js'
import { waha } from './waha.js'
import { wazzup } from './wazzup.js'
import { wppconnect } from './wppconnect.js'
import { wwebjs } from './wwebjs.js'

export const PROVIDERS: readonly Provider[] = [
  meta,
  greenApi,
  waha,
  evolution,
  twilio,
  wazzup,
  wwebjs,
  wppconnect,
  chatapp,
  generic,
]

export const PROVIDER_NAMES = PROVIDERS.map(({ name }) => name)

const byName = new Map(PROVIDERS.map(provider => [provider.name, provider]))

export const providerNamed = (name: string): Provider | undefined => byName.get(name)

/** Whose body this is, by its shape; `undefined`: nobody's that Lull knows. */
export const providerOf = (body: unknown): Provider | undefined =>
  PROVIDERS.find(provider => provider.recognises?.(body))

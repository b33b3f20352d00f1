/**
 * The providers. Whatever else depends on which there are (variables, `ProvidersOptions`, routes, documentation) is
 * derived from this list.
 *
 * Their order is the order in which the body of an unnamed provider is recognised. The shapes do not overlap, except that
 * the generic one matches what is left.
 */
import type { z } from 'zod'
import { chatapp } from './chatapp.js'
import { evolution } from './evolution.js'
import { generic } from './generic.js'
import { greenApi } from './green-api.js'
import { meta } from './meta.js'
import type { OptionsByProvider, Provider } from './provider.js'
import { twilio } from './twilio.js'
import { waha } from './waha.js'
import { wazzup } from './wazzup.js'
import { wppconnect } from './wppconnect.js'
import { wwebjs } from './wwebjs.js'

export const PROVIDERS = [
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
] as const satisfies readonly Provider[]

/** The options of the providers of a list, by their keys. */
export type OptionsOf<Listed extends readonly Provider[]> = {
  [Each in Listed[number] as Each extends { option: infer Option extends string } ? Option : never]?: Each extends {
    settings: infer Settings extends z.ZodType
  }
    ? z.output<Settings>
    : never
}

/** Secrets by provider, as `webhook({ providers })` and `createApp({ providers })` take them. */
export type ProvidersOptions = OptionsOf<typeof PROVIDERS> & {
  /** Providers that may come unsigned although another one has a secret. */
  allowUnsigned?: 'all' | readonly string[]
}

/** A list of providers, and what follows from it. */
export class Providers {
  readonly names: readonly string[]
  private readonly byName: ReadonlyMap<string, Provider>

  constructor(readonly list: readonly Provider[]) {
    this.names = list.map(({ name }) => name)
    this.byName = new Map(list.map(provider => [provider.name, provider]))
  }

  named(name: string): Provider | undefined {
    return this.byName.get(name)
  }

  /** Whose body this is, by its shape; `undefined`: of no provider in the list. */
  of(body: unknown): Provider | undefined {
    return this.list.find(provider => provider.recognises?.(body))
  }

  /** Whether any provider has a secret, so that something proves who posts. */
  isAnySigned(options: OptionsByProvider): boolean {
    return this.list.some(({ signature }) => Boolean(signature?.secret(options)))
  }

  /**
   * Whether webhooks of a provider without a secret are accepted. As soon as one provider has a secret, the others are
   * refused, since the body's shape is the sender's to choose; except those that `allowUnsigned` names. Without any
   * secret nothing is proved, and all are accepted.
   */
  mayComeUnsigned(name: string, options: OptionsByProvider & Pick<ProvidersOptions, 'allowUnsigned'>): boolean {
    const { allowUnsigned = [] } = options
    return !this.isAnySigned(options) || allowUnsigned === 'all' || allowUnsigned.includes(name)
  }
}

export const providers = new Providers(PROVIDERS)

/**
 * The providers. Everything that depends on the list (variables, `ProvidersOptions`, routes, documentation) is
 * derived from this list.
 *
 * Their order is the order in which the body of an unnamed provider is recognised. The shapes do not overlap, except
 * that the generic one matches what is left.
 */
import { z } from 'zod'
import type { Same } from '../shape-of.js'
import { chatapp } from './chatapp.js'
import { evolution } from './evolution.js'
import { generic } from './generic.js'
import { greenApi } from './green-api.js'
import { meta } from './meta.js'
import type { OptionsByProvider, Provider } from './provider.js'
import type { ProvidersOptions } from './provider-types.js'
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

/** In so many words: this provider's webhooks are accepted without a signature. */
interface MaySayUnsigned {
  unsigned?: true
}

/**
 * The options of the providers of a list, by their keys. A provider without options of its own has its name as the key.
 */
export type OptionsOf<Listed extends readonly Provider[]> = {
  [Each in Listed[number] as Each extends { option: infer Option extends string }
    ? Option
    : Each['name']]?: (Each extends { settings: infer Settings extends z.ZodType } ? z.output<Settings> : unknown) &
    MaySayUnsigned
}

export type { ProvidersOptions }

// The compiler finds a provider whose options are not in provider-types.ts: `npm run docs` makes it anew.
true satisfies Same<Omit<ProvidersOptions, 'allowUnsigned'>, OptionsOf<typeof PROVIDERS>>

/** A list of providers, and what follows from it. */
export class Providers {
  readonly names: readonly string[]
  private readonly byName: ReadonlyMap<string, Provider>

  constructor(readonly list: readonly Provider[]) {
    this.names = list.map(({ name }) => name)
    this.byName = new Map(list.map(provider => [provider.name, provider]))
  }

  /** In whatever case: the rest of a webhook's address may be in any, too. */
  named(name: string): Provider | undefined {
    return this.byName.get(name) ?? this.byName.get(name.toLowerCase())
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
   * Whether webhooks of a provider without a secret are accepted. If `allowUnsigned`, or a provider's `unsigned: true`,
   * names some, then only of those. If nothing names any, only while no provider has a secret and the request comes
   * from this machine (`isLocal`): the sender chooses the shape of a body, so one open provider is open to everybody.
   */
  mayComeUnsigned(
    name: string,
    options: OptionsByProvider & Pick<ProvidersOptions, 'allowUnsigned'>,
    isLocal: boolean,
  ) {
    const named = this.namedUnsigned(options)
    if (named !== undefined) return named.includes(name)
    return isLocal && !this.isAnySigned(options)
  }

  /** The providers that the options name as unsigned; `undefined` if they say nothing about it. */
  namedUnsigned(options: OptionsByProvider & Pick<ProvidersOptions, 'allowUnsigned'>): readonly string[] | undefined {
    const { allowUnsigned } = options
    if (allowUnsigned === 'all') return this.names
    const saying = this.list.filter(provider => saysUnsigned(options[provider.option ?? provider.name]))
    if (allowUnsigned === undefined && saying.length === 0) return undefined
    return [...(allowUnsigned ?? []), ...saying.map(({ name }) => name)]
  }
}

const unsignedShape = z.object({ unsigned: z.literal(true) })
const saysUnsigned = (own: unknown) => unsignedShape.safeParse(own).success

export const providers = new Providers(PROVIDERS)

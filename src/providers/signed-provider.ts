/**
 * Makes a provider that can prove its webhooks from what its file declares: the option under which its settings are
 * given (`providers.<option>`), the settings with their variables, and the check of a signature.
 */
import { declaredIn, type SettingsOf } from '../config/setting.js'
import type { Fault, Lack, Provider, ProviderEnvironment, RequestHead, Signature, SignedRequest } from './provider.js'

/** A provider's options are optional texts. */
type Texts = { [name: string]: string | undefined }

export interface SignedDeclaration<Option extends string, Own extends Texts>
  extends Pick<Provider, 'name' | 'title' | 'recognises' | 'parse' | 'items'> {
  /** The key of its options in `providers`. */
  option: Option
  settings: SettingsOf<Own>
  signature: {
    /** The option that is the secret. */
    secret: keyof Own & string
    /** Another option that the check needs, and why. */
    needs?: { option: keyof Own & string; because: string; remedy: string }
    /**
     * What the headers alone show: that the signature's header is missing or has another form, or that a token is
     * another one. It is checked before the body is read. Resolves to nothing if there is no fault.
     */
    headerFault?(head: RequestHead, secret: string): Fault | undefined | Promise<Fault | undefined>
    /** The whole check; without it, `headerFault` is the whole check. Resolves to nothing if the signature is right. */
    fault?(request: SignedRequest, secret: string, own: NoInfer<Own>): Fault | undefined | Promise<Fault | undefined>
  }
}

/** The options of all providers, of which this one reads its own. */
type Holding<Option extends string, Own> = { [Name in Option]?: Own & { unsigned?: true } }

export interface SignedProvider<Option extends string, Own extends Texts> extends Provider {
  readonly option: Option
  readonly settings: SettingsOf<Own>
  readonly signature: Signature
}

export function signedProvider<const Option extends string, Own extends Texts>(
  declaration: SignedDeclaration<Option, Own>,
): SignedProvider<Option, Own> {
  const { option, settings, signature: declared } = declaration
  const { needs } = declared
  const check = declared.fault ?? declared.headerFault
  if (!check) throw new TypeError(`${declaration.name}: its signature has no check: declare fault or headerFault`)
  const own = new Map(declaredIn(settings))
  const namesOf = (name: string) => ({
    variable: own.get(name)?.variable ?? name,
    option: `providers.${option}.${name}`,
  })
  const secret = namesOf(declared.secret)
  const other = needs && namesOf(needs.option)

  const signature = {
    setting: other
      ? `${secret.variable} and ${other.variable} (providers.${option})`
      : `${secret.variable} (${secret.option})`,
    secret: (options: Holding<Option, Own>) => options[option]?.[declared.secret],
    headerFault: (head: RequestHead, text: string) => declared.headerFault?.(head, text),
    fault(request: SignedRequest, text: string, options: Holding<Option, Own>) {
      const values = options[option]
      // Without options it cannot be checked, and must not pass.
      if (!values) return { reason: 'mismatch' as const, message: `providers.${option} is not set` }
      return check(request, text, values)
    },
    optionsFault: (options: Holding<Option, Own>) => optionsFault(options[option]),
    lacks(options: Holding<Option, Own>): Lack | undefined {
      const values = options[option]
      if (!needs || !other || !values?.[declared.secret] || values[needs.option]) return undefined
      return { secret, other, because: needs.because, remedy: needs.remedy }
    },
  }

  /** An empty secret would check nothing, although its author expects a check. */
  function optionsFault(values: (Own & { unsigned?: true }) | undefined): string | undefined {
    if (values === undefined || !(declared.secret in values)) return undefined
    const isFilled = Boolean(values[declared.secret])
    if (values.unsigned !== true)
      return isFilled
        ? undefined
        : `${secret.option} is empty: give the secret (${secret.variable}), or accept webhooks without a signature by providers.${option}: { unsigned: true }`
    return isFilled ? `providers.${option}: unsigned: true and ${declared.secret} exclude each other` : undefined
  }

  return {
    ...declaration,
    signature,
    configure(options: Holding<Option, Own>, { read, isGiven }: ProviderEnvironment) {
      const values = read(settings)
      if (![...own.values()].some(each => each.isSecret && isGiven(each))) return
      options[option] = values
    },
  }
}

/**
 * Checks the option `providers` of a webhook: a mistyped name would refuse every webhook of that provider with 401. No
 * message contains a value, which may be a secret.
 */
import { refuseUnknown } from '../config/known-options.js'
import { meantBy } from '../config/meant.js'
import { kindOf } from '../config/option-checks.js'
import { declaredIn } from '../config/setting.js'
import type { Provider } from '../providers/provider.js'
import type { Providers } from '../providers/registry.js'

const UNSIGNED = 'allowUnsigned'

/** @throws {TypeError} naming the provider or its option, and what is probably meant */
export function checkProviders({ list, names }: Providers, options: object): void {
  const byOption = new Map(list.map(provider => [provider.option ?? provider.name, provider]))
  refuseUnknown('providers', options, [...byOption.keys(), UNSIGNED])
  for (const [name, own] of Object.entries(options)) {
    const provider = byOption.get(name)
    if (provider && own !== undefined) checkOwn(`providers.${name}`, provider, own)
    if (name === UNSIGNED && own !== undefined) checkUnsigned(own, names)
  }
}

function checkOwn(name: string, { settings }: Provider, own: unknown): void {
  const secrets = settings ? declaredIn(settings).map(([option]) => option) : []
  if (typeof own !== 'object' || own === null) {
    const [secret] = secrets
    const remedy = secret === undefined ? '{ unsigned: true }' : `{ ${secret}: … } or { unsigned: true }`
    throw new TypeError(`${name} is ${kindOf(own)}: give ${remedy}`)
  }
  refuseUnknown(name, own, [...secrets, 'unsigned'])
  for (const [option, value] of Object.entries(own)) {
    const wanted = option === 'unsigned' ? 'boolean' : 'string'
    if (value !== undefined && typeof value !== wanted)
      throw new TypeError(`${name}.${option} is ${kindOf(value)}: it must be a ${wanted}`)
  }
}

function checkUnsigned(given: unknown, names: readonly string[]): void {
  if (given === 'all') return
  if (!Array.isArray(given))
    throw new TypeError(`providers.${UNSIGNED} is ${kindOf(given)}: give a list of providers' names, or 'all'`)
  for (const name of given) {
    if (names.includes(name)) continue
    const meant = typeof name === 'string' ? meantBy(name, names) : undefined
    const remedy = meant === undefined ? `use ${names.join(', ')}` : `did you mean ${meant}?`
    throw new TypeError(`providers.${UNSIGNED} names no provider in ${JSON.stringify(name)}: ${remedy}`)
  }
}

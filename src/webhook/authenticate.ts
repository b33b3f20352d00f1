/** Whether a provider sent a webhook: its signature, the rule for providers without a secret, and Meta's verify token. */
import { Refusal } from '../http/refusal.js'
import { equalInTime } from '../providers/equal-in-time.js'
import type { Provider, SignedRequest } from '../providers/provider.js'
import type { Providers, ProvidersOptions } from '../providers/registry.js'
import type { Rejections } from './rejections.js'

export interface Trust {
  providers: ProvidersOptions
  /** The names of the providers whose webhooks may come unsigned. */
  unsigned: ReadonlySet<string>
  rejections: Rejections
}

/**
 * Decides once which providers may come unsigned: for each webhook anew that would cost a tenth of its CPU.
 * @param known the providers there are
 * @throws {TypeError} for a secret without another option that it needs
 */
export function trustIn(known: Providers, providers: ProvidersOptions, rejections: Rejections): Trust {
  checkTogether(known, providers)
  const unsigned = new Set(known.names.filter(name => known.mayComeUnsigned(name, providers, true)))
  return { providers, unsigned, rejections }
}

/** @throws {Refusal} 401 if the webhook must be signed and is not, or not by this provider */
export async function checkSender(
  { providers, unsigned, rejections }: Trust,
  { name, signature }: Provider,
  request: SignedRequest,
): Promise<void> {
  const secret = signature?.secret(providers)
  if (signature !== undefined && secret) {
    const fault = await signature.fault(request, secret, providers)
    if (fault === undefined) return
    rejections.add(name, fault.reason, `${fault.message}: compare ${signature.setting} with the provider's`)
    throw new Refusal(401, fault.message)
  }
  if (unsigned.has(name)) return
  const remedy = `${signature ? `set ${signature.setting}, or ` : ''}add ${name} to LULL_ALLOW_UNSIGNED (allowUnsigned)`
  rejections.add(name, 'unsigned', `${name} has no secret, and another provider has one: ${remedy}`)
  throw new Refusal(401, `webhooks of ${name} must be signed here, and no secret is set: ${remedy}`)
}

/** @throws {Refusal} 403 if Meta's verify token is not set here, or is another one */
export function checkVerifyToken({ providers, rejections }: Trust, given: string): void {
  const expected = providers.meta?.verifyToken
  if (expected && equalInTime(given, expected)) return
  const why = expected
    ? 'hub.verify_token is not WHATSAPP_VERIFY_TOKEN (providers.meta.verifyToken): enter the same one at Meta'
    : 'no verify token is set: set WHATSAPP_VERIFY_TOKEN (providers.meta.verifyToken)'
  rejections.add('meta', 'verify_token', why)
  throw new Refusal(403, why)
}

function checkTogether({ list }: Providers, options: ProvidersOptions): void {
  for (const { signature } of list) {
    const lack = signature?.lacks(options)
    if (!lack) continue
    const [secret, other] = [lack.secret, lack.other].map(({ variable, option }) => `${variable} (${option})`)
    throw new TypeError(`${secret} needs ${other}: ${lack.because}`)
  }
}

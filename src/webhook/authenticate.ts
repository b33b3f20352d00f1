/**
 * Whether a provider sent a webhook: its signature, the rule for providers without a secret, and Meta's verify token.
 *
 * What the headers alone show is checked before the body is read (`checkHead`): a request without proof costs no
 * memory.
 */
import { Refusal } from '../http/refusal.js'
import { equalInTime } from '../providers/equal-in-time.js'
import type { Fault, HeaderReader, Provider, RequestHead, Signature, SignedRequest } from '../providers/provider.js'
import type { Providers, ProvidersOptions } from '../providers/registry.js'
import { checkProviders } from './check-providers.js'
import { forwardingHeader } from './exposure.js'
import { type RejectionReason, type Rejections, UNKNOWN_PROVIDER } from './rejections.js'

/** A provider that has a secret here. */
interface Signed {
  name: string
  signature: Signature
  secret: string
}

export interface Trust {
  providers: ProvidersOptions
  known: Providers
  rejections: Rejections
  signed: ReadonlyMap<string, Signed>
  /** The names of the providers without a secret whose webhooks are accepted, from this machine and from elsewhere. */
  unsigned: { local: ReadonlySet<string>; exposed: ReadonlySet<string> }
}

export interface TrustOptions {
  /** The providers there are. */
  known: Providers
  providers: ProvidersOptions
  rejections: Rejections
  /** Only programs on this machine reach the server, unless a proxy forwards a request. */
  isLocal: boolean
}

/**
 * Decides once which providers may come unsigned: for each webhook anew that would cost a tenth of its CPU.
 * @throws {TypeError} for an unknown provider or option, and for a secret that is given but empty, or without another
 * option that it needs
 */
export function trustIn({ known, providers, rejections, isLocal }: TrustOptions): Trust {
  checkProviders(known, providers)
  checkTogether(known, providers)
  const signed = known.list.flatMap(({ name, signature }): [string, Signed][] => {
    const secret = signature?.secret(providers)
    return signature && secret ? [[name, { name, signature, secret }]] : []
  })
  const hasSecret = new Map(signed)
  const unsigned = (local: boolean) =>
    new Set(known.names.filter(name => !hasSecret.has(name) && known.mayComeUnsigned(name, providers, local)))
  return {
    providers,
    known,
    rejections,
    signed: hasSecret,
    unsigned: { local: unsigned(isLocal), exposed: unsigned(false) },
  }
}

/** @throws {Refusal} 403 for a request that a browser sends because of a web page: no provider sends these headers */
export function refuseWebPages({ rejections, known }: Trust, header: HeaderReader, provider = ''): void {
  const site = header('sec-fetch-site')
  if (header('origin') === undefined && (site === undefined || site === 'none')) return
  const found = header('origin') === undefined ? 'Sec-Fetch-Site' : 'Origin'
  const why = `the header ${found} shows that a web page sent it: webhooks come from servers, which send no ${found}`
  rejections.add(known.named(provider)?.name ?? UNKNOWN_PROVIDER, 'browser', why)
  throw new Refusal(403, why)
}

/**
 * Without the body. With `named` its own rule decides. Without it the body has to show whose webhook it is: it is
 * refused if no provider's rule could accept it, whatever the body is.
 *
 * @returns the names of the providers that may come unsigned in this request
 * @throws {Refusal} 401 if the headers show that the webhook cannot be accepted
 */
export async function checkHead(
  trust: Trust,
  named: Provider | undefined,
  head: RequestHead,
): Promise<ReadonlySet<string>> {
  const { local, exposed } = trust.unsigned
  const unsigned = local.size > exposed.size && forwardingHeader(head.header) === undefined ? local : exposed
  if (named !== undefined) await checkHeadOf(trust, named, head, unsigned)
  else if (unsigned.size === 0) await checkAnyHead(trust, head)
  return unsigned
}

/** @throws {Refusal} 401 unless the headers can be the proof of some provider */
async function checkAnyHead(trust: Trust, head: RequestHead): Promise<void> {
  const faults: [Signed, Fault][] = []
  for (const own of trust.signed.values()) {
    const fault = await own.signature.headerFault(head, own.secret, trust.providers)
    if (fault === undefined) return
    faults.push([own, fault])
  }
  // The header of one of them shows which one the request pretends to come from.
  const [first] = faults.length === 1 ? faults : faults.filter(([, { reason }]) => reason === 'mismatch')
  if (first !== undefined) throw refused(trust, ...first)
  if (faults.length === 0) throw unproved(trust, undefined, head)
  const why = `the signature or token is missing: there is no header of ${[...trust.signed.keys()].join(', ')}`
  trust.rejections.add(UNKNOWN_PROVIDER, 'missing', why)
  throw new Refusal(401, why)
}

async function checkHeadOf(trust: Trust, provider: Provider, head: RequestHead, unsigned: ReadonlySet<string>) {
  const own = trust.signed.get(provider.name)
  if (own === undefined) {
    if (unsigned.has(provider.name)) return
    throw unproved(trust, provider, head)
  }
  const fault = await own.signature.headerFault(head, own.secret, trust.providers)
  if (fault !== undefined) throw refused(trust, own, fault)
}

/**
 * @param unsigned as `checkHead` returned it
 * @returns whether a signature or token proved the sender
 * @throws {Refusal} 401 if the webhook must be signed and is not, or not by this provider
 */
export async function checkSender(
  trust: Trust,
  provider: Provider,
  request: SignedRequest,
  unsigned: ReadonlySet<string>,
): Promise<boolean> {
  const own = trust.signed.get(provider.name)
  if (own === undefined) {
    await checkHeadOf(trust, provider, request, unsigned)
    return false
  }
  const fault = await own.signature.fault(request, own.secret, trust.providers)
  if (fault !== undefined) throw refused(trust, own, fault)
  return true
}

function refused({ rejections }: Trust, { name, signature }: Signed, { reason, message }: Fault): Refusal {
  rejections.add(name, reason, `${message}: compare ${signature.setting} with the provider's`)
  return new Refusal(401, message)
}

/** @param provider `undefined`: unknown so far, and no provider is accepted without a signature */
function unproved(trust: Trust, provider: Provider | undefined, { header }: RequestHead): Refusal {
  const { providers, known, rejections, signed } = trust
  const name = provider?.name ?? UNKNOWN_PROVIDER
  const secret = provider === undefined ? "the provider's secret" : provider.signature?.setting
  const word = `add ${provider?.name ?? "the provider's name"} to LULL_ALLOW_UNSIGNED (unsigned: true)`
  const remedy = secret === undefined ? word : `set ${secret}, or ${word}`
  const proxy = forwardingHeader(header)
  const [reason, why]: [RejectionReason, string] =
    signed.size > 0 || known.namedUnsigned(providers) !== undefined
      ? ['unsigned', `${name} has no secret, and only the providers that are named may come unsigned`]
      : proxy !== undefined
        ? ['exposed', `no provider has a secret, and a proxy forwarded the webhook (${proxy})`]
        : ['exposed', 'no provider has a secret, and more than the programs on this machine may reach this address']
  rejections.add(name, reason, `${why}: ${remedy}`)
  const whose = provider === undefined ? '' : `of ${name} `
  return new Refusal(401, `webhooks ${whose}must be signed here, and no secret is set: ${remedy}`)
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
    const fault = signature?.optionsFault(options)
    if (fault !== undefined) throw new TypeError(fault)
    const lack = signature?.lacks(options)
    if (!lack) continue
    const [secret, other] = [lack.secret, lack.other].map(({ variable, option }) => `${variable} (${option})`)
    throw new TypeError(`${secret} needs ${other}: ${lack.because}`)
  }
}

/**
 * Checks of a signature that several providers share: a token in a header, or an HMAC of the body's bytes in a header.
 * All compare in constant time.
 */
import { createHmac } from 'node:crypto'
import { equalInTime } from './equal-in-time.js'
import type { Fault, RequestHead, SignedRequest } from './provider.js'

export const missing = (header: string): Fault => ({ reason: 'missing', message: `the header ${header} is missing` })
const mismatch = (message: string): Fault => ({ reason: 'mismatch', message })

/** The header is the secret itself. */
export const tokenFault =
  (name: string) =>
  ({ header }: RequestHead, secret: string): Fault | undefined => {
    const given = header(name.toLowerCase())
    if (!given) return missing(name)
    return equalInTime(given, secret) ? undefined : mismatch(`the header ${name} is not the one that is set here`)
  }

/** `Authorization: Bearer <secret>`, or `Basic <secret>` if the sender is set up that way. */
export function bearerFault(request: RequestHead, secret: string): Fault | undefined {
  const given = bearerOf(request)
  if (given === undefined) return missing('Authorization')
  return equalInTime(given, secret) ? undefined : mismatch('the token in Authorization is not the one that is set here')
}

/** The credentials in the header Authorization. */
export function bearerOf({ header }: RequestHead): string | undefined {
  const [, given] = /^\s*(?:Bearer\s+|Basic\s+)?(\S+)\s*$/i.exec(header('authorization') ?? '') ?? []
  return given
}

/** The header is `<prefix><hex>`, an HMAC of the body. */
export const hmacFault =
  (name: string, algorithm: 'sha256' | 'sha512', prefix = '') =>
  ({ body, header }: SignedRequest, secret: string): Fault | undefined => {
    const given = header(name.toLowerCase())
    if (!given) return missing(name)
    const expected = prefix + createHmac(algorithm, secret).update(body).digest('hex')
    return equalInTime(given, expected) ? undefined : mismatch(`${name} does not match the body`)
  }

/** The header is there, and has the form of a signature. Whether it is the right one depends on the body. */
export const formFault =
  (name: string, form: RegExp) =>
  ({ header }: RequestHead): Fault | undefined => {
    const given = header(name.toLowerCase())
    if (!given) return missing(name)
    return form.test(given) ? undefined : mismatch(`the header ${name} has not the form of a signature`)
  }

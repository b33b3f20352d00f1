/**
 * Who may see and change conversations: whoever sends the token, or a browser to which it was given once. What the browser
 * keeps is a cookie made of the token, not the token; and what it is asked to change is changed only if our own page asks,
 * since browsers send cookies with whatever another program on this host's ports makes them send. A caller's loopback
 * address proves nothing behind a proxy.
 */
import { createHmac } from 'node:crypto'
import type { Context, Middleware } from 'koa'
import { Refusal } from '../http/refusal.js'
import { equalInTime } from '../providers/equal-in-time.js'

const CHALLENGE = { 'WWW-Authenticate': 'Bearer' }
const COOKIE_PURPOSE = 'lull page'
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

export class Access {
  private readonly cookie: string | undefined
  private readonly publicUrl: URL | undefined

  /** @param publicUrl how the outside sees the API: its origin is ours, and with https its cookies are for TLS only */
  constructor(
    private readonly token: string | undefined,
    publicUrl?: string,
  ) {
    this.cookie = token ? createHmac('sha256', token).update(COOKIE_PURPOSE).digest('base64url') : undefined
    this.publicUrl = publicUrl === undefined ? undefined : new URL(publicUrl)
  }

  /** Refuses with 401 whoever has neither the header nor the cookie, and everybody where no token is set. */
  readonly required: Middleware = (ctx, next) => {
    this.check(ctx)
    return next()
  }

  /** @throws {Refusal} 401; 403 for a change that a browser was made to ask for by somebody else's page */
  check(ctx: Context): void {
    if (!this.token) throw new Refusal(401, 'this route needs a token, and none is set: set LULL_API_TOKEN', CHALLENGE)
    const [, given] = /^Bearer +(\S+)\s*$/i.exec(ctx.get('authorization')) ?? []
    if (given !== undefined) {
      if (!equalInTime(given, this.token)) throw new Refusal(401, 'the token is not LULL_API_TOKEN', CHALLENGE)
    } else if (this.isKnown(ctx)) {
      if (!SAFE_METHODS.has(ctx.method)) this.checkOrigin(ctx)
    } else throw new Refusal(401, 'send the header "Authorization: Bearer <LULL_API_TOKEN>"', CHALLENGE)
  }

  /** Gives the browser its cookie for the token. @returns whether it was the token */
  admit(ctx: Context, given: string): boolean {
    if (!this.token || !this.cookie || !equalInTime(given, this.token)) return false
    const isTls = this.publicUrl?.protocol === 'https:' && this.publicUrl.host === ctx.get('host')
    ctx.append(
      'Set-Cookie',
      `${cookieName(ctx)}=${this.cookie}; Path=/; HttpOnly; SameSite=Strict${isTls ? '; Secure' : ''}`,
    )
    return true
  }

  /** @throws {Refusal} 403 unless it is our own page that asks */
  checkOrigin(ctx: Context): void {
    const site = ctx.get('sec-fetch-site')
    if (site !== '' ? site === 'same-origin' : this.isOurs(ctx.get('origin'), ctx.get('host'))) return
    throw new Refusal(403, 'a change is taken from the page itself or with the header "Authorization: Bearer …" only')
  }

  private isKnown(ctx: Context): boolean {
    const given = ctx.cookies.get(cookieName(ctx))
    return given !== undefined && this.cookie !== undefined && equalInTime(given, this.cookie)
  }

  private isOurs(origin: string, host: string): boolean {
    if (!URL.canParse(origin)) return false
    return new URL(origin).host === host || origin === this.publicUrl?.origin
  }
}

/** Browsers keep cookies by host, whatever the port: two of us on one host must not take each other's away. */
function cookieName(ctx: Context): string {
  const [, port] = /:(\d{1,5})$/.exec(ctx.get('host')) ?? []
  return port === undefined ? 'lull' : `lull-${port}`
}

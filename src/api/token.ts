/**
 * Who may see and change conversations: a client that sends the token, or a browser that has traded it for a cookie. The
 * cookie is derived from the token and does not contain it. With the cookie, a change is accepted only from our own page:
 * browsers send cookies to all ports of a host, so that a page of another program on this host could cause a change. The
 * client's loopback address is no proof: behind a proxy every client has it.
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

  /** @param publicUrl the API's address for its clients: its origin counts as ours; if it is https, the cookie is `Secure` */
  constructor(
    private readonly token: string | undefined,
    publicUrl?: string,
  ) {
    this.cookie = token ? createHmac('sha256', token).update(COOKIE_PURPOSE).digest('base64url') : undefined
    this.publicUrl = publicUrl === undefined ? undefined : new URL(publicUrl)
  }

  /** Middleware: refuses a request without the token or the cookie, and every request if no token is set. */
  readonly required: Middleware = (ctx, next) => {
    this.check(ctx)
    return next()
  }

  /** @throws {Refusal} 401; 403 for a change with the cookie that another site's page caused */
  check(ctx: Context): void {
    if (!this.token)
      throw new Refusal(401, 'this route needs a token and the API has none: set LULL_API_TOKEN', CHALLENGE)
    const [, given] = /^Bearer +(\S+)\s*$/i.exec(ctx.get('authorization')) ?? []
    if (given !== undefined) {
      if (!equalInTime(given, this.token))
        throw new Refusal(401, 'the token is not LULL_API_TOKEN: send that one', CHALLENGE)
    } else if (this.isKnown(ctx)) {
      if (!SAFE_METHODS.has(ctx.method)) this.checkOrigin(ctx)
    } else throw new Refusal(401, 'send the header "Authorization: Bearer <LULL_API_TOKEN>"', CHALLENGE)
  }

  /** Whether the request has the token in its header. */
  hasBearer(ctx: Context): boolean {
    const [, given] = /^Bearer +(\S+)\s*$/i.exec(ctx.get('authorization')) ?? []
    return given !== undefined && this.token !== undefined && equalInTime(given, this.token)
  }

  /** Sets the browser's cookie if the token is right. @returns whether it is */
  admit(ctx: Context, given: string): boolean {
    if (!this.token || !this.cookie || !equalInTime(given, this.token)) return false
    const isTls = this.publicUrl?.protocol === 'https:' && this.publicUrl.host === ctx.get('host')
    ctx.append(
      'Set-Cookie',
      `${cookieName(ctx)}=${this.cookie}; Path=/; HttpOnly; SameSite=Strict${isTls ? '; Secure' : ''}`,
    )
    return true
  }

  /** @throws {Refusal} 403 unless the request comes from our own page */
  checkOrigin(ctx: Context): void {
    const site = ctx.get('sec-fetch-site')
    if (site !== '' ? site === 'same-origin' : this.isOurs(ctx.get('origin'), ctx.get('host'))) return
    throw new Refusal(
      403,
      'with the cookie only the page itself may change anything: send the header "Authorization: Bearer <LULL_API_TOKEN>"',
    )
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

/** Browsers share cookies between the ports of a host: with the port in its name, two APIs on one host keep theirs apart. */
function cookieName(ctx: Context): string {
  const [, port] = /:(\d{1,5})$/.exec(ctx.get('host')) ?? []
  return port === undefined ? 'lull' : `lull-${port}`
}

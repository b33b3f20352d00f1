/**
 * Who may see and change conversations: a client that sends the token, or a browser that has traded it for a session.
 *
 * The browser's cookie is the random id of its session, and proves nothing else: browsers send cookies to all ports of
 * a host, so another program on this host may see it. A session ends some hours after its last use, by the page's
 * button, by `lull token rotate`, or when the API gets another token: the store knows it by a digest of its id and the
 * token.
 *
 * With the cookie, a change is accepted only from our own page: a page of another program on this host could cause one.
 * The client's loopback address is no proof: behind a proxy every client has it.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { Context, Middleware } from 'koa'
import { Refusal } from '../http/refusal.js'
import { equalInTime } from '../providers/equal-in-time.js'
import type { Sessions } from '../store/sessions.js'

const CHALLENGE = { 'WWW-Authenticate': 'Bearer' }
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
const SESSION_ID_BYTES = 32
const SESSION_ID = /^[\w-]{43}$/
/** A session ends so long after its last use. */
const SESSION_MS = 12 * 3_600_000

/** A token that `lull up` made: `lull token rotate` replaces it, too. */
export interface MadeToken {
  /** The sessions' generation for which the token was made. */
  generation: number
  /** Makes the next token, and prints it for the user. */
  remake(): string
}

export interface AccessOptions {
  /** Without a token every request is refused. */
  token?: string | undefined
  made?: MadeToken | undefined
  /** The API's address for its clients: its origin counts as ours; if it is https, the cookie is `Secure`. */
  publicUrl?: string | undefined
  /** How long a session lasts without use; 12 h. */
  sessionMs?: number | undefined
}

export class Access {
  private token: string | undefined
  private generation: number
  private readonly made: MadeToken | undefined
  private readonly publicUrl: URL | undefined
  private readonly sessionMs: number

  constructor(
    private readonly sessions: Sessions,
    { token, made, publicUrl, sessionMs = SESSION_MS }: AccessOptions,
  ) {
    this.token = token
    this.made = made
    this.generation = made?.generation ?? 0
    this.publicUrl = publicUrl === undefined ? undefined : new URL(publicUrl)
    this.sessionMs = sessionMs
  }

  /** Middleware: refuses a request without the token or a session, and every request if no token is set. */
  readonly required: Middleware = async (ctx, next) => {
    await this.check(ctx)
    await next()
  }

  /** @throws {Refusal} 401; 403 for a change with the cookie that another site's page caused */
  async check(ctx: Context): Promise<void> {
    const token = await this.currentToken()
    if (!token) throw new Refusal(401, 'this route needs a token and the API has none: set LULL_API_TOKEN', CHALLENGE)
    const given = bearerOf(ctx)
    if (given !== undefined) {
      if (!equalInTime(given, token))
        throw new Refusal(401, 'the token is not LULL_API_TOKEN: send that one', CHALLENGE)
    } else if (await this.hasSession(ctx)) {
      if (!SAFE_METHODS.has(ctx.method)) this.checkOrigin(ctx)
    } else throw new Refusal(401, 'send the header "Authorization: Bearer <LULL_API_TOKEN>"', CHALLENGE)
  }

  /** Whether the request has the token in its header. */
  hasBearer(ctx: Context): boolean {
    const given = bearerOf(ctx)
    return given !== undefined && this.token !== undefined && equalInTime(given, this.token)
  }

  /** Begins a session and sets the browser's cookie, if the token is right. @returns whether it is */
  async admit(ctx: Context, given: string): Promise<boolean> {
    const token = await this.currentToken()
    if (!token || !equalInTime(given, token)) return false
    const id = randomBytes(SESSION_ID_BYTES).toString('base64url')
    await this.sessions.begin(digestOf(id, token), this.sessionMs)
    this.setCookie(ctx, id)
    return true
  }

  /** Ends the browser's session and removes its cookie. */
  async leave(ctx: Context): Promise<void> {
    const digest = this.sessionOf(ctx)
    if (digest !== undefined) await this.sessions.end(digest)
    this.setCookie(ctx, '', '; Max-Age=0')
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

  /** The token; a made one is replaced if the sessions were ended since it was made. */
  private async currentToken(): Promise<string | undefined> {
    if (!this.made) return this.token
    const generation = await this.sessions.generation()
    if (generation !== this.generation) {
      this.generation = generation
      this.token = this.made.remake()
    }
    return this.token
  }

  private async hasSession(ctx: Context): Promise<boolean> {
    const digest = this.sessionOf(ctx)
    return digest !== undefined && (await this.sessions.use(digest, this.sessionMs))
  }

  /** What the store knows the browser's session by, if its cookie could be one. */
  private sessionOf(ctx: Context): string | undefined {
    const id = ctx.cookies.get(cookieName(ctx))
    return this.token && id !== undefined && SESSION_ID.test(id) ? digestOf(id, this.token) : undefined
  }

  private setCookie(ctx: Context, value: string, more = ''): void {
    const isTls = this.publicUrl?.protocol === 'https:' && this.publicUrl.host === ctx.get('host')
    const attributes = `Path=/; HttpOnly; SameSite=Strict${isTls ? '; Secure' : ''}${more}`
    ctx.append('Set-Cookie', `${cookieName(ctx)}=${value}; ${attributes}`)
  }

  private isOurs(origin: string, host: string): boolean {
    if (!URL.canParse(origin)) return false
    return new URL(origin).host === host || origin === this.publicUrl?.origin
  }
}

function bearerOf(ctx: Context): string | undefined {
  const [, given] = /^Bearer +(\S+)\s*$/i.exec(ctx.get('authorization')) ?? []
  return given
}

/** With the token as its key: under another token a session is unknown. */
const digestOf = (id: string, token: string) => createHmac('sha256', token).update(id).digest('base64url')

/**
 * Browsers share cookies between the ports of a host: with the port in its name, two APIs on one host keep theirs
 * apart.
 */
function cookieName(ctx: Context): string {
  const [, port] = /:(\d{1,5})$/.exec(ctx.get('host')) ?? []
  return port === undefined ? 'lull' : `lull-${port}`
}

/** The bearer token: who may see and change conversations. A caller's loopback address proves nothing behind a proxy. */
import type { Middleware } from 'koa'
import { equalInTime } from '../providers/equal-in-time.js'
import { Refusal } from '../webhook/answer.js'

const CHALLENGE = { 'WWW-Authenticate': 'Bearer' }

/** Refuses requests without `Authorization: Bearer <token>` with 401; all of them where no token is set. */
export function requireToken(token: string | undefined): Middleware {
  return async (ctx, next) => {
    if (!token) throw new Refusal(401, 'this route needs a token, and none is set: set LULL_API_TOKEN', CHALLENGE)
    const [, given] = /^Bearer +(\S+)\s*$/i.exec(ctx.get('authorization')) ?? []
    if (given === undefined)
      throw new Refusal(401, 'send the header "Authorization: Bearer <LULL_API_TOKEN>"', CHALLENGE)
    if (!equalInTime(given, token)) throw new Refusal(401, 'the token is not LULL_API_TOKEN', CHALLENGE)
    return next()
  }
}

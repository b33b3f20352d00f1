/** `lull token rotate`: ends all sessions of the page, and the use of a token that `lull up` made. */
import type { Config } from '../config.js'
import { withBatcher } from './with-batcher.js'

/** Resolves to what has ended and what has not. */
export function rotateToken(config: Config): Promise<string> {
  return withBatcher(config, 'token', async batcher => {
    await batcher.store.sessions.endAll()
    const token =
      config.api.token === undefined
        ? 'a lull up that made its token replaces it at the next request, and prints the new link'
        : 'LULL_API_TOKEN is still valid: set another one and restart the API to end its use'
    return `all sessions of the page have ended; ${token}`
  })
}

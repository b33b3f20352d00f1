/**
 * Ids of messages that the bot sent, so that their webhooks do not count as a person's answer (`own-messages.ts`).
 *
 *   POST /conversations/:id/sent    POST /conversations/sent?id=
 */
import type Router from '@koa/router'
import type { Middleware } from 'koa'
import { z } from 'zod'
import type { Batcher } from '../batcher.js'
import { LONGEST_ID } from '../providers/fields.js'
import { conversationIdOf, type WithParams } from './conversation-id.js'
import { parsed } from './parsed.js'
import type { ReadBody } from './request-body.js'

/** In one request. */
const MOST_IDS = 1000

const messageId = z.string().min(1).max(LONGEST_ID)
export const sentBody = z.object({ messageId: z.union([messageId, z.array(messageId).min(1).max(MOST_IDS)]) })

interface Options {
  batcher: Batcher
  token: Middleware
  readBody: ReadBody
}

export function sentRoutes(router: Router, { batcher, token, readBody }: Options): void {
  const sent = async (ctx: WithParams) => {
    const id = conversationIdOf(ctx)
    const why = `messageId is missing, or neither an id nor 1 to ${MOST_IDS} ids of at most ${LONGEST_ID} characters: send {"messageId":"…"}`
    const { messageId } = parsed(sentBody, await readBody(ctx), why)
    const ids = [messageId].flat()
    ctx.body = { sent: ids.length, ...(await batcher.sent(id, ...ids)) }
  }
  router.post('/conversations/sent', token, sent)
  router.post('/conversations/:id/sent', token, sent)
}

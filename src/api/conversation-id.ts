/** The conversation that a request names: by its path, or by `?id=`. */
import type { Context } from 'koa'
import { z } from 'zod'
import { LONGEST_ID } from '../providers/fields.js'
import { parsed } from './parsed.js'
import { queryOf } from './request-body.js'

/** Parameters of a path: the router adds them. */
export type WithParams = Context & { params: Record<string, string> }

/** An account, a group and a sender, each as long as an id may be. */
const LONGEST_CONVERSATION_ID = 3 * LONGEST_ID

export const conversationIdShape = z
  .string()
  .min(1, 'the conversation is missing: give its id in the path, URL-encoded, or as ?id=')
  .max(LONGEST_CONVERSATION_ID, {
    error: ({ input }) =>
      `the conversation's id has ${String(input).length} characters: use at most ${LONGEST_CONVERSATION_ID}`,
  })

/** @throws {Refusal} 400 if it is missing or too long */
export const conversationIdOf = (ctx: WithParams): string =>
  parsed(conversationIdShape, queryOf(ctx, 'id') ?? ctx.params['id'] ?? '')

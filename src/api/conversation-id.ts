/** The conversation that a request names: by its path, or by `?id=`. */
import type { Context } from 'koa'
import { Refusal } from '../http/refusal.js'
import { LONGEST_ID } from '../providers/fields.js'
import { queryOf } from './request-body.js'

/** Parameters of a path: the router adds them. */
export type WithParams = Context & { params: Record<string, string> }

/** An account, a group and a sender, each as long as an id may be. */
const LONGEST_CONVERSATION_ID = 3 * LONGEST_ID

/** @throws {Refusal} 400 if it is missing or too long */
export function conversationIdOf(ctx: WithParams): string {
  const id = queryOf(ctx, 'id') ?? ctx.params['id'] ?? ''
  if (id === '') throw new Refusal(400, 'the conversation is missing: give its id in the path, URL-encoded, or as ?id=')
  if (id.length > LONGEST_CONVERSATION_ID)
    throw new Refusal(400, `the conversation's id has ${id.length} characters: use at most ${LONGEST_CONVERSATION_ID}`)
  return id
}

/** `lull pause` and `lull resume`: a person takes over a conversation, and the bot comes back. */

import type { Batcher } from '../batcher.js'
import type { Config } from '../config.js'
import type { PausedConversation, PauseOptions } from '../pause.js'
import type { ConversationState } from '../store/store.js'
import { NothingDone } from './nothing-done.js'
import { clean, inert, jsonLine } from './show/escape.js'
import { duration, messages, moment } from './show/words.js'
import { withBatcher } from './with-batcher.js'

/** Paused conversations that one command lists. */
const MOST_LISTED = 1000

interface Options extends PauseOptions {
  /** How long, in milliseconds. By default what the rules of the conversation say. */
  forMs?: number | undefined
}

/** Resolves to what happened, in one line; an answer that goes on all the same has a line of its own. */
export function pause(config: Config, conversationId: string, { forMs, keep }: Options): Promise<string> {
  return withBatcher(config, 'pause', async batcher => {
    const { untilMs, dropped } = await batcher.pause(conversationId, forMs, { keep })
    const { paused, heldBy, nowMs } = await batcher.conversation(conversationId)
    const spanMs = Math.round((untilMs - nowMs) / 1000) * 1000
    const what = paused?.keep === 'collect' ? 'what waits and what comes is handed over then' : droppedLine(dropped)
    return inert(
      [
        `paused ${conversationId} for ${duration(spanMs)}, until ${moment(untilMs, nowMs)}: ${what}`,
        ...(heldBy ? [`batch ${heldBy.batchId} is under way: its answer still goes out`] : []),
      ].join('; '),
    )
  })
}

const droppedLine = (count: number) =>
  count === 0 ? 'what comes is dropped' : `dropped ${messages(count)}; what comes is dropped, too`

/**
 * Resolves to what happened, in one line.
 * @throws {NothingDone} if the conversation is not paused
 */
export function resume(config: Config, conversationId: string): Promise<string> {
  return withBatcher(config, 'resume', async batcher => {
    if (!(await batcher.resume(conversationId))) throw await notPaused(batcher, conversationId)
    return inert(`resumed ${conversationId}${waitingIn(await batcher.conversation(conversationId))}`)
  })
}

function waitingIn({ waiting, open }: ConversationState): string {
  if (waiting === 0) return ''
  const due = open ? `, due in ${duration(open.dueInMs)}` : ''
  return `: ${messages(waiting)} wait${waiting === 1 ? 's' : ''}${due}`
}

async function notPaused(batcher: Batcher, conversationId: string): Promise<NothingDone> {
  const paused = await batcher.paused(MOST_LISTED)
  const meant = paused.find(one => one.conversationId.includes(conversationId))
  const remedy = meant ? `did you mean ${meant.conversationId}?` : 'lull pause lists the conversations that are'
  return new NothingDone(inert(`${conversationId} is not paused: ${remedy}`))
}

/** Resolves to a line for each paused conversation, the first to go on first; as JSON, one object a line. */
export function listPaused(config: Config, { json = false }: { json?: boolean }): Promise<string> {
  return withBatcher(config, 'pause', async batcher => {
    const paused = await batcher.paused(MOST_LISTED)
    if (json) return paused.map(jsonLine).join('\n')
    if (paused.length === 0) return 'no conversation is paused'
    const width = Math.max(...paused.map(({ conversationId }) => clean(conversationId).length))
    const more = paused.length === MOST_LISTED ? ['and there are more'] : []
    return [...paused.map(one => line(one, width)), ...more].join('\n')
  })
}

const line = ({ conversationId, untilMs, inMs }: PausedConversation, width: number) =>
  `${clean(conversationId).padEnd(width)}  until ${moment(untilMs, untilMs - inMs)}, in ${duration(inMs)}`

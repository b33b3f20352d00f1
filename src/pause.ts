/** How a conversation is paused while a person answers: for how long, and what becomes of its messages. */
import { type ConversationSettings, overridesFrom } from './settings/overrides.js'
import type { PauseRequest } from './store/store.js'

/** How a conversation is paused. */
export interface PauseOptions {
  /**
   * What becomes of messages that wait, and of those that come: `drop` accepts and discards them, `collect` hands them
   * over together when the pause ends. By default what the rule `paused` of the conversation says.
   */
  keep?: PauseRequest['keep'] | undefined
}

/** A conversation that is paused. */
export interface PausedConversation {
  /** Its id. */
  conversationId: string
  /** When the pause ends: milliseconds since 1970, by the store's clock. */
  untilMs: number
  /** Until then, in milliseconds. */
  inMs: number
}

/**
 * @param settings of the conversation
 * @param forMs `pauseMs` by default
 * @throws {RangeError} one line, if one of them cannot be used
 */
export function pauseRequest(
  settings: Pick<ConversationSettings, 'pauseMs' | 'paused'>,
  forMs: number | undefined,
  { keep }: PauseOptions,
): PauseRequest {
  const given = givenPause({ forMs, keep })
  return { forMs: given.forMs ?? settings.pauseMs, keep: given.keep ?? settings.paused }
}

/**
 * What a caller gives for a pause. It has the bounds of the settings `pauseMs` and `paused`; a text is read like theirs.
 * @throws {RangeError} one line, if one of them cannot be used
 */
export function givenPause({ forMs, keep }: { forMs?: unknown; keep?: unknown }): Partial<PauseRequest> {
  const { pauseMs, paused } = named(() => overridesFrom({ pauseMs: forMs, paused: keep }))
  return { ...(pauseMs === undefined ? {} : { forMs: pauseMs }), ...(paused === undefined ? {} : { keep: paused }) }
}

/** An error has the caller's names, instead of those of the settings. */
function named<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new RangeError(error.message.replace(/^pauseMs=/, 'forMs=').replace(/^paused=/, 'keep='))
  }
}

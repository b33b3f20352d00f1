/**
 * The steps of a batch's life, as the history keeps them: one entry a step, without texts. Each line below says when a step
 * is recorded and what its `detail` holds. Every value of a `detail` is text; the functions at the end parse it.
 */

/** What happened to a batch, or to a conversation. Each one's comment says what its entry's `detail` holds. */
export type HistoryStep =
  /**
   * A batch got its first messages. `count`: how many came together; `ids`: the id of the first one, as a JSON list.
   * `supersedes`: the batches that it replaced, separated by spaces, the last one last. `arrivals.ts` adds `back`: how
   * many of its messages came back from that one; and `ids`, `at` and `firstAtMs` of all, as in `claimed`.
   */
  | 'opened'
  /**
   * More messages were added. `count`: how many the batch holds now; `ids`: those that came. No store keeps this step:
   * `arrivals.ts` derives it from `claimed`, so that an append costs little.
   */
  | 'appended'
  /** A sign of typing moved the due time. `byMs`: by how much; less than 0 if the typing has ended. */
  | 'extended'
  /**
   * The batch takes no more messages and is due. `reason`: a cap, `flush` or `direct`; `count`: how many it holds; `rule`
   * and `scope`: as for `claimed`.
   */
  | 'sealed'
  /** The batch's header was deleted before its TTL, not by Lull. Its messages are released all the same. `count`. */
  | 'vanished'
  /**
   * A processor took the batch under a lease. `owner`: which one; `reason`: why it was released; `count`; `lateMs`: from the
   * moment it could go to this step. `ids`, `at` and `firstAtMs` say when each of its first 100 messages came: `at` holds
   * milliseconds from `firstAtMs` on. `rule` and `scope`: which of the conversation's own rules released it, and where
   * that comes from; absent if it was one of all conversations. `dueInMs`: of an early start. The channel and the metric for this event say `released`.
   */
  | 'claimed'
  /** The lease ended and another processor took the batch. `owner`, `attempt`. */
  | 'reclaimed'
  /** A processor that stops gave the batch back; that costs no attempt. `owner`. */
  | 'given-back'
  /** A handover failed and will be tried again. `attempt`; `delayMs`: until then; `error`. */
  | 'nacked'
  /** The receiver has the batch. `owner`: who handed it over; `late`: the batch was dead by then. */
  | 'handed-over'
  /**
   * Newer messages superseded the batch before it was committed. `count`; `by`: the batch that has its messages, absent if
   * they were discarded.
   */
  | 'superseded'
  /** Its answer is about to be sent: nothing supersedes the batch any more. */
  | 'committed'
  /** The work on the batch has ended. `outcome`: an `AnswerOutcome`; `late`: the batch was dead by then. */
  | 'answered'
  /** The last attempt failed. `attempt`, `error`. */
  | 'dead'
  /** Everything in the conversation that no processor had claimed was discarded. `count`, `by`, `ids`. */
  | 'dropped'
  /** Messages came while the conversation was paused, and were discarded. `count`, `ids`. */
  | 'paused'
  /**
   * A person has taken over. `untilMs`: until then; `keep`: whether what comes is collected or dropped; `by`. Its
   * `batchId` is that of the open batch, or empty.
   */
  | 'pause'
  /** The pause was ended before its time. `by`; `batchId` as for `pause`. */
  | 'resumed'
  /**
   * The open batch, or the next one, waits. `key`: for what; that of a message which waits for its text is its id as
   * JSON. `forMs`: for how long at most. Its `batchId` is empty if no batch was open.
   */
  | 'held'
  /** It waits for `key` no more. */
  | 'unheld'
  /** The text of a message was replaced before its batch was claimed. `ids`: of that message. */
  | 'edited'
  /** A message was taken out before its batch was claimed. `ids`: of that message. */
  | 'revoked'
  /**
   * Two conversations of one person were merged; each of them has this step. `into`: the other one's id, in the history of the
   * one that is gone; `batch`: the open batch that this one's joined. `from` and `count`: whose messages came, and how many.
   */
  | 'merged'
  /** A dead batch waits again, in front of its conversation. `count`, `by`. */
  | 'redriven'
  /** A dead batch was erased, with its messages. `count`, `by`. */
  | 'discarded'

/** One step of a batch's life, without texts. */
export interface HistoryEntry {
  /** The stream's id; its first part is the time, in milliseconds. */
  id: string
  /** When it happened: milliseconds since 1970, by the store's clock. */
  atMs: number
  /** A `HistoryStep`, or a step that a later version of Lull wrote. */
  step: HistoryStep | (string & {})
  /** The conversation that it happened in. */
  conversationId: string
  /** The batch that it happened to; for steps of a conversation see `HistoryStep`. */
  batchId: string
  /** What the step calls for: see `HistoryStep`. */
  detail: Record<string, string>
}

type Detail = HistoryEntry['detail']

/** A number in a detail; `fallback` if it is missing or not a number. */
export function numberIn(detail: Detail, name: string, fallback = 0): number {
  const text = detail[name]
  const number = text === undefined || text === '' ? Number.NaN : Number(text)
  return Number.isFinite(number) ? number : fallback
}

/** A conversation's own rule that released a batch, and where that comes from: `*`, an account, a conversation, `hook`, `caller`. */
export interface ReleaseRule {
  name: string
  value: number
  scope: string
}

/** By the step `claimed` or `sealed`; `undefined` if it was a rule of all conversations. */
export function ruleIn({ rule = '', scope }: Detail): ReleaseRule | undefined {
  const [, name, value] = /^(\w+)=(\d+)$/.exec(rule) ?? []
  return name === undefined || scope === undefined ? undefined : { name, value: Number(value), scope }
}

/** The ids of the messages that a step names. */
export const idsIn = ({ ids }: Detail): string[] => listIn(ids).map(String)

/** When each message of a batch came, by the step `claimed`; in the order of arrival. `undefined`: the step does not say. */
export function arrivalsIn(detail: Detail): { ids: string[]; atMs: number[] } | undefined {
  if (!detail['ids']) return undefined
  const offsets = listIn(detail['at'])
  const firstAtMs = numberIn(detail, 'firstAtMs')
  return { ids: idsIn(detail).slice(0, offsets.length), atMs: offsets.map(ms => firstAtMs + Number(ms)) }
}

/** A JSON list; empty if the text is anything else, which Lull did not write. */
function listIn(text = '[]'): unknown[] {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) ? list : []
  } catch {
    return []
  }
}

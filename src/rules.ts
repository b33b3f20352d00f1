/**
 * The rules of batching: when a batch is due, how long a claim lasts, what holds a conversation. Each is declared here once,
 * with its variable, default, bounds and meaning: for the library's options, for the environment and for
 * docs/settings.md. Durations are milliseconds.
 */
import { z } from 'zod'
import { MESSAGE_TYPES } from './batch.js'
import { declaredIn, oneOf, setting, someOf, whole } from './config/setting.js'
import type { Rules } from './rule-types.js'
import { shapeOf } from './shape-of.js'

const SECOND = 1000
const HOUR = 3600 * SECOND
const DAY = 24 * HOUR

export const LONGEST_PAUSE_MS = 30 * DAY

export const rulesSchema = shapeOf<Rules>()(
  z.object({
    quietGapMs: setting(
      'LULL_QUIET_GAP_MS',
      'The silence after a message that closes its batch.',
      whole(10, HOUR, 10 * SECOND),
    ),
    maxWaitMs: setting(
      'LULL_MAX_WAIT_MS',
      'The longest time from the first message of a batch to its due time. At least the quiet gap.',
      whole(10, DAY, 60 * SECOND),
    ),
    batchTtlMs: setting(
      'LULL_BATCH_TTL_MS',
      'The TTL of an open batch’s key. Each message renews it, and so does Lull while the conversation is held. More than the quiet gap.',
      whole(20, 2 * DAY, 60 * SECOND),
    ),
    maxMessages: setting('LULL_MAX_MESSAGES', 'A batch with this many messages is due at once.', whole(1, 10_000, 100)),
    maxBytes: setting(
      'LULL_MAX_BYTES',
      'A batch with this many bytes is due at once.',
      whole(1, 16 * 1024 * 1024, 262_144),
    ),
    dedupeMs: setting('LULL_DEDUPE_MS', 'How long Lull remembers a message id.', whole(SECOND, 30 * DAY, DAY)),
    maxAgeMs: setting(
      'LULL_MAX_AGE_MS',
      'Messages sent longer ago than this are acknowledged and dropped: after an outage providers re-send a week of them. 0: off.',
      whole(0, 30 * DAY, 0),
    ),
    leaseMs: setting(
      'LULL_LEASE_MS',
      'How long a claim lasts. A processor renews it while the handover runs, and aborts the handover if it loses the lease.',
      whole(100, HOUR, 30 * SECOND),
    ),
    maxAttempts: setting(
      'LULL_MAX_ATTEMPTS',
      'How many handovers are tried before a batch is dead.',
      whole(1, 1000, 5),
    ),
    order: setting(
      'LULL_ORDER',
      '`serial`: the next batch of a conversation is released when the last one is answered, at max(due, answered). `concurrent`: at its due time.',
      oneOf(['serial', 'concurrent'], 'serial'),
    ),
    answering: setting(
      'LULL_ANSWERING',
      'What happens to messages that come while a batch is answered. `queue`: they wait for the end of the answer. `supersede`: they stop an answer that is not committed, and one new batch has the old and the new messages: see docs/answers.md. It needs serial order, and handlers that call `commit()` before they send.',
      oneOf(['queue', 'supersede'], 'queue'),
    ),
    earlyStartMs: setting(
      'LULL_EARLY_START_MS',
      'With `supersede`: a batch is handed over after this silence, marked `provisional`, and can be committed when its quiet gap has ended. Less than the quiet gap; best is the quiet gap minus the time that an answer usually takes. 0: off.',
      whole(0, HOUR, 0),
    ),
    typingGapMs: setting(
      'LULL_TYPING_GAP_MS',
      'The quiet gap of a conversation in which a sign of typing was seen within a day, if that is shorter: a person who can be seen typing needs no long silence. 4000 suits providers that send such signs. 0: off.',
      whole(0, HOUR, 0),
    ),
    holdTypes: setting(
      'LULL_HOLD_TYPES',
      'The message types that hold their batch until their text comes: `voice` and `audio` if a program transcribes them.',
      someOf(MESSAGE_TYPES),
    ),
    holdMs: setting('LULL_HOLD_MS', 'How long such a message holds its batch at most.', whole(0, DAY, 20 * SECOND)),
    holdMaxMs: setting(
      'LULL_HOLD_MAX_MS',
      'The longest time from the first message of a batch for which it is held, if that is longer than the max wait.',
      whole(0, DAY, 0),
    ),
    pauseMs: setting(
      'LULL_PAUSE_MS',
      'With `LULL_ON_OWN_MESSAGE=pause`: how long the bot stays out after a message from the business’s own phone.',
      whole(SECOND, LONGEST_PAUSE_MS, 1800 * SECOND),
    ),
    paused: setting(
      'LULL_PAUSED',
      'What becomes of messages while a conversation is paused. `drop`: they are accepted and discarded. `collect`: they are handed over together when the pause ends.',
      oneOf(['drop', 'collect'], 'drop'),
    ),
    answerTimeoutMs: setting(
      'LULL_ANSWER_TIMEOUT_MS',
      'In serial order: the longest time that a batch which a worker has taken holds its conversation. A job that waits for a worker keeps its hold.',
      whole(100, 7 * DAY, 300 * SECOND),
    ),
  }),
)

export type { Rules }

/** Any of the rules; the others keep their defaults. */
export type RuleOptions = Partial<Rules>

/**
 * The rules that `options` and the defaults make together.
 * @throws {RangeError} naming the rule, its value and its bounds
 */
export function rulesFrom(options: RuleOptions = {}): Rules {
  const parsed = rulesSchema.safeParse(options)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const name = issue?.path.join('.') ?? 'options'
    throw new RangeError(`${name}=${String(options[name as keyof Rules])}: ${issue?.message ?? 'is not valid'}`)
  }
  checkTogether(parsed.data)
  return parsed.data
}

const variables = new Map(declaredIn(rulesSchema).map(([name, { variable }]) => [name, variable]))

/** `quietGapMs` → `LULL_QUIET_GAP_MS`; a name that is no rule's stays. */
export const variableOf = (rule: string): string => variables.get(rule) ?? rule

/** The bounds that hold between rules. @throws {RangeError} naming both */
export function checkTogether(rules: Rules): void {
  if (rules.maxWaitMs < rules.quietGapMs)
    throw new RangeError(
      `maxWaitMs=${rules.maxWaitMs} is less than quietGapMs=${rules.quietGapMs}: make it at least that`,
    )
  if (rules.batchTtlMs <= rules.quietGapMs)
    throw new RangeError(
      `batchTtlMs=${rules.batchTtlMs} is not more than quietGapMs=${rules.quietGapMs}: an open batch's header would expire before it is due`,
    )
  if (rules.answering === 'supersede' && rules.order !== 'serial')
    throw new RangeError(`answering=supersede needs order=serial, and order=${rules.order}: change one of them`)
  if (rules.earlyStartMs > 0 && rules.answering !== 'supersede')
    throw new RangeError(
      `earlyStartMs=${rules.earlyStartMs} needs answering=supersede, and answering=${rules.answering}: an early answer could not be superseded`,
    )
  if (rules.earlyStartMs >= rules.quietGapMs)
    throw new RangeError(
      `earlyStartMs=${rules.earlyStartMs} is not less than quietGapMs=${rules.quietGapMs}: make it less, or 0`,
    )
}

/**
 * A warning in one line, if an answer may have to wait for its due time longer than it may take: for so long signs of
 * typing can put the due time off.
 */
export function shortAnswerTimeout(rules: Rules): string | undefined {
  const { answerTimeoutMs, maxWaitMs, earlyStartMs } = rules
  if (earlyStartMs === 0 || answerTimeoutMs > maxWaitMs - earlyStartMs) return undefined
  return `answerTimeoutMs=${answerTimeoutMs} is not more than maxWaitMs=${maxWaitMs} minus earlyStartMs=${earlyStartMs}: an answer that waits in commit() may be cut before its batch is due; make it more`
}

const LONGEST_CHECK_MS = 30 * SECOND
const SHORTEST_CHECK_MS = 10

/**
 * The longest time between two checks of whether a batch is still being answered. The header of the batch that collects
 * meanwhile must live longer than that, and an answer timeout should be noticed soon after it has passed.
 */
export const checkIntervalMs = ({ batchTtlMs, answerTimeoutMs }: Rules): number =>
  Math.max(SHORTEST_CHECK_MS, Math.floor(Math.min(LONGEST_CHECK_MS, batchTtlMs / 2, answerTimeoutMs / 4)))

/**
 * The rules of batching: what decides when a batch is due, how long a claim lasts, what holds a conversation. The same
 * names as the environment's, in camelCase; durations in milliseconds. Their defaults and bounds stand here once, for
 * the library's options and for the environment alike.
 */
import { z } from 'zod'

const SECOND = 1000
const HOUR = 3600 * SECOND
const DAY = 24 * HOUR

const whole = (min: number, max: number) => z.number().int().min(min).max(max)

export const ruleShape = {
  /** The silence that closes a batch. */
  quietGapMs: whole(10, HOUR).default(10 * SECOND),
  /** The longest time from a batch's first message to its due time. */
  maxWaitMs: whole(10, DAY).default(60 * SECOND),
  /** TTL of an open batch's header, renewed by each message and while its conversation is held. */
  batchTtlMs: whole(20, 2 * DAY).default(60 * SECOND),
  /** Reaching one of these two makes a batch due at once. */
  maxMessages: whole(1, 10_000).default(100),
  maxBytes: whole(1, 16 * 1024 * 1024).default(262_144),
  /** How long a message id is remembered. */
  dedupeMs: whole(SECOND, 30 * DAY).default(DAY),
  /** Messages sent longer ago than this are dropped; 0: none. */
  maxAgeMs: whole(0, 30 * DAY).default(0),
  /** How long a claim lasts unless it is renewed. */
  leaseMs: whole(100, HOUR).default(30 * SECOND),
  /** Handovers tried before a batch is dead. */
  maxAttempts: whole(1, 1000).default(5),
  /** `serial`: a conversation's next batch waits for the answer to its last one. `concurrent`: for the handover only. */
  order: z.enum(['serial', 'concurrent']).default('serial'),
  /** How long a batch that a worker has taken may hold its conversation. */
  answerTimeoutMs: whole(100, 7 * DAY).default(300 * SECOND),
}

const rulesSchema = z.object(ruleShape)

export type Rules = z.infer<typeof rulesSchema>

/** The options that take rules take any of them. */
export type RuleOptions = Partial<Rules>

/**
 * The rules that `options` and the defaults make together.
 * @throws {RangeError} naming the rule, its value and its bounds
 */
export function rulesFrom(options: RuleOptions = {}): Rules {
  const parsed = rulesSchema.safeParse(
    Object.fromEntries(Object.keys(ruleShape).map(name => [name, options[name as keyof Rules]])),
  )
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const name = issue?.path.join('.') ?? 'options'
    throw new RangeError(`${name}=${String(options[name as keyof Rules])}: ${issue?.message ?? 'is not valid'}`)
  }
  checkTogether(parsed.data)
  return parsed.data
}

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
}

const LONGEST_CHECK_MS = 30 * SECOND
const SHORTEST_CHECK_MS = 10

/**
 * The longest a batch waits for a look at whether it is still being answered. The header of what collects meanwhile must
 * outlive the time between two looks, and an answer timeout is to be noticed soon after it.
 */
export const checkIntervalMs = ({ batchTtlMs, answerTimeoutMs }: Rules): number =>
  Math.max(SHORTEST_CHECK_MS, Math.floor(Math.min(LONGEST_CHECK_MS, batchTtlMs / 2, answerTimeoutMs / 4)))

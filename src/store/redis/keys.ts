/**
 * Every name that Lull has in Redis, in one place: the scripts' own names are generated from this table (`luaNames`).
 *
 * A name is the prefix, a part from the table, and for some of them an id. The dot keeps the names apart from
 * conversations, whatever characters an id holds, which is why a prefix may hold neither dot nor colon. For Redis
 * Cluster the prefix of a partition is its hash tag, `{rapid-fire/<n>}`, and puts all names of it in one slot.
 */

/** Parts that stand between the prefix and a conversation's id. */
const conversationKeys = {
  /** hash: the open batch (`batchId count bytes firstAtMs lastAtMs dueAtMs`) */
  header: ':',
  /** list: its messages, in runs by batch */
  messages: '.messages:',
  /** string: the shadow key, holds nothing (`0`), expires when the batch is due */
  quiet: '.quiet:',
  /** zset: digests of the message ids seen, by time */
  seen: '.seen:',
  /** string: the batch that holds the conversation */
  hold: '.answering:',
} as const

/** Parts that stand between the prefix and a batch's id. */
const batchKeys = {
  /** hash: a claimed batch until it is acknowledged */
  claimedBatch: '.claimed:',
  /** hash: a handed-over batch until it is answered */
  handedOver: '.handed-over:',
} as const

/** Parts that stand between the prefix and a process's name. */
const processKeys = {
  /** string: expires to see how late that is announced */
  canary: '.canary:',
} as const

/** Whole names, and channels. */
const commonKeys = {
  /** zset: every conversation with messages that is not held, by the time it may go */
  due: '.due',
  /** zset: claimed batches by the end of their lease */
  claimed: '.claimed',
  /** zset: batches being answered, by their next check */
  answering: '.answering',
  /** stream: one entry a step of a batch's life */
  history: '.history',
  /** hash: dead batches */
  dead: '.dead',
  /** hash: what each process says of itself, for `lull doctor` */
  processes: '.processes',
  /** channel of the processors; the others are for whoever watches */
  nextDue: '.next-due',
  batchUpdated: '.batch-updated',
  batchReleased: '.batch-released',
  batchHandedOver: '.batch-handed-over',
  batchAnswered: '.batch-answered',
  batchDead: '.batch-dead',
} as const

const parts = { ...conversationKeys, ...batchKeys, ...processKeys, ...commonKeys }

export const DEFAULT_PREFIX = 'rapid-fire'

const PREFIX = /^(?:\{[^\s.:{}]+\}|[^\s.:{}]+)$/

export class Keys {
  readonly due: string
  readonly claimed: string
  readonly answering: string
  readonly history: string
  readonly dead: string
  readonly processes: string
  readonly nextDue: string
  readonly batchUpdated: string

  /** @throws {RangeError} for a prefix that could make two names one */
  constructor(readonly prefix: string = DEFAULT_PREFIX) {
    if (!PREFIX.test(prefix))
      throw new RangeError(`prefix=${prefix}: it may hold no dot, colon, brace or white space, and not be empty`)
    this.due = prefix + parts.due
    this.claimed = prefix + parts.claimed
    this.answering = prefix + parts.answering
    this.history = prefix + parts.history
    this.dead = prefix + parts.dead
    this.processes = prefix + parts.processes
    this.nextDue = prefix + parts.nextDue
    this.batchUpdated = prefix + parts.batchUpdated
  }

  header = (conversationId: string) => this.prefix + parts.header + conversationId
  messages = (conversationId: string) => this.prefix + parts.messages + conversationId
  quiet = (conversationId: string) => this.prefix + parts.quiet + conversationId
  seen = (conversationId: string) => this.prefix + parts.seen + conversationId
  hold = (conversationId: string) => this.prefix + parts.hold + conversationId
  claimedBatch = (batchId: string) => this.prefix + parts.claimedBatch + batchId
  handedOver = (batchId: string) => this.prefix + parts.handedOver + batchId
  canary = (name: string) => this.prefix + parts.canary + name

  /** Whose quiet gap or header a key name stands for, or which canary, where it stands for one. */
  expiring(
    key: string,
  ): { key: 'quiet' | 'header'; conversationId: string } | { key: 'canary'; name: string } | undefined {
    const canary = this.prefix + parts.canary
    if (key.startsWith(canary)) return { key: 'canary', name: key.slice(canary.length) }
    for (const kind of ['quiet', 'header'] as const) {
      const start = this.prefix + parts[kind]
      if (key.startsWith(start)) return { key: kind, conversationId: key.slice(start.length) }
    }
    return undefined
  }
}

/** The table as Lua constants, `local MESSAGES = '.messages:'`, for the scripts that name them. */
export function luaNames(script: string): string {
  return Object.entries(parts)
    .map(([name, part]) => ({ constant: constantName(name), part }))
    .filter(({ constant }) => new RegExp(`\\b${constant}\\b`).test(script))
    .map(({ constant, part }) => `local ${constant} = '${part}'`)
    .join('\n')
}

const constantName = (name: string) => name.replace(/[A-Z]/g, capital => `_${capital}`).toUpperCase()

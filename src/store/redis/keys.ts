/**
 * Every name that Lull uses in Redis. `scripts/embed-lua.mjs` reads the tables below and generates the scripts'
 * constants from them, `lua/shared/names.lua`: one entry a line.
 *
 * A name is the prefix, a part from a table and, for some, an id. The dot keeps names apart from conversations,
 * whatever characters an id holds; therefore a prefix holds neither dot nor colon. The prefix of a partition is its hash tag,
 * `{rapid-fire/<n>}`, which puts all its names into one slot of a Redis Cluster (partitioned/layout.ts).
 */

/** Parts between the prefix and a conversation's id. */
const conversationKeys = {
  /** hash: the open batch (`batchId count bytes firstAtMs lastAtMs dueAtMs`) */
  header: ':',
  /** list: its messages, in runs by batch */
  messages: '.messages:',
  /** string: the shadow key, always `0`, expires when the batch is due */
  quiet: '.quiet:',
  /** zset: digests of the message ids seen, by time; with `>` or `<` in front, of own messages (lua/shared/seen.lua) */
  seen: '.seen:',
  /** string: the batch that holds the conversation */
  hold: '.answering:',
  /** string: a pause, holds and signs of typing, as JSON (lua/shared/state.lua); absent if there are none */
  state: '.state:',
} as const

/** Parts between the prefix and the conversation that one of a person's ids would have. */
const aliasKeys = {
  /** hash: by provider, the conversation that this id belongs to */
  alias: '.alias:',
  /** set: the other ids of this conversation's person */
  aliases: '.aliases:',
} as const

/** Parts between the prefix and a batch's id. */
const batchKeys = {
  /** hash: a claimed batch until it is acknowledged */
  claimedBatch: '.claimed:',
  /** hash: a handed-over batch until it is answered */
  handedOver: '.handed-over:',
  /** string: what ended a batch, `answered` or `superseded <by>`, for a while; only with `answering: 'supersede'` */
  ended: '.ended:',
  /** string: what `take-in` took in of a move from another partition: messages, batch. TTL: 90 days */
  moved: '.moved:',
} as const

/** Parts between the prefix and a process's name. */
const processKeys = {
  /** string: expires to measure how late Redis announces that */
  canary: '.canary:',
} as const

/** Parts between the prefix and a digest. */
const sessionKeys = {
  /** string: a session of the page, by a digest of its id; its generation. TTL: until it ends without use */
  session: '.session:',
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
  /** zset: the processors that run, by the time until which they count as running; only if there are partitions */
  processors: '.processors',
  /** channel: processors subscribe to it, as they divide the partitions among themselves */
  processorsChanged: '.processors-changed',
  /** hash: the provider that each account belongs to */
  accounts: '.accounts',
  /** string: the sessions' current generation, a number; those of earlier ones have ended */
  sessions: '.sessions',
  /** a name that a check of the server uses for a moment (lua/probe.lua), and a channel */
  probe: '.probe',
  /** hash: how many partitions there are, and since when; only if there are several (partitioned/layout.ts) */
  layout: '.layout',
  /** zset: paused conversations, by the end of the pause */
  paused: '.paused',
  /** hash: stored rules as JSON, by scope: `*`, an account or a conversation */
  settings: '.settings',
  /** string: how often they have changed */
  settingsVersion: '.settings-version',
  /** channel: every process that goes by them subscribes to it */
  settingsChanged: '.settings-changed',
  /** channel: processors subscribe to it; the other channels are for people and their programs */
  nextDue: '.next-due',
  batchUpdated: '.batch-updated',
  batchReleased: '.batch-released',
  batchHandedOver: '.batch-handed-over',
  batchAnswered: '.batch-answered',
  batchDead: '.batch-dead',
  /** channel: with `answering: 'supersede'`, processes that work on batches subscribe to these two */
  batchSuperseded: '.batch-superseded',
  batchMoved: '.batch-moved',
  /** channel: the processes that resolve ids subscribe to it */
  aliasLearnt: '.alias-learnt',
} as const

const parts = { ...conversationKeys, ...aliasKeys, ...batchKeys, ...processKeys, ...sessionKeys, ...commonKeys }

export const DEFAULT_PREFIX = 'rapid-fire'

const PREFIX = /^(?:\{[^\s.:{}]+\}|[^\s.:{}]+)$/

export class Keys {
  readonly due: string
  readonly claimed: string
  readonly answering: string
  readonly history: string
  readonly dead: string
  readonly processes: string
  readonly processorsChanged: string
  readonly sessions: string
  readonly layout: string
  readonly nextDue: string
  readonly batchUpdated: string
  readonly aliasLearnt: string
  readonly settings: string
  readonly paused: string
  readonly settingsVersion: string
  readonly settingsChanged: string
  readonly batchSuperseded: string
  readonly batchMoved: string

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
    this.processorsChanged = prefix + parts.processorsChanged
    this.sessions = prefix + parts.sessions
    this.layout = prefix + parts.layout
    this.nextDue = prefix + parts.nextDue
    this.batchUpdated = prefix + parts.batchUpdated
    this.aliasLearnt = prefix + parts.aliasLearnt
    this.settings = prefix + parts.settings
    this.paused = prefix + parts.paused
    this.settingsVersion = prefix + parts.settingsVersion
    this.settingsChanged = prefix + parts.settingsChanged
    this.batchSuperseded = prefix + parts.batchSuperseded
    this.batchMoved = prefix + parts.batchMoved
  }

  header = (conversationId: string) => this.prefix + parts.header + conversationId
  messages = (conversationId: string) => this.prefix + parts.messages + conversationId
  quiet = (conversationId: string) => this.prefix + parts.quiet + conversationId
  seen = (conversationId: string) => this.prefix + parts.seen + conversationId
  hold = (conversationId: string) => this.prefix + parts.hold + conversationId
  state = (conversationId: string) => this.prefix + parts.state + conversationId
  alias = (conversationId: string) => this.prefix + parts.alias + conversationId
  aliases = (conversationId: string) => this.prefix + parts.aliases + conversationId
  claimedBatch = (batchId: string) => this.prefix + parts.claimedBatch + batchId
  handedOver = (batchId: string) => this.prefix + parts.handedOver + batchId
  moved = (moveId: string) => this.prefix + parts.moved + moveId
  canary = (name: string) => this.prefix + parts.canary + name
  session = (digest: string) => this.prefix + parts.session + digest

  /** The conversation whose shadow key or header has this name, or the process whose canary has it. */
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

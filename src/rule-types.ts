// Made by `npm run docs` from the declarations in src/rules.ts and src/conversation-rules.ts. Change them there.
import type { MessageType } from './batch.js'

/** The rules of batching: when a batch is due, how long a claim lasts, what holds a conversation. */
export interface Rules {
  /**
   * The silence after a message that closes its batch.
   *
   * Milliseconds: a whole number from 10 to 3600000 (1 h).
   * @defaultValue 10000 (10 s)
   */
  quietGapMs: number
  /**
   * The longest time from the first message of a batch to its due time. At least the quiet gap.
   *
   * Milliseconds: a whole number from 10 to 86400000 (1 d).
   * @defaultValue 60000 (1 min)
   */
  maxWaitMs: number
  /**
   * The TTL of an open batch’s key. Each message renews it, and so does Lull while the conversation is held. More than
   * the quiet gap.
   *
   * Milliseconds: a whole number from 20 to 172800000 (2 d).
   * @defaultValue 60000 (1 min)
   */
  batchTtlMs: number
  /**
   * A batch with this many messages is due at once.
   *
   * A whole number from 1 to 10000.
   * @defaultValue 100
   */
  maxMessages: number
  /**
   * A batch with this many bytes is due at once.
   *
   * A whole number from 1 to 16777216.
   * @defaultValue 262144
   */
  maxBytes: number
  /**
   * How long Lull remembers a message id.
   *
   * Milliseconds: a whole number from 1000 (1 s) to 2592000000 (30 d).
   * @defaultValue 86400000 (1 d)
   */
  dedupeMs: number
  /**
   * Messages sent longer ago than this are acknowledged and dropped: after an outage providers re-send a week of them.
   * 0: off.
   *
   * Milliseconds: a whole number from 0 to 2592000000 (30 d).
   * @defaultValue 0
   */
  maxAgeMs: number
  /**
   * How long a claim lasts. A processor renews it while the handover runs, and aborts the handover if it loses the
   * lease.
   *
   * Milliseconds: a whole number from 100 to 3600000 (1 h).
   * @defaultValue 30000 (30 s)
   */
  leaseMs: number
  /**
   * How many handovers are tried before a batch is dead.
   *
   * A whole number from 1 to 1000.
   * @defaultValue 5
   */
  maxAttempts: number
  /**
   * `serial`: the next batch of a conversation is released when the last one is answered, at max(due, answered).
   * `concurrent`: at its due time.
   * @defaultValue 'serial'
   */
  order: 'serial' | 'concurrent'
  /**
   * What happens to messages that come while a batch is answered. `queue`: they wait for the end of the answer.
   * `supersede`: they stop an answer that is not committed, and one new batch has the old and the new messages: see
   * docs/answers.md. It needs serial order, and handlers that call `commit()` before they send.
   * @defaultValue 'queue'
   */
  answering: 'queue' | 'supersede'
  /**
   * With `supersede`: a batch is handed over after this silence, marked `provisional`, and can be committed when its
   * quiet gap has ended. Less than the quiet gap; best is the quiet gap minus the time that an answer usually takes. 0:
   * off.
   *
   * Milliseconds: a whole number from 0 to 3600000 (1 h).
   * @defaultValue 0
   */
  earlyStartMs: number
  /**
   * The quiet gap of a conversation in which a sign of typing was seen within a day, if that is shorter: a person who
   * can be seen typing needs no long silence. 4000 suits providers that send such signs. 0: off.
   *
   * Milliseconds: a whole number from 0 to 3600000 (1 h).
   * @defaultValue 0
   */
  typingGapMs: number
  /**
   * The message types that hold their batch until their text comes: `voice` and `audio` if a program transcribes them.
   * @defaultValue []
   */
  holdTypes: readonly MessageType[]
  /**
   * How long such a message holds its batch at most.
   *
   * Milliseconds: a whole number from 0 to 86400000 (1 d).
   * @defaultValue 20000 (20 s)
   */
  holdMs: number
  /**
   * The longest time from the first message of a batch for which it is held, if that is longer than the max wait.
   *
   * Milliseconds: a whole number from 0 to 86400000 (1 d).
   * @defaultValue 0
   */
  holdMaxMs: number
  /**
   * With `onOwnMessage: 'pause'`: how long the bot stays out after a message from the business’s own phone.
   *
   * Milliseconds: a whole number from 1000 (1 s) to 2592000000 (30 d).
   * @defaultValue 1800000 (30 min)
   */
  pauseMs: number
  /**
   * What becomes of messages while a conversation is paused. `drop`: they are accepted and discarded. `collect`: they
   * are handed over together when the pause ends.
   * @defaultValue 'drop'
   */
  paused: 'drop' | 'collect'
  /**
   * In serial order: the longest time that a batch which a worker has taken holds its conversation. A job that waits
   * for a worker keeps its hold.
   *
   * Milliseconds: a whole number from 100 to 604800000 (7 d).
   * @defaultValue 300000 (5 min)
   */
  answerTimeoutMs: number
}

/** What a conversation goes by: its own rules over the settings of the process. */
export interface ConversationSettings {
  /**
   * The silence after a message that closes its batch.
   *
   * Milliseconds: a whole number from 10 to 3600000 (1 h).
   * @defaultValue 10000 (10 s)
   */
  quietGapMs: number
  /**
   * The longest time from the first message of a batch to its due time. At least the quiet gap.
   *
   * Milliseconds: a whole number from 10 to 86400000 (1 d).
   * @defaultValue 60000 (1 min)
   */
  maxWaitMs: number
  /**
   * A batch with this many messages is due at once.
   *
   * A whole number from 1 to 10000.
   * @defaultValue 100
   */
  maxMessages: number
  /**
   * A batch with this many bytes is due at once.
   *
   * A whole number from 1 to 16777216.
   * @defaultValue 262144
   */
  maxBytes: number
  /**
   * The quiet gap of a conversation in which a sign of typing was seen within a day, if that is shorter: a person who
   * can be seen typing needs no long silence. 4000 suits providers that send such signs. 0: off.
   *
   * Milliseconds: a whole number from 0 to 3600000 (1 h).
   * @defaultValue 0
   */
  typingGapMs: number
  /**
   * With `supersede`: a batch is handed over after this silence, marked `provisional`, and can be committed when its
   * quiet gap has ended. Less than the quiet gap; best is the quiet gap minus the time that an answer usually takes. 0:
   * off.
   *
   * Milliseconds: a whole number from 0 to 3600000 (1 h).
   * @defaultValue 0
   */
  earlyStartMs: number
  /**
   * What happens to messages that come while a batch is answered. `queue`: they wait for the end of the answer.
   * `supersede`: they stop an answer that is not committed, and one new batch has the old and the new messages: see
   * docs/answers.md. It needs serial order, and handlers that call `commit()` before they send.
   * @defaultValue 'queue'
   */
  answering: 'queue' | 'supersede'
  /**
   * `false`: every message is handed over alone, as by the direct webhook.
   * @defaultValue true
   */
  batching: boolean
  /**
   * A person answered from the business’s own phone: `ignore` it, `drop` the open batch, or `pause` the conversation
   * for `pauseMs`, so that the bot stays out. What the bot sent never counts: see docs/webhooks.md.
   * @defaultValue 'ignore'
   */
  onOwnMessage: 'ignore' | 'drop' | 'pause'
  /**
   * With `onOwnMessage: 'pause'`: how long the bot stays out after a message from the business’s own phone.
   *
   * Milliseconds: a whole number from 1000 (1 s) to 2592000000 (30 d).
   * @defaultValue 1800000 (30 min)
   */
  pauseMs: number
  /**
   * What becomes of messages while a conversation is paused. `drop`: they are accepted and discarded. `collect`: they
   * are handed over together when the pause ends.
   * @defaultValue 'drop'
   */
  paused: 'drop' | 'collect'
  /**
   * The message types that hold their batch until their text comes: `voice` and `audio` if a program transcribes them.
   * @defaultValue []
   */
  holdTypes: readonly MessageType[]
  /**
   * How long such a message holds its batch at most.
   *
   * Milliseconds: a whole number from 0 to 86400000 (1 d).
   * @defaultValue 20000 (20 s)
   */
  holdMs: number
  /**
   * The longest time from the first message of a batch for which it is held, if that is longer than the max wait.
   *
   * Milliseconds: a whole number from 0 to 86400000 (1 d).
   * @defaultValue 0
   */
  holdMaxMs: number
}

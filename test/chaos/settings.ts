/** The rules of a chaos run, scaled down so that much happens within minutes. Times are in milliseconds. */
export const RULES = {
  quietGapMs: 300,
  maxWaitMs: 1500,
  batchTtlMs: 3000,
  maxMessages: 8,
  leaseMs: 2000,
  answerTimeoutMs: 15_000,
  /** A voice message holds back its batch for so long: its text never comes. */
  holdMs: 400,
  holdMaxMs: 2500,
} as const

/** Conversations by their number modulo 12; the others are plain. */
export const VARIED: Partial<Record<number, 'settings' | 'collect' | 'drop' | 'hold'>> = {
  1: 'settings',
  4: 'collect',
  7: 'hold',
  10: 'drop',
}

/** With `supersede`: a batch is handed over after this silence. */
export const EARLY_START_MS = 40

/** How long a worker's lock lasts unless it is renewed. */
export const LOCK_MS = 2000
/** The longest that a handler works. Below the lease and the answer timeout. */
export const LONGEST_ANSWER_MS = 1500
/** The longest that it takes to send an answer which is committed. */
export const LONGEST_SEND_MS = 60
export const SHUTDOWN_MS = 8000
export const TOKEN = 'chaos-token'
/** Of a Cluster. */
export const PARTITIONS = 8
/** How far a replica is behind that lags: within the time that WAIT has. */
export const LAG_MS = 50
export const QUEUE = 'messages'

export const SIZES = { apis: 2, processors: 3, workers: 2 } as const

export const HANDOVERS = ['bullmq', 'http', 'function'] as const
/** `function`: the processors themselves run the handlers, and there are no workers. */
export type Handover = (typeof HANDOVERS)[number]

export const ANSWERINGS = ['queue', 'supersede'] as const
export type Answering = (typeof ANSWERINGS)[number]

/**
 * How long a handler's process can be away and still be sure of its batch: a lock, or what is left of a lease when it is
 * to be renewed.
 */
export const HELD_MS: Record<Handover, number> = {
  bullmq: LOCK_MS,
  http: LOCK_MS,
  function: Math.floor((RULES.leaseMs * 2) / 3),
}

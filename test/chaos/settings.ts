/** The rules of a chaos run, scaled down so that much happens within minutes. Times are in milliseconds. */
export const RULES = {
  quietGapMs: 300,
  maxWaitMs: 1500,
  batchTtlMs: 3000,
  maxMessages: 8,
  leaseMs: 2000,
  answerTimeoutMs: 15_000,
} as const

/** How long a worker's lock lasts unless it is renewed. */
export const LOCK_MS = 2000
/** The longest that a handler works. Below the lease and the answer timeout. */
export const LONGEST_ANSWER_MS = 1500
export const SHUTDOWN_MS = 8000
export const TOKEN = 'chaos-token'
export const QUEUE = 'messages'

export const SIZES = { apis: 2, processors: 3, workers: 2 } as const

export type Handover = 'bullmq' | 'http'

/** What one message costs, on average. */
export interface Counts {
  /** That Redis has run, those inside scripts included. */
  commands: number
  /** Writes to a connection to Redis. */
  roundTrips: number
  /** To and from Redis. */
  redisBytes: number
  /** On the heap of the process that has all parts in it. */
  allocatedBytes: number
}

export type Measured = Record<string, Counts>

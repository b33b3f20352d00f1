/**
 * What every peer offers to the benchmarks: a side that takes messages, and a side that hands batches over. Each peer is
 * written as its documentation says, in one file, and runs in processes of its own (`../child.ts`).
 */
export interface Settings {
  redis: string
  postgres?: string
  /** The silence that closes a batch. */
  gapMs: number
  /** How many batches may be worked on at once. */
  concurrency: number
  /** How long a worker's claim on a batch lasts if the worker dies. */
  leaseMs: number
}

export interface Producer {
  /** Adds a message to a conversation's open batch; resolves when it is stored. */
  append(conversation: string, messageId: string, text: string): Promise<unknown>
  close(): Promise<unknown>
}

/**
 * Called with each batch. `about.dueAtMs`: where the peer itself knows when the batch was due; otherwise that is the
 * acknowledgement of its last message and the gap, which is in the peer's favour by half a round trip.
 */
export type OnBatch = (conversation: string, texts: string[], about?: AboutBatch) => Promise<void>

export interface AboutBatch {
  dueAtMs?: number
  /** Where it came as a job of a queue. */
  jobId?: string
}

export interface Consumer {
  /** When jobs became visible to workers, by Redis's clock; in the order of the ids. */
  visibleAt?(jobIds: string[]): Promise<(number | undefined)[]>
  close(): Promise<unknown>
}

export interface Peer {
  produce(settings: Settings): Promise<Producer>
  /** What only takes messages (a floor) has none. */
  consume?(settings: Settings, onBatch: OnBatch): Promise<Consumer>
}

/**
 * The interface of every peer: a producer, which takes messages, and a consumer, which hands batches over. Each peer is
 * written in one file, as its documentation says, and runs in its own processes (`../child.ts`).
 */
export interface Settings {
  redis: string
  postgres?: string
  /** The silence that closes a batch. */
  gapMs: number
  /** How many batches may be handled at once. */
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
 * Called with each batch. `about.dueAtMs`: when the batch was due, if the peer reports it. Otherwise it is computed
 * from the acknowledgement of the last message, which is half a round trip in the peer's favour.
 */
export type OnBatch = (conversation: string, texts: string[], about?: AboutBatch) => Promise<void>

export interface AboutBatch {
  dueAtMs?: number
  /** If it came as a job of a queue. */
  jobId?: string
}

export interface Consumer {
  /** When each job became visible to workers, by Redis's clock, in the order of the ids. */
  visibleAt?(jobIds: string[]): Promise<(number | undefined)[]>
  close(): Promise<unknown>
}

export interface Peer {
  produce(settings: Settings): Promise<Producer>
  /** Absent if the peer only takes messages (a floor). */
  consume?(settings: Settings, onBatch: OnBatch): Promise<Consumer>
}

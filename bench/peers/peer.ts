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
  /** How long a batch may collect at most, for peers that limit it; practically for ever. */
  maxWaitMs?: number
  /** Of Lull: into how many its conversations are divided; absent: not at all on one Redis. */
  partitions?: number | undefined
  /** Newer messages withdraw an answer that is not committed: Lull's `answering: 'supersede'`. */
  supersede?: boolean
  /** With `supersede`: the silence after which a batch is handed over, before its gap has ended. */
  earlyStartMs?: number
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
  /** Of a peer whose answers are committed before they are sent. */
  answer?: { signal: AbortSignal; commit(): Promise<unknown> }
}

export interface Consumer {
  /** Of Lull: claims that were sent so far. */
  claims?(): number
  /** When each job became visible to workers, by Redis's clock, in the order of the ids. */
  visibleAt?(jobIds: string[]): Promise<(number | undefined)[]>
  close(): Promise<unknown>
}

export interface Peer {
  /** @param onBatch called by a peer that keeps its messages in this process, and so hands them over itself */
  produce(settings: Settings, onBatch: OnBatch): Promise<Producer>
  /** Absent if the peer only takes messages (a floor). */
  consume?(settings: Settings, onBatch: OnBatch): Promise<Consumer>
}

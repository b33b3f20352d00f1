/** What the processes of one system publish about themselves. */

/** What the processes of one system publish about themselves, by process name: JSON that holds `startedAtMs`. */
export interface ProcessRegistry {
  /** Publishes `text` for this process, instead of what it published before. Never rejects: nothing depends on it. */
  put(text: string): Promise<void>
  /** Withdraws it, as this process stops. Never rejects. */
  remove(): Promise<void>
  /** All that is published. Processes that were killed may still be in it. */
  all(): Promise<Record<string, string>>
}

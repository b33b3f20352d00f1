/**
 * The sessions of the page: browsers that have traded the token for a cookie. The store has a digest of each session's
 * id, never the id. Every session belongs to a generation; a new generation ends all of them, in every process.
 */
export interface Sessions {
  /** Begins a session that ends after `ttlMs` without use. */
  begin(digest: string, ttlMs: number): Promise<void>
  /** Whether the session goes on. Its use renews it: it ends `ttlMs` from now, or a little earlier. */
  use(digest: string, ttlMs: number): Promise<boolean>
  /** Ends one session. */
  end(digest: string): Promise<void>
  /** Ends all sessions by a new generation. */
  endAll(): Promise<void>
  /** The current generation; 0 before the first `endAll`. */
  generation(): Promise<number>
}

/** The share of its time after which a use renews a session: most uses are only a read. */
export const RENEWED_AFTER = 0.1

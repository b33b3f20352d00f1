/** Waiting for conditions, never for time. */
const POLL_MS = 10
/** Well under the heartbeats and leases of 30 s that would bring about what has to come by itself. */
const TIMEOUT_MS = 20_000

export interface UntilOptions {
  timeoutMs?: number
  /** What is waited for, as the error names it. */
  what?: string | (() => string)
}

/** Resolves to what `condition` returns as soon as that is neither false nor undefined. */
export async function until<T>(
  condition: () => T | false | undefined | Promise<T | false | undefined>,
  { timeoutMs = TIMEOUT_MS, what = 'a condition' }: UntilOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const result = await condition()
    if (result !== false && result !== undefined) return result
    if (performance.now() > deadline)
      throw new Error(`waited ${timeoutMs} ms for ${typeof what === 'string' ? what : what()}`)
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}

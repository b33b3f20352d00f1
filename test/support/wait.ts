/** Tests wait for conditions, never for time. */
const POLL_MS = 10
/** Well below the heartbeats and leases of 30 s, which must not be what makes a test pass. */
const TIMEOUT_MS = 20_000

export interface UntilOptions {
  timeoutMs?: number
  /** The condition's name in the error. */
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

/**
 * A promise with a deadline. Our own few lines, since p-timeout is published as ESM only and for Node 22: Lull supports
 * Node 20, and Jest, which cannot require ESM, loads our CommonJS build.
 */

/**
 * Settles as `work` does. If that takes longer than `ms`, resolves to what `late` returns, or rejects with what it
 * throws;
 * `work` goes on, and how it ends is ignored.
 */
export async function within<Result, Late>(
  work: Promise<Result>,
  ms: number,
  late: () => Late,
): Promise<Result | Late> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<void>(resolve => {
    timer = setTimeout(resolve, Math.max(ms, 0))
  })
  try {
    return await Promise.race([work, deadline.then(late)])
  } finally {
    clearTimeout(timer)
  }
}

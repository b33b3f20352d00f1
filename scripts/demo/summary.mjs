// The table at the end of the demo: what the three bots made of the same burst.

const COLUMNS = [15, 34, 11, 8]
const row = cells => `   ${cells.map((cell, i) => cell.padEnd(COLUMNS[i] ?? 0)).join('')}`.trimEnd()
const inSeconds = ms => (ms / 1000).toFixed(1)

/**
 * @param results of each way: `{ name, replies, runs, wasted }`, replies in ms after the last message
 * @param scale of the times: the last replies are shown at life size, too
 * @returns lines
 */
export function summary(results, scale) {
  const lines = ['', row(['', 'reply after her last message', 'replies', 'runs', 'wasted runs'])]
  for (const { name, replies, runs, wasted } of results)
    lines.push(row([name, `${replies.map(inSeconds).join(', ')} s`, `${replies.length}`, `${runs}`, `${wasted}`]))
  const [, gap, early] = results.map(({ replies }) => replies.at(-1) / scale)
  lines.push(
    '',
    `At life size: the one reply to all four comes after ${inSeconds(gap)} s with the quiet gap, ${inSeconds(early)} s with the early start.`,
    'A wasted run is one that newer messages stopped before it had sent anything.',
  )
  return lines
}

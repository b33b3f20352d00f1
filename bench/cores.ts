/**
 * On which cores processes run. Linux often puts two processes that wake each other on one core, and then a rate says
 * little: one build of Lull answered 5,600 to 9,100 webhooks a second within two minutes, and a bare route 9,800 to
 * 13,400.
 */
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Gives the main threads of `servers` the first core, and those of `others` the remaining ones, until the function
 * that it resolves to is called. Does nothing on a machine with one core, or without `taskset`.
 */
export async function apart(servers: number[], others: number[]): Promise<() => Promise<void>> {
  const last = availableParallelism() - 1
  const place = async (cores: string, pids: number[]) => {
    for (const pid of pids) await run('taskset', ['--cpu-list', '--pid', cores, String(pid)])
  }
  const isPossible = last > 0 && (await run('taskset', ['--version']).then(Boolean, () => false))
  if (!isPossible) return async () => {}
  await place('0', servers)
  await place(`1-${last}`, others)
  return () => place(`0-${last}`, [...servers, ...others])
}

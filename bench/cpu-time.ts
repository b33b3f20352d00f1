/** The CPU time of processes, by Linux's scheduler: its clock is finer than that of `times`. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Of the system's monotonic clock. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/** Of all threads of a process. */
export async function cpuUsOf(pid: number): Promise<number> {
  const tasks = `/proc/${pid}/task`
  const threads = await readdir(tasks)
  const each = await Promise.all(
    threads.map(async thread => Number((await readFile(join(tasks, thread, 'schedstat'), 'utf8')).split(' ')[0])),
  )
  return each.reduce((sum, ns) => sum + ns, 0) / 1000
}

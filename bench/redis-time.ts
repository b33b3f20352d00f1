/**
 * What Redis spends its time on, script by script. `INFO commandstats` counts all scripts as one command; the slow log has
 * each call with its digest, so for a while everything that takes a few µs is "slow".
 */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { median } from './figures.js'
import { scriptNames } from './script-names.js'
import type { Server } from './servers.js'

/** Less would log the commands inside scripts too, and their logging would be part of the scripts' time. */
export const LOGGED_US = 5
const MOST_LOGGED = 1_000_000
/** Calls of scripts that the log may lack: those that took less. */
const MISSING = 0.05
/** A call that took so many times the median of its script counts as one that took this long: it waited for a processor. */
const WAITED = 4
/** Of commands that scripts have called. */
const INSIDE_A_SCRIPT = '?:0'

const entry = z.tuple([z.number(), z.number(), z.number(), z.array(z.string()), z.string(), z.string()])

export interface CommandTime {
  /** `append`, `BullMQ: addStandardJob`, or a command outside scripts: `XREAD`. */
  name: string
  isScript: boolean
  calls: number
  us: number
}

/** What runs while `work` is under way. Times are wall-clock times: see `WAITED`. */
export async function commandTimes(server: Server, work: () => Promise<void>): Promise<CommandTime[]> {
  const nodes = server.primaries ?? [server.admin]
  for (const node of nodes) {
    await node.config('SET', 'slowlog-max-len', MOST_LOGGED)
    await node.slowlog('RESET')
    await node.config('RESETSTAT')
    await node.config('SET', 'slowlog-log-slower-than', LOGGED_US)
  }
  await work()
  const names = await scriptNames()
  const times = new Map<string, Times>()
  let counted = 0
  for (const node of nodes) {
    await node.config('SET', 'slowlog-log-slower-than', -1)
    counted += await scriptCalls(node)
    for (const [, , us, [command = '', digest = ''], client] of z.array(entry).parse(await node.slowlog('GET', -1))) {
      if (client === INSIDE_A_SCRIPT) continue
      const isScript = /^eval/i.test(command)
      const name = isScript ? nameOf(names, command, digest) : command.toUpperCase()
      const known = times.get(name) ?? { isScript, each: [] }
      times.set(name, known)
      known.each.push(us)
    }
  }
  const all = [...times].map(([name, { isScript, each }]) => ({ name, isScript, calls: each.length, us: sumOf(each) }))
  const logged = all.reduce((sum, { calls, isScript }) => sum + (isScript ? calls : 0), 0)
  if (logged < counted * (1 - MISSING)) throw new Error(`the slow log has ${logged} of ${counted} calls of scripts`)
  return all.sort((a, b) => b.us - a.us)
}

interface Times {
  isScript: boolean
  each: number[]
}

function sumOf(each: number[]): number {
  const most = WAITED * median(each)
  return each.reduce((sum, us) => sum + Math.min(us, most), 0)
}

async function scriptCalls(node: Redis): Promise<number> {
  const calls = [...(await node.info('commandstats')).matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)]
  return calls.reduce((sum, [, count]) => sum + Number(count), 0)
}

/** Lull sends one script as a text each time: the one that erases answered jobs' texts. Others are sent so once. */
const AS_TEXT = 'EVAL: answered texts'

const nameOf = (names: Map<string, string>, command: string, digest: string) =>
  /^evalsha$/i.test(command) ? (names.get(digest) ?? `script ${digest.slice(0, 8)}`) : AS_TEXT

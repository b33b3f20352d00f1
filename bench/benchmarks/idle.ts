/** The cost of a system in which nothing is due, while many conversations are open. */
import { setTimeout as delay } from 'node:timers/promises'
import { Child, replies } from '../children.js'
import { figuresOf, median, type Result, Rows, shown } from '../figures.js'
import { BULLMQ, LULL, SCAN } from '../peers/all.js'
import { type Server, spentOf } from '../servers.js'
import { type Plan, settingsFor, turns } from './benchmark.js'
import { redisWithOpen } from './measure.js'

const SETTLE_MS = 1500
/** The commands of `spentOf` itself: of its four INFO, two fall between the readings. */
const OWN_COMMANDS = 2
/** Lull's heartbeat is one claim in 30 s; a claim that finds nothing is some five commands in one script. */
const HEARTBEAT_COMMANDS_A_SECOND = 0.5

export async function idleBenchmark(plan: Plan): Promise<Result[]> {
  const names = [LULL, BULLMQ, SCAN]
  const open = plan.quick ? 5000 : 100_000
  const forMs = plan.quick ? 2000 : 5000
  const servers = new Map<string, Server>()
  for (const name of names) servers.set(name, await redisWithOpen(name, open))
  const rows = new Rows()
  for (let round = 0; round < plan.rounds; round++)
    for (const name of turns(names, round)) {
      const server = servers.get(name)
      if (!server) continue
      plan.say(`idle, round ${round + 1}: ${name}`)
      const consumer = await Child.start('consumer', name, settingsFor(server.url))
      await delay(SETTLE_MS)
      const [before, cpuBefore] = [await spentOf(server.admin), await consumer.ask({ kind: 'cpu' }, replies.figure)]
      await delay(forMs)
      const [after, cpuAfter] = [await spentOf(server.admin), await consumer.ask({ kind: 'cpu' }, replies.figure)]
      const seconds = forMs / 1000
      rows.add(name, {
        commands: Math.max(0, after.commands - before.commands - OWN_COMMANDS) / seconds,
        redisMs: (after.cpuUs - before.cpuUs) / 1000 / seconds,
        processMs: (cpuAfter - cpuBefore) / 1000 / seconds,
      })
      await consumer.stop()
    }
  for (const server of servers.values()) await server.stop()
  rows.rows.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
  const commands = median(figuresOf(rows.rows, LULL, 'commands'))
  return [
    {
      id: 'idle',
      title: `Idle: ${shown(open)} open conversations, nothing due`,
      about: `One consumer process for ${forMs / 1000} s a round. Redis's CPU includes its own work for the keys.`,
      columns: [
        { key: 'commands', title: 'Redis commands a second', digits: 1 },
        { key: 'redisMs', title: 'Redis CPU, ms a second', digits: 1, ratio: true },
        { key: 'processMs', title: 'process CPU, ms a second', digits: 1, ratio: true },
      ],
      rows: rows.rows,
      against: SCAN,
      aims: [
        {
          text: 'nothing but heartbeats',
          found: `${shown(commands, 1)} commands a second`,
          met: commands <= HEARTBEAT_COMMANDS_A_SECOND,
        },
      ],
      draw: { key: 'redisMs', unit: 'ms a second' },
    },
  ]
}

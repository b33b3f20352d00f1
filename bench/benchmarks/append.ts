/** The cost of storing a message, compared with BullMQ and with the floors. */
import { Child, replies } from '../children.js'
import { type Result, Rows, ratio, shown } from '../figures.js'
import { BULLMQ, LULL, PIPELINE, RPUSH } from '../peers/all.js'
import { emptied, spentOn, startBenchCluster, startRedis } from '../servers.js'
import { HOUR_MS, type Plan, settingsFor, turns } from './benchmark.js'

const CONVERSATIONS = 1000
const IN_FLIGHT = 256
const PARTITIONS = 64
const CLUSTER = `${LULL}, 3 primaries, ${PARTITIONS} partitions`

export async function appendBenchmark(plan: Plan): Promise<Result[]> {
  const names = [RPUSH, PIPELINE, LULL, BULLMQ, CLUSTER]
  const count = plan.quick ? 8000 : 20_000
  const server = await startRedis()
  const cluster = await startBenchCluster()
  const serverOf = (name: string) => (name === CLUSTER ? cluster : server)
  const children = new Map<string, Child>()
  for (const name of names) {
    const partitions = name === CLUSTER ? PARTITIONS : undefined
    const settings = settingsFor(serverOf(name).url, { gapMs: HOUR_MS, partitions })
    children.set(name, await Child.start('producer', name === CLUSTER ? LULL : name, settings))
  }
  const rows = new Rows()
  // The first round is a warm-up and does not count.
  for (let round = -1; round < plan.rounds; round++)
    for (const name of turns(names, Math.max(round, 0))) {
      plan.say(`append, round ${round + 1}: ${name}`)
      await emptied(serverOf(name))
      const before = await spentOn(serverOf(name))
      const order = {
        kind: 'flood',
        prefix: `r${round}-`,
        count,
        conversations: CONVERSATIONS,
        inFlight: IN_FLIGHT,
      } as const
      const ms = (await children.get(name)?.ask(order, replies.figure)) ?? Number.NaN
      const after = await spentOn(serverOf(name))
      if (round < 0) continue
      rows.add(name, { perSecond: (count / ms) * 1000, redisUs: (after.cpuUs - before.cpuUs) / count })
    }
  await Promise.all([...children.values()].map(child => child.stop()))
  await server.stop()
  await cluster.stop()
  rows.rows.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
  const cpu = ratio(rows.rows, LULL, BULLMQ, 'redisUs')
  const speed = ratio(rows.rows, LULL, BULLMQ, 'perSecond')
  return [
    {
      id: 'append',
      title: 'Append: what a message costs',
      about:
        `${shown(count)} messages of 100 bytes a round, one after another to ${shown(CONVERSATIONS)} conversations, ` +
        `${IN_FLIGHT} in flight from one process. Lull's figure includes the deduplication of message ids and the history; ` +
        'the others have neither.',
      columns: [
        { key: 'redisUs', title: 'Redis CPU a message, µs', digits: 1, ratio: true },
        { key: 'perSecond', title: 'messages a second', ratio: true },
      ],
      rows: rows.rows,
      against: BULLMQ,
      aims: [
        { text: 'Redis CPU ≤ 0.4 of BullMQ + list', found: shown(cpu, 2), met: cpu <= 0.4 },
        { text: 'messages a second ≥ 2× BullMQ + list', found: `${shown(speed, 1)}×`, met: speed >= 2 },
      ],
      draw: { key: 'redisUs', unit: 'µs' },
    },
  ]
}

/**
 * What partitions and a Cluster cost, and how processors share them: lateness, claims for each release, and Redis's CPU
 * for each message. All processes and servers share one machine, so the CPU is the figure to extrapolate from, and the
 * lateness is an upper bound.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Child, replies } from '../children.js'
import { figuresOf, median, type Result, Rows } from '../figures.js'
import { LULL } from '../peers/all.js'
import { type Server, spentOn, startBenchCluster, startRedis } from '../servers.js'
import { type Plan, settingsFor } from './benchmark.js'
import { lateness } from './measure.js'

const PER_SECOND = 1000
const SECONDS = 5
const IDLE_MS = 10_000
const SETTLE_MS = 2000
/** As a Cluster of many primaries would have. */
const MANY = 256
/** Each reading of `spentOn` is two INFO a server, of which one falls between the readings. */
const OWN_COMMANDS = 2

interface Case {
  partitions: number | undefined
  processors: number
  isCluster: boolean
}

const cases = ({ quick }: Plan): Case[] => {
  const counts = quick ? [64] : [1, 16, 64]
  const processors = quick ? [3] : [1, 3, 8]
  const ofOne = counts.flatMap(partitions =>
    processors.map(count => ({
      partitions: partitions === 1 ? undefined : partitions,
      processors: count,
      isCluster: false,
    })),
  )
  const many = quick ? [] : [{ partitions: MANY, processors: 3, isCluster: false }]
  return [...ofOne, ...many, ...processors.map(count => ({ partitions: 64, processors: count, isCluster: true }))]
}

const nameOf = ({ partitions, processors, isCluster }: Case) =>
  `${isCluster ? '3 primaries' : 'one Redis'}, ${partitions ?? 'no'} partitions, ${processors} processor${processors === 1 ? '' : 's'}`

export async function partitionsBenchmark(plan: Plan): Promise<Result[]> {
  const rows = new Rows()
  for (let round = 0; round < plan.rounds; round++)
    for (const one of cases(plan)) {
      plan.say(`round ${round + 1}: ${nameOf(one)}`)
      const server = await (one.isCluster ? startBenchCluster() : startRedis())
      const { p50, p99, claims, redisUs } = await lateness(LULL, server, {
        ...one,
        perSecond: PER_SECOND,
        count: PER_SECOND * (plan.quick ? 1 : SECONDS),
      })
      const idle = one.processors === 3 ? await idleCommands(server, one) : Number.NaN
      rows.add(nameOf(one), { p50, p99, claims, redisUs, idle })
      await server.stop()
    }
  const worst = (key: string) => Math.max(...rows.rows.map(({ name }) => median(figuresOf(rows.rows, name, key))))
  return [
    {
      id: 'partitions',
      title: 'Partitions, processors, and a Cluster',
      about:
        `${PER_SECOND} releases a second, gap 1 s, function handover; one producer, and all processors and servers on the same ` +
        'machine. Idle: commands a second of three processors with nothing to do, heartbeats included.',
      columns: [
        { key: 'p50', title: 'p50, ms', digits: 1 },
        { key: 'p99', title: 'p99, ms', digits: 1 },
        { key: 'claims', title: 'claims a release', digits: 2 },
        { key: 'redisUs', title: 'Redis CPU a message (all primaries), µs', ratio: true },
        { key: 'idle', title: 'idle: commands a second', digits: 1 },
      ],
      rows: rows.rows,
      against: nameOf({ partitions: undefined, processors: 1, isCluster: false }),
      aims: [
        { text: 'p99 ≤ 5 ms everywhere', found: `${worst('p99').toFixed(1)} ms at worst`, met: worst('p99') <= 5 },
        {
          text: 'claims ≤ 1.5 a release everywhere',
          found: `${worst('claims').toFixed(2)} at worst`,
          met: worst('claims') <= 1.5,
        },
      ],
      draw: { key: 'redisUs', unit: 'µs' },
    },
  ]
}

async function idleCommands(server: Server, { partitions, processors }: Case): Promise<number> {
  const settings = settingsFor(server.url, { partitions })
  const consumers = await Promise.all(Array.from({ length: processors }, () => Child.start('consumer', LULL, settings)))
  await delay(SETTLE_MS)
  const before = await spentOn(server)
  await delay(IDLE_MS)
  const after = await spentOn(server)
  await Promise.all(
    consumers.map(consumer => consumer.ask({ kind: 'count' }, replies.figure).then(() => consumer.stop())),
  )
  const own = OWN_COMMANDS * (server.primaries?.length ?? 1)
  return Math.max(after.commands - before.commands - own, 0) / (IDLE_MS / 1000)
}

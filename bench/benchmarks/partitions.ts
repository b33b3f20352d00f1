/**
 * What partitions and a Cluster cost, and how processors share them: lateness, claims for each release, and Redis's CPU
 * for each message. All processes and servers share one machine, so the CPU is the figure to extrapolate from, and the
 * lateness is an upper bound.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { DEFAULT_PREFIX, Keys } from '../../src/store/redis/keys.js'
import { Child, replies } from '../children.js'
import { figuresOf, median, type Result, Rows, shown } from '../figures.js'
import { LULL } from '../peers/all.js'
import { type Server, spentOn, startBenchCluster, startRedis } from '../servers.js'
import { type Plan, settingsFor } from './benchmark.js'
import { lateness } from './measure.js'

const PER_SECOND = 1000
/** Calls and wake-ups are shared by more messages: the figure to extrapolate from for a primary that has more to do. */
const FAST = 3000
const SECONDS = 5
const IDLE_MS = 10_000
const SETTLE_MS = 2000
const EXPIRED = '__keyevent@0__:expired'
/** With a processor: eight connections that are subscribed. */
const LISTENERS = 7
/** As a Cluster of many primaries would have. */
const MANY = 256
/** Each reading of `spentOn` is two INFO a server, of which one falls between the readings. */
const OWN_COMMANDS = 2

interface Case {
  partitions: number | undefined
  processors: number
  isCluster: boolean
  perSecond: number
  /** Connections that subscribe as a processor does, and do nothing else: what the subscriptions alone cost. */
  listeners: number
}

const cases = ({ quick }: Plan): Case[] => {
  const counts = quick ? [1, 64] : [1, 16, 64]
  const processors = quick ? [3] : [1, 3, 8]
  const one = (partitions: number, count: number, more: Partial<Case> = {}): Case => ({
    partitions: partitions === 1 ? undefined : partitions,
    processors: count,
    isCluster: false,
    perSecond: PER_SECOND,
    listeners: 0,
    ...more,
  })
  const many = quick ? [] : [one(MANY, 3), one(16, 3, { isCluster: true }), one(MANY, 3, { isCluster: true })]
  return [
    ...counts.flatMap(partitions => processors.map(count => one(partitions, count))),
    ...processors.map(count => one(64, count, { isCluster: true })),
    ...many,
    one(1, 1, { listeners: LISTENERS }),
    one(1, 1, { perSecond: FAST }),
    one(64, 1, { perSecond: FAST }),
    one(64, 1, { perSecond: FAST, isCluster: true }),
  ]
}

const nameOf = ({ partitions, processors, isCluster, perSecond, listeners }: Case) => {
  const rate = perSecond === PER_SECOND ? '' : `, ${shown(perSecond)} a second`
  const many = processors === 1 ? '' : 's'
  const others = listeners === 0 ? '' : `, ${listeners} more subscribed`
  return `${isCluster ? '3 primaries' : 'one Redis'}, ${partitions ?? 'no'} partitions, ${processors} processor${many}${others}${rate}`
}

export async function partitionsBenchmark(plan: Plan): Promise<Result[]> {
  const rows = new Rows()
  for (let round = 0; round < plan.rounds; round++)
    for (const one of cases(plan)) {
      plan.say(`round ${round + 1}: ${nameOf(one)}`)
      const server = await (one.isCluster ? startBenchCluster() : startRedis())
      const count = one.perSecond * (plan.quick ? 1 : SECONDS)
      const listeners = Array.from({ length: one.listeners }, () => new Redis(server.url))
      await Promise.all(listeners.map(listener => listener.subscribe(EXPIRED, new Keys(DEFAULT_PREFIX).nextDue)))
      const measured = await lateness(LULL, server, { ...one, count })
      for (const listener of listeners) listener.disconnect()
      const idle = one.processors === 3 ? await idleCommands(server, one) : Number.NaN
      rows.add(nameOf(one), { ...measured, idle })
      await server.stop()
    }
  const first = rows.rows[0]?.name ?? ''
  const worst = (key: string) =>
    Math.max(
      ...cases(plan)
        .filter(({ perSecond }) => perSecond === PER_SECOND)
        .map(one => median(figuresOf(rows.rows, nameOf(one), key))),
    )
  return [
    {
      id: 'partitions',
      title: 'Partitions, processors, and a Cluster',
      about:
        `${shown(PER_SECOND)} releases a second where a row names no other rate, batches of one message, gap 1 s, function handover; one producer, ` +
        'and all processors and servers on the same machine. Events of expiry are not in PUBLISH’s time. Connections and ' +
        'subscriptions: of the producer and all processors. Idle: commands a second of three processors with nothing to do, ' +
        'heartbeats included.',
      columns: [
        { key: 'p50', title: 'p50, ms', digits: 1 },
        { key: 'p99', title: 'p99, ms', digits: 1 },
        { key: 'claims', title: 'claims a release', digits: 2 },
        { key: 'redisUs', title: 'Redis CPU a message (all primaries), µs', ratio: true },
        { key: 'publishUs', title: 'of it PUBLISH, µs', digits: 1 },
        { key: 'connections', title: 'connections' },
        { key: 'subscriptions', title: 'subscriptions' },
        { key: 'missing', title: 'missing after 5 s, %', digits: 1 },
        { key: 'idle', title: 'idle: commands a second', digits: 1 },
      ],
      rows: rows.rows,
      against: first,
      aims: [
        {
          text: 'p99 ≤ 5 ms everywhere at 1,000 a second',
          found: `${worst('p99').toFixed(1)} ms at worst`,
          met: worst('p99') <= 5,
        },
        {
          text: 'claims ≤ 1.5 a release everywhere at 1,000 a second',
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

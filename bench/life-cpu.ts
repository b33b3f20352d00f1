/**
 * Where the CPU goes for a whole life, from the webhook to the answer, at a steady rate: by process, by part of each
 * process, and by script of Redis. Four messages a conversation, no work in the answers. Runs on Linux.
 *
 *     npm run bench:life                             500 messages a second, with a function and through BullMQ
 *     npm run bench:life -- --profile                by functions, too, in more rounds with Node's profiler
 *     npm run bench:life -- --rate 2000 --rounds 5
 *     npm run bench:life -- --partitions 64          with partitions; --cluster: on three primaries, too
 */
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { stopChildren } from './children.js'
import { figuresOf, median, Rows, shown } from './figures.js'
import { LULL, LULL_BULLMQ } from './peers/all.js'
import { Profiler } from './profiler.js'
import { LAYERS, linesOf, type Share, type Span } from './profiles.js'
import { stopPrograms } from './programs.js'
import { type CommandTime, commandTimes, LOGGED_US } from './redis-time.js'
import { type Server, stopServers } from './servers.js'
import { measuredRound, messagesOf, steadyRound, warmUp } from './steady-life.js'
import { ROLES, type Role, type System, withSystem } from './systems.js'

/** A round at a rate that the machine cannot keep takes longer than this share more, or has batches left after the gap. */
const BEHIND = 0.03
const BEHIND_MS = 1000
/** A script or command that takes less a message is not shown by itself. */
const LEAST_US = 0.3

const { values: options } = parseArgs({
  options: {
    rate: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '3' },
    /** Of a round. */
    seconds: { type: 'string', default: '10' },
    partitions: { type: 'string' },
    cluster: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
  },
})
const perSecond = Number(options.rate)
const steady = { perSecond, seconds: Number(options.seconds) }
const amount = messagesOf(steady)
const rounds = Number(options.rounds)
const partitions = options.partitions === undefined ? (options.cluster ? 64 : undefined) : Number(options.partitions)

interface Life {
  rows: Rows
  redis: CommandTime[]
  shares: Partial<Record<Role, Share[]>>
}

try {
  const lives = new Map<string, Life>()
  for (const name of [LULL, LULL_BULLMQ]) lives.set(name, await lived(name))
  for (const [name, life] of lives) console.log(totalsOf(name, life))
  console.log(redisTable(lives))
  if (options.profile) {
    console.log(layerTable(lives))
    for (const [name, life] of lives) console.log(functionsOf(name, life))
  }
  console.log(`load: ${loadavg()[0]?.toFixed(1)}`)
} finally {
  await Promise.allSettled([stopPrograms(), stopChildren()])
  await stopServers()
}

async function lived(name: string): Promise<Life> {
  const rows = new Rows()
  let redis: CommandTime[] = []
  await withWarm(name, undefined, async (server, system) => {
    for (let round = 0; round < rounds; round++) rows.add(name, await measuredRound(server, system, steady))
    redis = await commandTimes(server, async () => {
      await steadyRound(system, steady)
    })
  })
  return { rows, redis, shares: options.profile ? await sharesIn(name) : {} }
}

/** In processes of their own: at low rates the profiler takes as much CPU as what it looks at. */
async function sharesIn(name: string): Promise<Life['shares']> {
  const profiler = await Profiler.start()
  const spans: Span[] = []
  let roles: Role[] = []
  try {
    await withWarm(name, profiler, async (server, system) => {
      roles = ROLES.filter(role => system.processes[role])
      for (let round = 0; round < rounds; round++) await measuredRound(server, system, steady, spans)
    })
    const shares = await Promise.all(roles.map(async role => [role, await profiler.sharesOf(role, spans)] as const))
    return Object.fromEntries(shares)
  } finally {
    await profiler.close()
  }
}

function withWarm(
  name: string,
  profiler: Profiler | undefined,
  work: (server: Server, system: System) => Promise<void>,
): Promise<void> {
  const nodeFor = (role: Role) => profiler?.argumentsFor(role) ?? []
  return withSystem(name, { isCluster: options.cluster, partitions, nodeFor }, async (server, system) => {
    await warmUp(system)
    await work(server, system)
  })
}

function totalsOf(name: string, { rows: { rows } }: Life): string {
  const of = (key: string) => figuresOf(rows, name, key)
  const cell = (key: string) =>
    `${key} ${shown(median(of(key)), 1)} (${shown(Math.min(...of(key)), 1)}–${shown(Math.max(...of(key)), 1)})`
  const roles = [...ROLES.filter(role => of(role).every(us => !Number.isNaN(us))), 'redis']
  const sum = roles.reduce((total, role) => total + median(of(role)), 0)
  const [rate, leftMs] = [Math.min(...of('perSecond')), Math.max(...of('leftMs'))]
  const isSteady = rate >= perSecond * (1 - BEHIND) && leftMs <= BEHIND_MS
  const pace = `${shown(rate)} messages a second, webhooks’ p99 ${shown(median(of('p99Ms')), 1)} ms, last answer ${shown(leftMs)} ms after its gap`
  return `${name}: ${shown(sum, 1)} µs of CPU a message: ${roles.map(cell).join(', ')}\n  ${pace}${isSteady ? '' : ': NOT STEADY'}`
}

/** Times of the logged round, beside the CPU of the measured ones. */
function redisTable(lives: Map<string, Life>): string {
  const columns = [...lives].map(([name, { rows, redis }]) => ({
    name,
    cpuUs: median(figuresOf(rows.rows, name, 'redis')),
    times: new Map(redis.map(time => [time.name, time])),
    inAll: redis.reduce((sum, { us }) => sum + us, 0) / amount,
  }))
  const names = new Set(columns.flatMap(({ times }) => [...times.keys()]))
  const isShown = (name: string) => columns.some(({ times }) => (times.get(name)?.us ?? 0) / amount >= LEAST_US)
  const line = (what: string, cells: string[]) => `| ${[what, ...cells].join(' | ')} |`
  const cellsOf = (time: CommandTime | undefined) =>
    time ? [shown(time.calls / amount, 2), shown(time.us / time.calls, 1), shown(time.us / amount, 1)] : ['', '', '']
  const last = (of: (column: (typeof columns)[number]) => number) =>
    columns.flatMap(column => ['', '', shown(of(column), 1)])
  const isBusy = columns.some(({ inAll, cpuUs }) => inAll > cpuUs)
  return [
    `\nRedis, ${shown(perSecond)} messages a second`,
    line(
      '',
      columns.flatMap(({ name }) => [`${name}: calls a message`, 'µs a call', 'µs a message']),
    ),
    line(
      '---',
      columns.flatMap(() => ['--:', '--:', '--:']),
    ),
    ...[...names].filter(isShown).map(name => {
      const isScript = columns.some(({ times }) => times.get(name)?.isScript)
      return line(
        isScript ? `\`${name}\`` : name,
        columns.flatMap(({ times }) => cellsOf(times.get(name))),
      )
    }),
    line(
      'others',
      last(
        ({ times }) => [...times.values()].reduce((sum, { name, us }) => sum + (isShown(name) ? 0 : us), 0) / amount,
      ),
    ),
    line(
      `sockets, the protocol, expiry, commands under ${LOGGED_US} µs`,
      last(({ cpuUs, inAll }) => cpuUs - inAll),
    ),
    line(
      '**all: CPU by the kernel**',
      last(({ cpuUs }) => cpuUs),
    ),
    ...(isBusy ? ['BUSY: the scripts took longer than Redis had a processor. Their times are not reliable.'] : []),
  ].join('\n')
}

function layerTable(lives: Map<string, Life>): string {
  const columns = [...lives].flatMap(([name, { rows, shares }]) =>
    ROLES.flatMap(role => {
      const found = shares[role]
      if (!found) return []
      const us = median(figuresOf(rows.rows, name, role))
      return [{ title: `${name}: ${role}`, us, byLayer: new Map(found.map(({ what, share }) => [what, share * us])) }]
    }),
  )
  const isShown = (layer: string) => columns.some(({ byLayer }) => (byLayer.get(layer) ?? 0) >= LEAST_US)
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [
    `\nCPU a message, µs, ${shown(perSecond)} messages a second`,
    line(['', ...columns.map(({ title }) => title)]),
    line(['---', ...columns.map(() => '--:')]),
    ...LAYERS.filter(isShown).map(layer =>
      line([layer, ...columns.map(({ byLayer }) => shown(byLayer.get(layer) ?? 0))]),
    ),
    line(['**all**', ...columns.map(({ us }) => `**${shown(us)}**`)]),
  ].join('\n')
}

function functionsOf(name: string, { rows, shares }: Life): string {
  return ROLES.flatMap(role => {
    const found = shares[role]
    return found ? [`\n${name}: ${role}\n${linesOf(found, median(figuresOf(rows.rows, name, role)))}`] : []
  }).join('\n')
}

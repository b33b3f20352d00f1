/**
 * Where the CPU goes for a whole life, from the webhook to the answer, at a steady rate: by process, by part of each
 * process, and by script of Redis. Four messages a conversation, no work in the answers. Runs on Linux.
 *
 *     npm run bench:life                             500 messages a second, with a function and through BullMQ
 *     npm run bench:life -- --profile                by functions, too, from Node's profiler, which itself costs some CPU
 *     npm run bench:life -- --rate 2000 --rounds 5
 *     npm run bench:life -- --partitions 64          with partitions; --cluster: on three primaries, too
 */
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { stopChildren } from './children.js'
import { cpuUsOf, nowUs } from './cpu-time.js'
import { figuresOf, median, Rows, shown } from './figures.js'
import { LULL, LULL_BULLMQ } from './peers/all.js'
import { Profiler } from './profiler.js'
import { LAYERS, linesOf, type Share, type Span } from './profiles.js'
import { stopPrograms } from './programs.js'
import { type CommandTime, commandTimes, LOGGED_US } from './redis-time.js'
import { spentOn, startBenchCluster, startRedis, stopServers } from './servers.js'
import { A_BATCH, answered, byRole, GAP_MS, ROLES, type Role, type System, systems } from './systems.js'
import { inTurn, load, someAtOnce } from './webhooks.js'

/** Until V8 has compiled what is called often. */
const WARM_LOADS = 3
const WARM_MESSAGES = 6000
/** The messages of a conversation are this far apart, so its batch is due while others are still open. */
const BETWEEN_MS = 250
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
const amount = Math.round((perSecond * Number(options.seconds)) / A_BATCH) * A_BATCH
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
  for (const [name, life] of lives) console.log(redisTable(name, life))
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
  const server = await (options.cluster ? startBenchCluster() : startRedis())
  const profiler = await Profiler.start(options.profile)
  try {
    const system = await systems[name]?.(server, { partitions, nodeFor: role => profiler.argumentsFor(role) })
    if (!system) throw new Error(`no system is called ${name}`)
    for (let i = 0; i < WARM_LOADS; i++) {
      await load(system.url, { conversationOf: inTurn(WARM_MESSAGES / A_BATCH), amount: WARM_MESSAGES })
      await answered(system)
    }
    const rows = new Rows()
    const spans: Span[] = []
    for (let round = 0; round < Number(options.rounds); round++) {
      const fromUs = nowUs()
      const before = await byRole(system, cpuUsOf)
      const redisBefore = await spentOn(server)
      const pace = await steadyRound(system)
      const redisUs = (await spentOn(server)).cpuUs - redisBefore.cpuUs
      const after = await byRole(system, cpuUsOf)
      spans.push([fromUs, nowUs()])
      const cpu = ROLES.flatMap(role => {
        const us = after[role]
        return us === undefined ? [] : [[role, (us - (before[role] ?? 0)) / amount] as const]
      })
      rows.add(name, { ...pace, ...Object.fromEntries(cpu), redis: redisUs / amount })
    }
    const redis = await commandTimes(server, async () => {
      await steadyRound(system)
    })
    await system.stop()
    const roles = ROLES.filter(role => system.processes[role] && options.profile)
    const shares = await Promise.all(roles.map(async role => [role, await profiler.sharesOf(role, spans)] as const))
    return { rows, redis, shares: Object.fromEntries(shares) }
  } finally {
    await server.stop()
    await profiler.close()
  }
}

/** Every message of it is answered at its end. */
async function steadyRound(system: System): Promise<{ perSecond: number; p99Ms: number; leftMs: number }> {
  const atOnce = Math.max(1, Math.round((perSecond * BETWEEN_MS) / 1000))
  const served = await load(system.url, { conversationOf: someAtOnce(atOnce, A_BATCH), amount, perSecond })
  if (served.failed > 0) throw new Error(`${served.failed} webhooks were refused`)
  const loadedAtMs = performance.now()
  await answered(system)
  return { ...served, leftMs: Math.max(0, performance.now() - loadedAtMs - GAP_MS) }
}

function totalsOf(name: string, { rows: { rows } }: Life): string {
  const of = (key: string) => figuresOf(rows, name, key)
  const cell = (key: string) =>
    `${key} ${shown(median(of(key)), 1)} (${shown(Math.min(...of(key)), 1)}–${shown(Math.max(...of(key)), 1)})`
  const roles = [...ROLES.filter(role => of(role).length > 0), 'redis']
  const sum = roles.reduce((total, role) => total + median(of(role)), 0)
  const [rate, leftMs] = [Math.min(...of('perSecond')), Math.max(...of('leftMs'))]
  const isSteady = rate >= perSecond * (1 - BEHIND) && leftMs <= BEHIND_MS
  const pace = `${shown(rate)} messages a second, webhooks’ p99 ${shown(median(of('p99Ms')), 1)} ms, last answer ${shown(leftMs)} ms after its gap`
  return `${name}: ${shown(sum, 1)} µs of CPU a message: ${roles.map(cell).join(', ')}\n  ${pace}${isSteady ? '' : ': NOT STEADY'}`
}

/** Times of the logged round, beside the CPU of the measured ones. */
function redisTable(name: string, { rows: { rows }, redis }: Life): string {
  const cpuUs = median(figuresOf(rows, name, 'redis'))
  const shownOnes = redis.filter(({ us }) => us / amount >= LEAST_US)
  const less = redis.filter(({ us }) => us / amount < LEAST_US)
  const inAll = redis.reduce((sum, { us }) => sum + us, 0) / amount
  const line = (what: string, calls: string, each: string, us: number) =>
    `| ${what} | ${calls} | ${each} | ${shown(us, 1)} |`
  const lineOfTime = ({ name: what, isScript, calls, us }: CommandTime) =>
    line(isScript ? `\`${what}\`` : what, shown(calls / amount, 2), shown(us / calls, 1), us / amount)
  return [
    `\nRedis, ${name}, ${shown(perSecond)} messages a second`,
    '| | calls a message | µs a call | µs a message |',
    '|---|--:|--:|--:|',
    ...shownOnes.map(lineOfTime),
    line('others', '', '', less.reduce((sum, { us }) => sum + us, 0) / amount),
    line(`sockets, the protocol, expiry, commands under ${LOGGED_US} µs`, '', '', cpuUs - inAll),
    line('**all: CPU by the kernel**', '', '', cpuUs),
    ...(inAll > cpuUs
      ? ['BUSY: the scripts took longer than Redis had a processor. Their times are not reliable.']
      : []),
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

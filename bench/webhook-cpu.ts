/**
 * The CPU that the API spends on a webhook, beside that of a bare Koa route, in turns; and what it spends it on. Runs
 * on Linux.
 *
 *     npm run bench:webhook                     as fast as 32 connections ask
 *     npm run bench:webhook -- --rate 500       500 webhooks a second, at even intervals
 *     npm run bench:webhook -- --beside DIST    another build of Lull, such as one of the last commit; may be repeated
 *     npm run bench:webhook -- --profile        by functions, too, in more rounds with Node's profiler
 */
import { loadavg } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { turns } from './benchmarks/benchmark.js'
import { cpuUsOf, nowUs } from './cpu-time.js'
import { figuresOf, median, Rows, ratio, shown } from './figures.js'
import { Profiler } from './profiler.js'
import { linesOf, type Span } from './profiles.js'
import { Program, stopPrograms } from './programs.js'
import { type Server, spentOf, startRedis, stopServers } from './servers.js'
import { inTurn, load, WARM } from './webhooks.js'

const GAP_MS = 50_000
const CONVERSATION_OF = inTurn(5000)
const BARE = 'bare Koa route'
const LULL = 'Lull'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '21' },
    /** Webhooks a round. */
    amount: { type: 'string', default: '1500' },
    rate: { type: 'string' },
    beside: { type: 'string', multiple: true, default: [] },
    profile: { type: 'boolean', default: false },
  },
})
const amount = Number(options.amount)
const perSecond = options.rate === undefined ? {} : { perSecond: Number(options.rate) }
try {
  const server = await startRedis()
  const programs = await started(server.url, () => [])
  const rows = await measured(server, programs)
  for (const { name } of rows.rows) console.log(lineOf(rows, name))
  console.log(`load: ${loadavg()[0]?.toFixed(1)}`)
  await stopPrograms()
  if (options.profile) await printProfiles(server, rows)
} finally {
  await Promise.allSettled([stopPrograms()])
  await stopServers()
}

async function started(redis: string, nodeFor: (name: string) => string[]): Promise<Map<string, Program>> {
  const programs = new Map([[BARE, await Program.route('bare', redis, GAP_MS, nodeFor(BARE))]])
  for (const dist of options.beside) {
    const bin = join(resolve(dist), 'esm/bin.js')
    programs.set(dist, await Program.lull('api', redis, GAP_MS, { bin, node: nodeFor(dist) }))
  }
  return programs.set(LULL, await Program.lull('api', redis, GAP_MS, { node: nodeFor(LULL) }))
}

/** @param spans is given the times of each program's rounds */
async function measured(
  { admin }: Server,
  programs: Map<string, Program>,
  spans = new Map<string, Span[]>(),
): Promise<Rows> {
  for (const { url } of programs.values()) await load(url, { conversationOf: CONVERSATION_OF, amount: WARM })
  const rows = new Rows()
  for (let round = 0; round < Number(options.rounds); round++)
    for (const [name, program] of turns([...programs], round)) {
      await admin.flushall()
      const fromUs = nowUs()
      const before = await cpuUsOf(program.pid)
      const redisBefore = await spentOf(admin)
      const served = await load(program.url, { conversationOf: CONVERSATION_OF, amount, ...perSecond })
      const cpuUs = (await cpuUsOf(program.pid)) - before
      const redisUs = (await spentOf(admin)).cpuUs - redisBefore.cpuUs
      spans.set(name, [...(spans.get(name) ?? []), [fromUs, nowUs()]])
      if (served.failed > 0) throw new Error(`${name}: ${served.failed} webhooks were refused`)
      rows.add(name, { cpuUs: cpuUs / amount, redisUs: redisUs / amount })
    }
  return rows
}

/** Ratios are medians of the rounds' ratios. */
function lineOf({ rows }: Rows, name: string): string {
  const all = figuresOf(rows, name, 'cpuUs')
  const us = `${shown(median(all), 1)} µs of CPU a webhook (${shown(Math.min(...all), 1)}–${shown(Math.max(...all), 1)})`
  const others = [BARE, ...options.beside].filter(other => other !== name)
  const ratios = others.map(other => `${shown(ratio(rows, name, other, 'cpuUs'), 3)} of ${other}`)
  return `${name}: ${[us, ...ratios, `Redis ${shown(median(figuresOf(rows, name, 'redisUs')), 1)} µs`].join('; ')}`
}

/** The shares of other processes than the measured ones, whose CPU would be the profiler's too. */
async function printProfiles(server: Server, { rows }: Rows): Promise<void> {
  const profiler = await Profiler.start()
  const spans = new Map<string, Span[]>()
  try {
    const programs = await started(server.url, name => profiler.argumentsFor(name))
    await measured(server, programs, spans)
    await stopPrograms()
    for (const name of programs.keys()) {
      const shares = await profiler.sharesOf(name, spans.get(name) ?? [])
      console.log(`\n${name}\n${linesOf(shares, median(figuresOf(rows, name, 'cpuUs')))}`)
    }
  } finally {
    await profiler.close()
  }
}

/**
 * The CPU that the API spends on a webhook, beside that of a bare Koa route, in turns; and what it spends it on. Runs
 * on Linux.
 *
 *     npm run bench:webhook                     as fast as 32 connections ask
 *     npm run bench:webhook -- --rate 500       500 webhooks a second
 *     npm run bench:webhook -- --beside DIST    another build of Lull, such as one of the last commit; may be repeated
 *     npm run bench:webhook -- --profile        by functions, from Node's profiler, which itself costs some CPU
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { turns } from './benchmarks/benchmark.js'
import { figuresOf, median, Rows, ratio, shown } from './figures.js'
import { linesOf, type Span, sharesOf } from './profiles.js'
import { Program, stopPrograms } from './programs.js'
import { type Server, spentOf, startRedis, stopServers } from './servers.js'
import { load } from './webhooks.js'

const GAP_MS = 50_000
const CONVERSATIONS = 5000
const BARE = 'bare Koa route'
const LULL = 'Lull'
/** Webhooks before the first round: until V8 has compiled what is called often. */
const WARM = 5000
const SAMPLE_EVERY_US = 200

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
const profiles = await mkdtemp(join(tmpdir(), 'lull-profiles-'))

try {
  const server = await startRedis()
  const programs = await started(server.url)
  const spans = new Map<string, Span[]>()
  const rows = await measured(server, programs, spans)
  for (const { name } of rows.rows) console.log(lineOf(rows, name))
  console.log(`load: ${loadavg()[0]?.toFixed(1)}`)
  if (options.profile)
    for (const [name, program] of programs) await printProfile(rows, name, program, spans.get(name) ?? [])
} finally {
  await Promise.allSettled([stopPrograms()])
  await stopServers()
  await rm(profiles, { recursive: true, force: true })
}

async function started(redis: string): Promise<Map<string, Program>> {
  const node = (name: string) =>
    options.profile ? ['--cpu-prof', `--cpu-prof-interval=${SAMPLE_EVERY_US}`, `--cpu-prof-dir=${folderOf(name)}`] : []
  const programs = new Map([[BARE, await Program.route('bare', redis, GAP_MS, node(BARE))]])
  for (const dist of options.beside) {
    const bin = join(resolve(dist), 'esm/bin.js')
    programs.set(dist, await Program.lull('api', redis, GAP_MS, { bin, node: node(dist) }))
  }
  return programs.set(LULL, await Program.lull('api', redis, GAP_MS, { node: node(LULL) }))
}

function folderOf(name: string): string {
  return join(profiles, name.replaceAll('/', '_'))
}

/** @param spans is given the times of each program's rounds */
async function measured({ admin }: Server, programs: Map<string, Program>, spans: Map<string, Span[]>): Promise<Rows> {
  for (const { url } of programs.values()) await load(url, { conversations: CONVERSATIONS, amount: WARM })
  const rows = new Rows()
  for (let round = 0; round < Number(options.rounds); round++)
    for (const [name, program] of turns([...programs], round)) {
      await admin.flushall()
      const fromUs = nowUs()
      const before = await cpuUsOf(program.pid)
      const redisBefore = await spentOf(admin)
      const served = await load(program.url, { conversations: CONVERSATIONS, amount, ...perSecond })
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

async function printProfile({ rows }: Rows, name: string, program: Program, spans: Span[]): Promise<void> {
  await program.stop()
  const [file = ''] = await readdir(folderOf(name))
  const shares = await sharesOf(join(folderOf(name), file), spans)
  console.log(`\n${name}\n${linesOf(shares, median(figuresOf(rows, name, 'cpuUs')))}`)
}

/** Of the system's monotonic clock. */
function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/** Of all threads of a process, by Linux's scheduler: its clock is finer than that of `times`. */
async function cpuUsOf(pid: number): Promise<number> {
  const tasks = `/proc/${pid}/task`
  const threads = await readdir(tasks)
  const each = await Promise.all(
    threads.map(async thread => Number((await readFile(join(tasks, thread, 'schedstat'), 'utf8')).split(' ')[0])),
  )
  return each.reduce((sum, ns) => sum + ns, 0) / 1000
}

/**
 * The benchmarks: Lull beside its alternatives, in one run on one machine.
 *
 *     npm run bench                              all benchmarks: tables, and JSON and charts in docs/bench
 *     npm run bench -- --quick                   some five minutes: fewer rounds, smaller sizes, in .lull/bench
 *     npm run bench -- --only append,memory      these benchmarks
 *     npm run bench -- --rounds 9 --out DIR
 *     npm run bench -- --guard                   counts a message's commands, bytes and allocations; fails if they grew, or
 *                                                if bench/ does not compile
 *     npm run bench -- --guard --update          takes them as what the next runs compare with
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { appendBenchmark } from './benchmarks/append.js'
import type { Benchmark, Plan } from './benchmarks/benchmark.js'
import { correctnessBenchmark } from './benchmarks/correctness.js'
import { failoverBenchmark } from './benchmarks/failover.js'
import { growthBenchmark } from './benchmarks/growth.js'
import { idleBenchmark } from './benchmarks/idle.js'
import { latenessBenchmark, ratesBenchmark } from './benchmarks/lateness.js'
import { lifeBenchmark } from './benchmarks/life.js'
import { memoryBenchmark } from './benchmarks/memory.js'
import { partitionsBenchmark } from './benchmarks/partitions.js'
import { replyBenchmark } from './benchmarks/reply.js'
import { steadyBenchmark } from './benchmarks/steady.js'
import { webhookBenchmark } from './benchmarks/webhook.js'
import { chartOf } from './charts.js'
import { stopChildren } from './children.js'
import type { Result } from './figures.js'
import { compiles } from './guard/compile.js'
import { guard, remember } from './guard/guard.js'
import { stopPrograms } from './programs.js'
import { startPostgres, startRedis, stopServers } from './servers.js'
import { tableOf } from './tables.js'

/** Above this load other programs are at work on the machine, and times are not reliable. */
const QUIET_LOAD = 1
const root = fileURLToPath(new URL('..', import.meta.url))
const benchmarks: Record<string, Benchmark> = {
  reply: replyBenchmark,
  append: appendBenchmark,
  memory: memoryBenchmark,
  webhook: webhookBenchmark,
  life: lifeBenchmark,
  steady: steadyBenchmark,
  idle: idleBenchmark,
  lateness: latenessBenchmark,
  rates: ratesBenchmark,
  growth: growthBenchmark,
  partitions: partitionsBenchmark,
  failover: failoverBenchmark,
  correctness: correctnessBenchmark,
}

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(benchmarks).join(',') },
    rounds: { type: 'string' },
    out: { type: 'string' },
    guard: { type: 'boolean', default: false },
    update: { type: 'boolean', default: false },
  },
})
if (options.guard) {
  if (options.update) await remember()
  else {
    const isFine = await compiles()
    process.exitCode = (await guard()) && isFine ? 0 : 1
  }
  process.exit()
}
const { quick } = options
const rounds = Number(options.rounds ?? (quick ? 1 : 5))
const out = options.out ?? join(root, quick ? '.lull/bench' : 'docs/bench')
const startedAt = Date.now()
const wanted = options.only.split(',')
const unknown = wanted.find(name => !benchmarks[name])
if (unknown !== undefined || !(rounds >= 1)) {
  console.error(
    `--only ${options.only} --rounds ${rounds}: there is ${Object.keys(benchmarks).join(', ')}; 1 round or more`,
  )
  process.exit(2)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void end().then(() => process.exit(130)))

try {
  const needsPostgres = wanted.some(name => ['lateness', 'correctness'].includes(name))
  const postgres = needsPostgres && !quick ? await startPostgres() : undefined
  const plan: Plan = { quick, rounds, postgres, say }
  await mkdir(out, { recursive: true })
  const machine = await describeMachine()
  console.log(`${machine}\n`)
  for (const name of wanted) {
    const results = (await benchmarks[name]?.(plan)) ?? []
    for (const result of results) await publish(result, machine)
  }
  await gather()
  console.log(`${Math.round((Date.now() - startedAt) / 1000)} s; JSON and charts are in ${out}`)
} finally {
  await end()
}

async function publish(result: Result, machine: string): Promise<void> {
  console.log(tableOf(result))
  const file = join(out, result.id)
  await writeFile(
    `${file}.json`,
    `${JSON.stringify({ machine, at: new Date().toISOString(), rounds, ...result }, null, 1)}\n`,
  )
  await writeFile(`${file}.svg`, chartOf(result))
}

/** Writes one page of all results in the folder, each with the machine and versions it was measured on. */
async function gather(): Promise<void> {
  const files = (await readdir(out)).filter(file => file.endsWith('.json')).sort()
  const sections = await Promise.all(
    files.map(async file => {
      const result: Result & { machine: string; at: string } = JSON.parse(await readFile(join(out, file), 'utf8'))
      return `${tableOf(result)}\n![${result.title}](${result.id}.svg)\n\n${result.at.slice(0, 16)}Z. ${result.machine}.\n`
    }),
  )
  const head = '# Figures\n\nWritten by `npm run bench`: the median of all rounds, with their minimum and maximum.\n'
  await writeFile(join(out, 'README.md'), [head, ...sections].join('\n'))
}

async function describeMachine(): Promise<string> {
  const server = await startRedis()
  const version = /^redis_version:(\S+)/m.exec(await server.admin.info('server'))?.[1]
  await server.stop()
  const peers: Record<string, string> = JSON.parse(
    await readFile(new URL('package.json', import.meta.url), 'utf8'),
  ).dependencies
  const load = loadavg()[0] ?? 0
  const names = ['bullmq', 'graphile-worker', 'chat'].map(name => `${name} ${peers[name]}`)
  return [
    `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Node ${process.versions.node}, Redis ${version}, ${names.join(', ')}`,
    `rounds: ${rounds}`,
    `load before: ${load.toFixed(1)}${load > QUIET_LOAD ? ' (BUSY: times and rates are not reliable)' : ''}`,
  ].join('; ')
}

function say(text: string): void {
  const seconds = String(Math.round((Date.now() - startedAt) / 1000)).padStart(4)
  process.stderr.write(`${seconds} s  ${text}\n`)
}

async function end(): Promise<void> {
  // The servers are stopped even if a child or program could not be.
  await Promise.allSettled([stopChildren(), stopPrograms()])
  await stopServers()
}

// `npm test`: installs what is missing, builds what has changed, starts a Redis and runs the tests on it.
//
//     npm test                                    all tests
//     npm test -- test/unit/config.test.ts        the tests of these files
//     npm test -- --redis=valkey                  on Valkey; --redis=container and --redis=local require that kind
//     npm test -- --grep ttl                      other options are passed to mocha
//     LULL_TEST_LANES=1 npm test                  one file after the other
//
// Most tests spend their time waiting, so the files run in lanes side by side. Each lane has its own Redis. Each file
// has its own mocha process, whose output is shown when it has ended. With options for mocha all files share one
// process. All failures are printed again at the end of the output, and appended to the file that LULL_TEST_FAILURES
// names.
//
// Why not mocha's --parallel? It was tried with mocha 12. Root hooks, this reporter and a Redis by MOCHA_WORKER_ID work,
// and it takes as long (42 s and 45 s for the same files), but it finds less:
//
//   - It kills its workers at the end. A file that leaves a timer or a connection open passes there; here it fails,
//     because its process does not end by itself.
//   - If a test ends its process, or hangs, neither the test nor its file is named.
//   - Several files share a process, so a test can depend on what an earlier file has left in it.
import { appendFileSync, closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildIfNeeded } from './build.mjs'
import { installDeployTools } from './deploy-tools.mjs'
import { embedLua } from './embed-lua.mjs'
import { installIfNeeded } from './install.mjs'
import { runScript, runToEnd, SIGNALS, say } from './steps.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const ALL = ['unit', 'integration', 'security', 'package', 'deploy'].map(folder => `test/${folder}/**/*.test.ts`)
const REDIS_KINDS = ['container', 'local', 'valkey']
/**
 * Tests mostly wait: a file needs some third of a core. Each lane has its own ports (test/support/redis-servers.ts).
 * With four or five on two cores two tests failed of 4,500 in two runs of three, as processes waited for a core for long.
 */
const MOST_LANES = 5
const FEWEST_LANES = 3
/** The longest files start first, so that short ones fill the end. */
const LONG = [
  ...[
    'compose',
    'model',
    'cli',
    'doctor',
    'page-playground',
    'redis-trouble',
    'supersede-worker-deaths',
    'crash-points',
  ],
  ...['supersede-crash-points', 'events', 'shutdown', 'package', 'cluster-faults', 'partitions', 'upgrade', 'release'],
]

/** Files that the output names with the time that they took. */
const SLOWEST = 20

async function test() {
  const { kind: wantedKind, mochaArgs, files } = parse(process.argv.slice(2))
  await installIfNeeded()
  await buildIfNeeded()
  embedLua() // The build may be current while the generated file is missing.
  const specs = files.length > 0 ? files : ALL
  const jobs = mochaArgs.length > 0 ? [specs] : jobsOf(specs)
  const lanes = Math.min(lanesAllowed(), jobs.length)
  const needsRedis = !specs.every(isUnit)
  const redis = needsRedis ? await obtain(wantedKind, lanes) : undefined
  // Only CI installs a browser, and the tools of test/deploy. Elsewhere their tests are skipped without them.
  if (needsRedis && process.env.CI) await obtainBrowser()
  if (specs.some(isDeploy) && process.env.CI) await obtainDeployTools()
  try {
    const results = await runAll(jobs, lanes, redis, mochaArgs)
    const sum = name => results.reduce((total, result) => total + result[name], 0)
    if (results.length > SLOWEST) printSlowest(results)
    printFailures(results.flatMap(({ failed }) => failed))
    const where = redis ? `, on ${redis.name}` : ''
    say(`${sum('passes')} passed, ${sum('failures')} failed, ${sum('pending')} skipped${where}`)
    return Math.max(...results.map(({ code }) => code))
  } finally {
    await Promise.all(redis?.servers.map(server => server.stop()) ?? [])
  }
}

function parse(args) {
  const own = args.find(arg => arg.startsWith('--redis='))
  const kind = own?.slice('--redis='.length)
  if (kind !== undefined && !REDIS_KINDS.includes(kind))
    throw new Error(`--redis=${kind}: it must be one of ${REDIS_KINDS.join(', ')}`)
  const rest = args.filter(arg => arg !== own)
  const isFile = arg => arg.startsWith('test/') || arg.endsWith('.test.ts')
  return { kind, files: rest.filter(isFile), mochaArgs: rest.filter(arg => !isFile(arg)) }
}

function lanesAllowed() {
  const usual = Math.max(FEWEST_LANES, Math.min(MOST_LANES, availableParallelism()))
  const { LULL_TEST_LANES: wanted = usual } = process.env
  if (Number.isInteger(Number(wanted)) && wanted >= 1 && wanted <= MOST_LANES) return Number(wanted)
  throw new Error(`LULL_TEST_LANES=${wanted}: it must be a whole number from 1 to ${MOST_LANES}`)
}

/** The files of each mocha process: one, or all unit tests, which are quick. */
function jobsOf(specs) {
  const files = specs.flatMap(filesOf)
  const long = LONG.flatMap(name => files.filter(file => file.endsWith(`/${name}.test.ts`) && !isUnit(file)))
  const short = files.filter(file => !isUnit(file) && !long.includes(file))
  const unit = files.filter(isUnit)
  return [...long.map(file => [file]), ...(unit.length > 0 ? [unit] : []), ...short.map(file => [file])]
}

const isUnit = file => file.startsWith('test/unit/')
const isDeploy = file => file.startsWith('test/deploy/')

function filesOf(spec) {
  const folder = /^(test\/\w+)\/\*\*\/\*\.test\.ts$/.exec(spec)?.[1]
  if (folder === undefined) return [spec]
  const entries = readdirSync(join(root, folder), { recursive: true }).sort()
  return entries.filter(entry => entry.endsWith('.test.ts')).map(entry => `${folder}/${entry}`)
}

/** Resolves to the results of the jobs. After a signal no further job starts. */
async function runAll(jobs, lanes, redis, mochaArgs) {
  const folder = mkdtempSync(join(tmpdir(), 'lull-test-'))
  const waiting = [...jobs.entries()]
  const results = []
  const stop = () => void waiting.splice(0)
  for (const signal of SIGNALS) process.on(signal, stop)
  const runLane = async lane => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [i, files] = next
      const job = { files, mochaArgs, lane, report: join(folder, `${i}.json`) }
      const startedAtMs = performance.now()
      const result = await runJob(job, redis, lanes > 1 ? join(folder, `${i}.log`) : undefined)
      results.push({ ...result, files, tookMs: performance.now() - startedAtMs })
    }
  }
  try {
    await Promise.all(Array.from({ length: lanes }, (_, lane) => runLane(lane)))
    return results
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop)
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * @param log a file that keeps the output until the job has ended, since jobs run side by side; undefined: shown at
 * once
 */
async function runJob({ files, mochaArgs, lane, report }, redis, log) {
  const env = { ...process.env, LULL_TEST_REPORT: report, LULL_TEST_LANE: String(lane) }
  if (redis) Object.assign(env, { LULL_TEST_REDIS_URL: redis.servers[lane].url, LULL_TEST_REDIS: redis.kind })
  if (redis?.binary) env.LULL_TEST_REDIS_BINARY = redis.binary
  const mocha = join(root, 'node_modules/mocha/bin/mocha.js')
  const args = [...(process.env.CI ? ['--forbid-only'] : []), ...(log && process.stdout.isTTY ? ['--color'] : [])]
  const output = log && openSync(log, 'w')
  const code = await runToEnd(process.execPath, [mocha, ...args, ...mochaArgs, ...files], {
    cwd: root,
    env,
    exitOnSignal: false,
    endWith: 'SIGINT', // The only signal on which mocha ends cleanly.
    ...(log && { stdio: ['ignore', output, output] }),
  })
  if (log) {
    closeSync(output)
    process.stdout.write(readFileSync(log))
  }
  return resultOf({ files, report, code })
}

/** The reporter's results. A run that was cut short, or failed for another reason than a test, adds a failure. */
function resultOf({ files, report, code }) {
  let content = {}
  try {
    content = JSON.parse(readFileSync(report, 'utf8'))
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  const { passes = 0, failures = 0, pending = 0, failed = [], now } = content
  const isOver = content.passes !== undefined && now === undefined
  if (isOver && (code === 0 || failures > 0)) return { code, passes, failures, pending, failed }
  const what = files.length === 1 ? files[0] : 'the tests'
  const why = now === undefined ? `${what} ended with ${code}: see above` : `${what} ended during: ${now}`
  // Mocha exits with 0 when a signal has ended it.
  return { code: code || 1, passes, failures: failures + 1, pending, failed: [...failed, why] }
}

/** They decide how long all of it takes: see `LONG`. */
function printSlowest(results) {
  const slowest = results.toSorted((a, b) => b.tookMs - a.tookMs).slice(0, SLOWEST)
  const texts = slowest.map(
    ({ files, tookMs }) => `${files.length > 1 ? 'unit' : files[0]} ${Math.round(tookMs / 1000)} s`,
  )
  say(`the slowest: ${texts.join(', ')}`)
}

function printFailures(failed) {
  if (failed.length === 0) return
  const text = `${failed.map((failure, i) => `  ${i + 1}) ${failure}`).join('\n\n')}\n`
  process.stderr.write(`\nlull: what failed:\n\n${text}\n`)
  if (process.env.LULL_TEST_FAILURES) appendFileSync(process.env.LULL_TEST_FAILURES, text)
}

/** In TypeScript, shared with the tests that start their own servers. */
async function obtain(kind, count) {
  const { tsImport } = await import('tsx/esm/api')
  const { obtainRedis } = await tsImport('../test/support/obtain-redis.ts', import.meta.url)
  return obtainRedis(say, count, kind)
}

async function obtainDeployTools() {
  try {
    await installDeployTools()
  } catch (error) {
    say(`no tools for the tests of deployment: ${error.message}`)
  }
}

async function obtainBrowser() {
  const { tsImport } = await import('tsx/esm/api')
  const { obtainChromium } = await tsImport('../test/support/browser.ts', import.meta.url)
  await obtainChromium(say)
}

await runScript(test)
// The client of a container engine keeps its connection open.
process.exit()

// `npm test`: installs what is missing, builds what has changed, gets a Redis and runs the tests on it.
//
//     npm test                                    all of them
//     npm test -- test/unit/config.test.ts        these
//     npm test -- --grep ttl --redis=container    other options are mocha's; --redis=container|local insists on one kind
//     LULL_TEST_LANES=1 npm test                  one file after the other
//
// Most tests wait most of the time: the files run in lanes side by side, each lane with a Redis of its own, each file in a
// mocha process of its own, whose output is shown when it has ended. With options of mocha's all is one process.
// What failed stands once more at the end of the output, and in the file that LULL_TEST_FAILURES names.
import { appendFileSync, closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildIfNeeded } from './build.mjs'
import { embedLua } from './embed-lua.mjs'
import { installIfNeeded } from './install.mjs'
import { runScript, runToEnd, SIGNALS, say } from './steps.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const ALL = ['unit', 'integration', 'package'].map(folder => `test/${folder}/**/*.test.ts`)
const REDIS_KINDS = ['container', 'local']
/** Three on two cores: they wait for most of their time. Each has ports of its own (test/support/redis-servers.ts). */
const MOST_LANES = 3
/** What takes longest is begun first, to end with what is short. */
const LONG = ['page', 'cli', 'doctor', 'redis-trouble', 'model', 'crash-points', 'events', 'shutdown', 'package']

async function test() {
  const { kind: wantedKind, mochaArgs, files } = parse(process.argv.slice(2))
  await installIfNeeded()
  await buildIfNeeded()
  embedLua() // A build that is up to date may have been made elsewhere.
  const specs = files.length > 0 ? files : ALL
  const jobs = mochaArgs.length > 0 ? [specs] : jobsOf(specs)
  const lanes = Math.min(lanesAllowed(), jobs.length)
  const needsRedis = !specs.every(isUnit)
  const redis = needsRedis ? await obtain(wantedKind, lanes) : undefined
  // A browser is a lot to install on somebody's own machine: there its tests are skipped without one.
  if (needsRedis && process.env.CI) await obtainBrowser()
  try {
    const results = await runAll(jobs, lanes, redis, mochaArgs)
    const sum = name => results.reduce((total, result) => total + result[name], 0)
    tellFailures(results.flatMap(({ failed }) => failed))
    const where = redis ? `, on Redis from a ${redis.kind === 'container' ? 'container' : 'local binary'}` : ''
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
  const { LULL_TEST_LANES: wanted = MOST_LANES } = process.env
  if (Number.isInteger(Number(wanted)) && wanted >= 1 && wanted <= MOST_LANES) return Number(wanted)
  throw new Error(`LULL_TEST_LANES=${wanted}: it must be a whole number from 1 to ${MOST_LANES}`)
}

/** What one mocha process each runs: a file, or all unit tests, which are quick. */
function jobsOf(specs) {
  const files = specs.flatMap(filesOf)
  const long = LONG.flatMap(name => files.filter(file => file.endsWith(`/${name}.test.ts`) && !isUnit(file)))
  const short = files.filter(file => !isUnit(file) && !long.includes(file))
  const unit = files.filter(isUnit)
  return [...long.map(file => [file]), ...(unit.length > 0 ? [unit] : []), ...short.map(file => [file])]
}

const isUnit = file => file.startsWith('test/unit/')

function filesOf(spec) {
  const folder = /^(test\/\w+)\/\*\*\/\*\.test\.ts$/.exec(spec)?.[1]
  if (folder === undefined) return [spec]
  const entries = readdirSync(join(root, folder), { recursive: true }).sort()
  return entries.filter(entry => entry.endsWith('.test.ts')).map(entry => `${folder}/${entry}`)
}

/** Resolves to the result of each job. After a signal no other is begun. */
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
      results.push(await runJob(job, redis, lanes > 1 ? join(folder, `${i}.log`) : undefined))
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

/** @param log where its output waits for its end, not to be mixed with another's; undefined: it is shown as it comes */
async function runJob({ files, mochaArgs, lane, report }, redis, log) {
  const env = { ...process.env, LULL_TEST_REPORT: report, LULL_TEST_LANE: String(lane) }
  if (redis) Object.assign(env, { LULL_TEST_REDIS_URL: redis.servers[lane].url, LULL_TEST_REDIS: redis.kind })
  const mocha = join(root, 'node_modules/mocha/bin/mocha.js')
  const args = [...(process.env.CI ? ['--forbid-only'] : []), ...(log && process.stdout.isTTY ? ['--color'] : [])]
  const output = log && openSync(log, 'w')
  const code = await runToEnd(process.execPath, [mocha, ...args, ...mochaArgs, ...files], {
    cwd: root,
    env,
    exitOnSignal: false,
    endWith: 'SIGINT', // Mocha passes on no other.
    ...(log && { stdio: ['ignore', output, output] }),
  })
  if (log) {
    closeSync(output)
    process.stdout.write(readFileSync(log))
  }
  return resultOf({ files, report, code })
}

/** What the reporter has left. A run that did not get to its end, or fails for another reason than a test, is a failure too. */
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
  const why = now === undefined ? `${what} ended with ${code}: see above` : `${what} did not get beyond: ${now}`
  // Of a mocha that a signal has ended the exit code is 0.
  return { code: code || 1, passes, failures: failures + 1, pending, failed: [...failed, why] }
}

function tellFailures(failed) {
  if (failed.length === 0) return
  const text = `${failed.map((failure, i) => `  ${i + 1}) ${failure}`).join('\n\n')}\n`
  process.stderr.write(`\nlull: what failed:\n\n${text}\n`)
  if (process.env.LULL_TEST_FAILURES) appendFileSync(process.env.LULL_TEST_FAILURES, text)
}

/** Written in TypeScript, as the tests that start servers of their own are. */
async function obtain(kind, count) {
  const { tsImport } = await import('tsx/esm/api')
  const { obtainRedis } = await tsImport('../test/support/obtain-redis.ts', import.meta.url)
  return obtainRedis(say, count, kind)
}

async function obtainBrowser() {
  const { tsImport } = await import('tsx/esm/api')
  const { obtainChromium } = await tsImport('../test/support/browser.ts', import.meta.url)
  await obtainChromium(say)
}

await runScript(test)
// A container engine's client keeps its connection open; there is nothing left to wait for.
process.exit()

// `npm test`: installs what is missing, builds what has changed, gets a Redis and runs the tests on it.
//
//     npm test                                    all of them
//     npm test -- test/unit/config.test.ts        these
//     npm test -- --grep ttl --redis=container    other options are mocha's; --redis=container|local insists on one kind
//
// What failed stands once more at the end of the output, and in the file that LULL_TEST_FAILURES names.
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildIfNeeded } from './build.mjs'
import { installIfNeeded } from './install.mjs'
import { runScript, runToEnd, say } from './steps.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const ALL = ['unit', 'integration', 'package'].map(folder => `test/${folder}/**/*.test.ts`)
const REDIS_KINDS = ['container', 'local']

async function test() {
  const { kind: wantedKind, mochaArgs, files } = parse(process.argv.slice(2))
  await installIfNeeded()
  await buildIfNeeded()
  const specs = files.length > 0 ? files : ALL
  const isUnit = specs.every(spec => spec.startsWith('test/unit/'))
  const redis = isUnit ? undefined : await obtain(wantedKind)
  // A browser is a lot to install on somebody's own machine: there its tests are skipped without one.
  if (!isUnit && process.env.CI) await obtainBrowser()
  const folder = mkdtempSync(join(tmpdir(), 'lull-test-'))
  const report = join(folder, 'report.json')
  try {
    const env = { ...process.env, LULL_TEST_REPORT: report }
    if (redis) Object.assign(env, { LULL_TEST_REDIS_URL: redis.server.url, LULL_TEST_REDIS: redis.kind })
    const mocha = join(root, 'node_modules/mocha/bin/mocha.js')
    const ci = process.env.CI ? ['--forbid-only'] : []
    const code = await runToEnd(process.execPath, [mocha, ...ci, ...mochaArgs, ...specs], {
      cwd: root,
      env,
      exitOnSignal: false,
      endWith: 'SIGINT', // Mocha passes on no other.
    })
    const result = resultOf(report, code)
    tellFailures(result.failed)
    const where = redis ? `, on Redis from a ${redis.kind === 'container' ? 'container' : 'local binary'}` : ''
    say(`${result.passes} passed, ${result.failures} failed, ${result.pending} skipped${where}`)
    return code
  } finally {
    await redis?.server.stop()
    rmSync(folder, { recursive: true, force: true })
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

/** Written in TypeScript, as the tests that start servers of their own are. */
async function obtain(kind) {
  const { tsImport } = await import('tsx/esm/api')
  const { obtainRedis } = await tsImport('../test/support/obtain-redis.ts', import.meta.url)
  return obtainRedis(say, kind)
}

async function obtainBrowser() {
  const { tsImport } = await import('tsx/esm/api')
  const { obtainChromium } = await tsImport('../test/support/browser.ts', import.meta.url)
  await obtainChromium(say)
}

/** What the reporter has left. A run that did not get to its end, or fails for another reason than a test, is a failure too. */
function resultOf(report, code) {
  let content = {}
  try {
    content = JSON.parse(readFileSync(report, 'utf8'))
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  const { passes = 0, failures = 0, pending = 0, failed = [], now } = content
  if (code === 0 || (failures > 0 && now === undefined)) return { passes, failures, pending, failed }
  const why = now === undefined ? `the tests ended with ${code}: see above` : `the tests did not get beyond: ${now}`
  return { passes, failures: failures + 1, pending, failed: [...failed, why] }
}

function tellFailures(failed) {
  if (failed.length === 0) return
  const text = `${failed.map((failure, i) => `  ${i + 1}) ${failure}`).join('\n\n')}\n`
  process.stderr.write(`\nlull: what failed:\n\n${text}\n`)
  if (process.env.LULL_TEST_FAILURES) appendFileSync(process.env.LULL_TEST_FAILURES, text)
}

await runScript(test)
// A container engine's client keeps its connection open; there is nothing left to wait for.
process.exit()

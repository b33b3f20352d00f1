/**
 * Compares what a message costs now with what it cost when baseline.json was written: counts, so that a busy machine
 * says the same as a quiet one.
 */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Counts, Measured } from './counts.js'

const BASELINE = new URL('baseline.json', import.meta.url)
/** In MiB. What is allocated in a run fits into it. */
const YOUNG_GENERATION = 256

interface Baseline {
  /** Another version of Node allocates otherwise. */
  node: string
  measured: Measured
}

interface Bound {
  title: string
  /** How much more than the baseline is no growth: repeated runs differ by less. */
  tolerance: number
  digits: number
}

const BOUNDS: Record<keyof Counts, Bound> = {
  commands: { title: 'Redis commands', tolerance: 0.03, digits: 2 },
  roundTrips: { title: 'round trips', tolerance: 0.05, digits: 2 },
  redisBytes: { title: 'bytes to and from Redis', tolerance: 0.05, digits: 0 },
  allocatedBytes: { title: 'bytes allocated', tolerance: 0.1, digits: 0 },
}

const major = process.versions.node.split('.')[0] ?? ''

/** Writes the baseline. */
export async function remember(): Promise<void> {
  const baseline: Baseline = { node: major, measured: await measure() }
  await writeFile(BASELINE, `${JSON.stringify(baseline, null, 2)}\n`)
  console.log(`written: ${fileURLToPath(BASELINE)}`)
}

/** Prints a line for each figure. Resolves to whether none has grown. */
export async function guard(): Promise<boolean> {
  const baseline: Baseline = JSON.parse(await readFile(BASELINE, 'utf8'))
  const now = await measure()
  let isFine = true
  for (const [way, before] of Object.entries(baseline.measured))
    for (const [name, { title, tolerance, digits }] of entriesOf(BOUNDS)) {
      const was = before[name]
      const is = now[way]?.[name] ?? Number.NaN
      const isComparable = name !== 'allocatedBytes' || baseline.node === major
      const hasGrown = isComparable && !(is <= was * (1 + tolerance))
      if (hasGrown) isFine = false
      const verdict = hasGrown ? 'GREW' : isComparable ? 'ok' : `not compared: the baseline is of Node ${baseline.node}`
      console.log(
        `${way.padEnd(22)} ${title.padEnd(24)} ${is.toFixed(digits).padStart(8)}  (${was.toFixed(digits)} before)  ${verdict}`,
      )
    }
  if (!isFine)
    console.log(
      'A message costs more than before. If that is worth it: npm run bench -- --guard --update, and say why.',
    )
  return isFine
}

const entriesOf = <Key extends string, Value>(record: Record<Key, Value>) =>
  // TypeScript types the keys as strings.
  Object.entries(record) as [Key, Value][]

async function measure(): Promise<Measured> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    `--min-semi-space-size=${YOUNG_GENERATION}`,
    `--max-semi-space-size=${YOUNG_GENERATION}`,
    '--import=tsx',
    fileURLToPath(new URL('measure.ts', import.meta.url)),
  ])
  return JSON.parse(stdout)
}

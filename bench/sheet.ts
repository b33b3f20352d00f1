/**
 * What a large deployment needs, on paper, from the measured rows in docs/bench: prints the tables of
 * docs/performance.md. Each figure names its row.
 *
 *     npm run bench:sheet                        1,000,000 messages a second
 *     npm run bench:sheet -- --rate 50000 --from .lull/bench
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { figuresOf, median, type Result, shown } from './figures.js'

const { values: options } = parseArgs({
  options: {
    rate: { type: 'string', default: '1000000' },
    /** A folder with results. */
    from: { type: 'string', default: fileURLToPath(new URL('../docs/bench', import.meta.url)) },
  },
})
const perSecond = Number(options.rate)
/** The share of a core that is planned for. */
const PLANNED = 0.6
const A_BATCH = 4
const DAY_S = 86_400
const CLUSTER = ', 3 primaries, 64 partitions'
/** Calls are shared by as many messages as there can be, and by as few. */
const SHARED = { file: 'life', rate: '', redis: 'redisUs' }
const ALONE = { file: 'steady', rate: ', 500 a second', redis: 'redis' }
/** Bytes of an id seen, by the messages of a conversation: docs/performance.md, "What the ids take". */
const ID_BYTES = { of4: 63, of20: 30, of80: 27 }
/** Of the benchmark `failover`: a producer and two processors. */
const FAILOVER_PROCESSES = 3
const OPEN_S = 20

const JOB = `erase, ${A_BATCH} messages`
const FAILOVER = '64 partitions'

/** A producer and a processor. */
const CONNECTED = '3 primaries, 64 partitions, 1 processor'
const CONNECTED_PROCESSES = 2
const CONNECTED_PRIMARIES = 3

const results = new Map<string, Result>()

const lines = (way: typeof SHARED) => {
  const cpu = (system: string, key: string) => of(way.file, `${system}${CLUSTER}${way.rate}`, key)
  const line = async (what: string, system: string, key: string) => {
    const us = await cpu(system, key)
    const cores = (perSecond * us) / 1e6
    return { what, source: `\`${way.file}\`: ${system}${CLUSTER}${way.rate}`, us, count: Math.ceil(cores / PLANNED) }
  }
  return Promise.all([
    line('primaries, handing over to a function or a URL', 'Lull', way.redis),
    line('primaries, with the BullMQ queues on them', 'Lull → BullMQ', way.redis),
    line('API processes', 'Lull', 'api'),
    line('processors with a function', 'Lull', 'processor'),
    line('processors with BullMQ', 'Lull → BullMQ', 'processor'),
    line('workers, without the work itself', 'Lull → BullMQ', 'worker'),
  ])
}

const [shared, alone] = await Promise.all([lines(SHARED), lines(ALONE)])
console.log(`${shown(perSecond)} messages a second in batches of ${A_BATCH}, a core used to ${PLANNED}\n`)
console.log('| | calls shared, µs a message | needed | a call each, µs a message | needed |\n|---|--:|--:|--:|--:|')
for (const [i, { what, us, count }] of shared.entries()) {
  const other = alone[i]
  console.log(
    `| ${what} | ${shown(us)} | ${shown(count)} | ${shown(other?.us ?? Number.NaN)} | ${shown(other?.count ?? Number.NaN)} |`,
  )
}
console.log(`\nRows: ${[...new Set([...shared, ...alone].map(({ source }) => source))].join('; ')}\n`)

const batches = perSecond / A_BATCH
const GB = 1e9
const [openBytes, keptJob] = await Promise.all([of('memory', 'Lull', 'bytes'), jobBytes()])
const openNow = batches * OPEN_S
console.log('| memory of all primaries | | GB |\n|---|---|--:|')
console.log(
  `| open conversations, ${OPEN_S} s each | ${shown(openNow)} × ${shown(openBytes)} bytes (\`memory\`: Lull) | ${shown((openNow * openBytes) / GB)} |`,
)
for (const [name, forS] of [
  ['a day', DAY_S],
  ['an hour', 3600],
] as const) {
  console.log(
    `| ids of ${name}, 4 to 20 messages a conversation | ${shown(perSecond * forS)} × ${ID_BYTES.of4} to ${ID_BYTES.of20} bytes | ${shown((perSecond * forS * ID_BYTES.of4) / GB)} to ${shown((perSecond * forS * ID_BYTES.of20) / GB)} |`,
  )
  console.log(
    `| answered batches of ${name}, in BullMQ | ${shown(batches * forS)} × ${shown(keptJob)} bytes (\`memory-jobs\`: ${JOB}, less the ids) | ${shown((batches * forS * keptJob) / GB)} |`,
  )
}

const failover = (key: string) => of('failover', FAILOVER, key)
const [electedMs, ownMs, allMs, commands] = await Promise.all(['electedMs', 'ownMs', 'allMs', 'commands'].map(failover))
const primaries = shared[0]?.count ?? 1
const processes = (shared[2]?.count ?? 0) + (shared[3]?.count ?? 0)
console.log(`\nOne of ${shown(primaries)} primaries fails (\`failover\`: ${FAILOVER}):`)
console.log(`- its share, 1 / ${shown(primaries)}: ${shown(perSecond / primaries)} messages a second`)
console.log(
  `- refused for ${seconds(electedMs)} until a replica is primary (node timeout 2 s; with the default of 15 s some 13 s more), and ${seconds(ownMs)} until appends work there: ${shown(((perSecond / primaries) * (allMs ?? 0)) / 1000)} messages to send again`,
)
const connections = (await of('partitions', CONNECTED, 'connections')) / (CONNECTED_PROCESSES * CONNECTED_PRIMARIES)
console.log(
  `- ${shown(connections)} connections of each process to each primary (\`partitions\`: ${CONNECTED}), so ${shown(connections * processes)} to a primary`,
)
console.log(
  `- ${shown((commands ?? 0) / FAILOVER_PROCESSES)} Redis commands for each of ${shown(processes)} processes, over all primaries: ${shown(((commands ?? 0) / FAILOVER_PROCESSES) * processes)}`,
)

function seconds(ms = Number.NaN): string {
  return `${shown(ms / 1000, 1)} s`
}

/** Of a batch that was answered: the job alone, for the ids have a line of their own. */
async function jobBytes(): Promise<number> {
  return (await of('memory-jobs', JOB, 'bytes')) - A_BATCH * ID_BYTES.of80
}

async function of(file: string, name: string, key: string): Promise<number> {
  const { rows } = await result(file)
  if (!rows.some(row => row.name === name)) throw new Error(`${file}.json has no row "${name}": measure it first`)
  return median(figuresOf(rows, name, key))
}

async function result(file: string): Promise<Result> {
  const known = results.get(file) ?? JSON.parse(await readFile(join(options.from, `${file}.json`), 'utf8'))
  results.set(file, known)
  return known
}

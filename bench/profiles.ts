/** What a process spends its CPU on, from a profile that Node wrote (`--cpu-prof`): the time in functions by their file. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { shown } from './figures.js'

interface Profile {
  /** In µs of the system's monotonic clock, as `process.hrtime` has it. */
  startTime: number
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
}

export interface Share {
  what: string
  /** Of the time in which the process was not idle. */
  share: number
  /** The most expensive functions, the first first. */
  functions: { name: string; share: number }[]
}

/** Which function or file belongs to what; the first that matches. A function of a file is `<its name> <file>`. */
const KINDS: [RegExp, string][] = [
  [/^(writev|writeUtf8String|writeLatin1String|writeBuffer|shutdown)$/, 'the kernel: writes to sockets'],
  [/^\(program\)/, 'libuv, the HTTP parser, the rest of the kernel'],
  [/ node:(internal\/)?(_http|http)/, "Node's HTTP"],
  [
    / node:(net|stream|_stream|internal\/(stream|js_stream|net)|events|buffer|internal\/buffer|string_decoder)|^utf8Slice$/,
    "Node's sockets, streams, events, buffers",
  ],
  [
    /^(runMicrotasks|enqueueMicrotask)$| node:(internal\/(process|async)|async)/,
    'promises: micro-tasks, ticks, async hooks',
  ],
  [/ node:|^(now|scheduleTimer|toggleTimerRef|setupTimers)$/, "Node's timers, hashes, signals, other parts"],
  [/^\(garbage collector\)/, 'garbage collection'],
  // V8 counts JSON.parse and JSON.stringify as a part of the function that calls them.
  [
    /^(parseBody|entryJson|messageFrom|parseJson|asJSON|fromJSON|optsFromJSON) /,
    'JSON: the functions that read and write it',
  ],
  [/\/bullmq\/dist\/|\/(msgpackr|cron-parser|uuid)\//, 'BullMQ'],
  [/\/(ioredis|redis-parser|@ioredis|denque|standard-as-callback|lodash)/, 'ioredis'],
  [/\/zod\//, 'zod'],
  [
    /\/(koa|koa-compose|@koa|on-finished|ee-first|statuses|delegates|http-errors|accepts|type-is|raw-body|bytes|unpipe|iconv-lite|content-disposition|cookies|fresh|vary|parseurl)\//,
    'Koa and its packages',
  ],
  [/ src\/http\//, '`http/`: body, bounds, reply'],
  [/ src\/api\//, '`api/`'],
  [/ src\/providers\//, '`providers/`: the shape of a webhook, validation'],
  [/ src\/webhook\//, '`webhook/`: sender, persons, plan'],
  [/ src\/store\//, '`store/`: arguments, replies, groups'],
  [/ src\/processor\//, '`processor/`'],
  [/ src\/handover\//, '`handover/`'],
  [/ src\/worker\//, '`worker/`'],
  [/ src\/(metrics|observer|logger)|\/(prom-client|pino|sonic-boom|fast-redact)\//, 'metrics and logs'],
  [/ src\//, 'batches, rules, checks'],
  [/\/bench\/|\/tsx\//, 'the benchmark itself'],
]
const OTHERS = 'other parts of V8'

/** A part of a run: from and to, in µs of the monotonic clock. */
export type Span = [fromUs: number, toUs: number]

/** @param spans other times are left out: the start of the process, and the rounds of others */
export async function sharesOf(file: string, spans: Span[]): Promise<Share[]> {
  const { startTime, nodes, samples, timeDeltas }: Profile = JSON.parse(await readFile(file, 'utf8'))
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const bundles = new Bundles()
  const byKind = new Map<string, Map<string, number>>()
  let busy = 0
  let atUs = startTime
  for (const [i, id] of samples.entries()) {
    const { functionName = '', url = '', lineNumber = 0 } = frames.get(id) ?? {}
    const delta = timeDeltas[i] ?? 0
    atUs += delta
    if (functionName === '(idle)' || !spans.some(([fromUs, toUs]) => atUs >= fromUs && atUs < toUs)) continue
    busy += delta
    const place = url === '' ? functionName : await bundles.source(url, lineNumber)
    const name = url === '' ? functionName : `${functionName || '(anonymous)'} ${place}`
    const kind = KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? OTHERS
    const functions = byKind.get(kind) ?? new Map<string, number>()
    byKind.set(kind, functions)
    const line = url === '' ? name : `${name}:${lineNumber + 1}`
    functions.set(line, (functions.get(line) ?? 0) + delta)
  }
  return [...byKind]
    .map(([what, times]) => {
      const functions = [...times]
        .map(([name, time]) => ({ name, share: time / busy }))
        .sort((a, b) => b.share - a.share)
      return { what, share: functions.reduce((sum, { share }) => sum + share, 0), functions }
    })
    .sort((a, b) => b.share - a.share)
}

/** All parts, in the order in which a table shows them. */
export const LAYERS = [...KINDS.map(([, what]) => what), OTHERS]

const FUNCTIONS_SHOWN = 6

/** @param us what all of it takes for one request */
export function linesOf(shares: Share[], us: number): string {
  const line = (share: number, what: string) =>
    `${shown(share * 100, 1).padStart(6)} % ${shown(share * us, 1).padStart(6)} µs  ${what}`
  return shares
    .flatMap(({ what, share, functions }) => [
      line(share, what),
      ...functions.slice(0, FUNCTIONS_SHOWN).map(each => `      ${line(each.share, each.name)}`),
    ])
    .join('\n')
}

/** Finds the source of a line of a bundle: esbuild writes a comment with the file's name before each file. */
class Bundles {
  private readonly lines = new Map<string, Promise<string[]>>()

  async source(url: string, line: number): Promise<string> {
    if (!url.startsWith('file:')) return url
    const path = fileURLToPath(url)
    // Other packages' bundles name their own sources.
    if (!path.includes('/dist/') || path.includes('/node_modules/')) return path
    const lines = this.lines.get(path) ?? sourcesIn(path)
    this.lines.set(path, lines)
    return (await lines)[line] ?? path
  }
}

/** For each line of a bundle the file it comes from. */
async function sourcesIn(path: string): Promise<string[]> {
  let source = path
  return (await readFile(path, 'utf8')).split('\n').map(line => {
    const found = /^\s*\/\/ (?:\.\.\/\S*?)?((?:src|node_modules)\/\S+)$/.exec(line)?.[1]
    if (found !== undefined) source = found.startsWith('node_modules') ? `/${found}` : found
    return source
  })
}

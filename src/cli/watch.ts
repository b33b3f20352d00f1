/** `lull watch`: a line for each step of every batch's life, as it happens, until interrupted. */
import type { Config } from '../config.js'
import type { Logger } from '../logger.js'
import { processName } from '../process-name.js'
import type { Growth, HistoryEntry } from '../store/store.js'
import { storeFrom } from '../store/store-options.js'
import type { Lifecycle } from './lifecycle.js'
import { clean, jsonLine } from './show/escape.js'
import { type Paint, paintFor } from './show/paint.js'
import { print } from './show/print.js'
import { saying, timeOfDay, wrapped } from './show/words.js'

export interface WatchOptions {
  config: Config
  log: Logger
  lifecycle: Lifecycle
  /** One JSON object a line. */
  json: boolean
  /** Shows only this conversation, under all of the person's ids that are known at the start. */
  conversationId?: string
}

/** Resolves when the watch has begun. @throws one line that names what is wrong with the Redis and the remedy */
export async function startWatch({ config, log, lifecycle, json, conversationId }: WatchOptions): Promise<void> {
  const { redis, prefix, rules, partitions } = config
  const store = storeFrom({ redis, prefix, ...rules, partitions, log, name: processName('watch') }, 'watch')
  await lifecycle.add('the watch', () => store.close())
  const { address, db, partitions: divided } = await store.open()
  const { stdout, stderr } = process
  const paint = paintFor(stdout)
  // The reader of the pipe has ended (`lull watch | head`), so the watch ends too.
  stdout.once('error', error => lifecycle.fail(error))
  const ids = conversationId === undefined ? undefined : await store.samePerson(conversationId)
  const show = (entry: HistoryEntry) => {
    if (ids !== undefined && !ids.includes(entry.conversationId)) return
    print(json ? jsonLine(entry) : lineFor(entry, paint, stdout.isTTY ? stdout.columns : undefined))
  }
  await store.follow(show)
  const leave = await store.followGrowth({
    grew: ({ added, atMs, ...grown }) => {
      if (added !== undefined && atMs !== undefined) show(asStep(grown, atMs))
    },
    missed: () => {},
  })
  await lifecycle.add('the watch of growing batches', leave)
  const place = `database ${db}, prefix ${prefix}${divided === undefined ? '' : `, ${divided} partitions`}`
  if (!json) print(`watching ${address}, ${place}; Ctrl-C ends it`, stderr)
}

/** The history has no step for a message that joins an open batch. The watch shows it like one. */
function asStep({ conversationId, batchId, count }: Growth, atMs: number): HistoryEntry {
  return {
    id: `${atMs}-0-${batchId}-${count}`,
    atMs,
    step: 'appended',
    conversationId,
    batchId,
    detail: { count: String(count) },
  }
}

const COLOURS: Readonly<Record<string, Parameters<Paint>[0]>> = {
  opened: 'cyan',
  claimed: 'green',
  committed: 'green',
  answered: 'green',
  superseded: 'yellow',
  pause: 'yellow',
  held: 'yellow',
  paused: 'yellow',
  resumed: 'green',
  reclaimed: 'yellow',
  'given-back': 'yellow',
  nacked: 'yellow',
  dropped: 'yellow',
  vanished: 'red',
  dead: 'red',
}

const LONGEST_STEP = 11
const USUAL_CONVERSATION = 20
/** Time, step, and the spaces behind them; a continued line is indented by two more. */
const CONTINUED_AT = 12 + 2 + LONGEST_STEP + 2 + 2

/**
 * `06:12:03.021  claimed      79990000011@c.us      gap, 4 messages, 2 ms late, by processor.shop1.4712`
 * @param columns of the terminal: longer text continues on the next line, and ids stay whole. Absent: one line
 */
export function lineFor(entry: HistoryEntry, paint: Paint, columns: number | undefined): string {
  const step = clean(entry.step).padEnd(LONGEST_STEP)
  const name = clean(entry.conversationId).padEnd(columns === undefined ? 0 : USUAL_CONVERSATION)
  const after = `${name}  ${saying(entry)}`.trimEnd()
  const [first = '', ...more] = columns === undefined ? [after] : wrapped(after, columns - CONTINUED_AT)
  const colour = COLOURS[entry.step]
  return [
    `${paint('dim', timeOfDay(entry.atMs))}  ${colour ? paint(colour, step) : step}  ${first.trimEnd()}`,
    ...more.map(line => ' '.repeat(CONTINUED_AT) + line.trim()),
  ].join('\n')
}

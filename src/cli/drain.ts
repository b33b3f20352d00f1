/**
 * `lull drain`: no process accepts messages, and what waits is handed over, until nothing is left: then the partitions
 * may change. `--end` ends it. `--relayout` removes the layout, if nothing is left.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config.js'
import { counted } from '../doctor/finding.js'
import { processName } from '../process-name.js'
import { beginDrain, endDrain, forgetLayout, isDraining } from '../store/partitioned/drain.js'
import { isEmpty, type Remaining, remainingIn } from '../store/partitioned/remaining.js'
import { PartitionedStore } from '../store/partitioned/store.js'
import { StoreUnavailable } from '../store/store.js'
import { NothingDone } from './nothing-done.js'
import { clean } from './show/escape.js'
import { print, printText } from './show/print.js'

const LOOK_EVERY_MS = 1000
/** Looks in a row that find nothing. Meanwhile every process has noticed the drain, and its last append has ended. */
const EMPTY_LOOKS = 4
const MOST_NAMED = 3
const CLEAR_LINE = '\r\u001b[K'
const USUAL_COLUMNS = 80
const SIGNALS = ['SIGINT', 'SIGTERM'] as const

export interface DrainOptions {
  end?: boolean
  relayout?: boolean
}

/** Resolves to the last line of its output. @throws {NothingDone} if there is no drain to end, or something is left */
export async function drain(config: Config, { end = false, relayout = false }: DrainOptions): Promise<string> {
  const { redis, prefix, rules, partitions, waitReplicas } = config
  const options = { redis, prefix, rules, partitions, waitReplicas, role: 'drain', name: processName('drain') }
  const store = new PartitionedStore(options)
  try {
    await store.open()
    if (relayout) return await forget(store, prefix)
    if (!end) return await drainAll(store)
    if (!(await isDraining(store))) throw new NothingDone('the store does not drain')
    await endDrain(store)
    return 'the drain has ended: messages are accepted again, within a second'
  } finally {
    await store.close()
  }
}

async function drainAll(store: PartitionedStore): Promise<string> {
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  for (const signal of SIGNALS) process.once(signal, interrupt)
  const progress = new Progress()
  try {
    await beginDrain(store)
    print('draining: no process accepts messages (503), and what waits is handed over; Ctrl-C stops this display')
    for (let empty = 0; empty < EMPTY_LOOKS; ) {
      const left = await look(store)
      if (typeof left === 'string') {
        progress.show(left)
        empty = 0
      } else {
        empty = isEmpty(left) ? empty + 1 : 0
        progress.show(lineFor(left), needsYou(left))
      }
      await delay(LOOK_EVERY_MS, undefined, { signal: interrupted.signal })
    }
    progress.end()
    return `nothing waits, and nothing is under way. Still no messages are accepted: ${next(store)}; lull drain --end goes back`
  } catch (error) {
    progress.end()
    if (!interrupted.signal.aborted) throw error
    throw new Error('the drain goes on: no messages are accepted until lull drain --end; lull drain shows what is left')
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt)
  }
}

/** Resolves to what is left, or to why that cannot be read now. */
async function look(store: PartitionedStore): Promise<Remaining | string> {
  try {
    return await remainingIn(store)
  } catch (error) {
    if (error instanceof StoreUnavailable) return `cannot see what is left, trying again: ${clean(error.message)}`
    throw error
  }
}

const next = ({ layoutSinceMs }: PartitionedStore) =>
  layoutSinceMs === undefined
    ? 'stop all processes, and start them with LULL_PARTITIONS or another Redis'
    : 'stop all processes, then lull drain --relayout, or start them on another Redis'

async function forget(store: PartitionedStore, prefix: string): Promise<string> {
  if (store.layoutSinceMs === undefined)
    throw new NothingDone(
      'this store has no partitions, so no layout is to be removed: set LULL_PARTITIONS when it is drained',
    )
  if (!(await isDraining(store)))
    throw new NothingDone('the store does not drain, so messages may come: lull drain first')
  const left = await remainingIn(store)
  if (!isEmpty(left)) throw new NothingDone(`not while something is left: ${lineFor(left)}`)
  await forgetLayout(store, prefix)
  return 'the layout is removed: change LULL_PARTITIONS before you start a process or call another command'
}

const lineFor = ({ open, held, dead }: Remaining): string =>
  [
    counted(open, 'conversation waits', 'conversations wait'),
    counted(held, 'batch is under way', 'batches are under way'),
    ...(dead > 0 ? [counted(dead, 'dead batch', 'dead batches')] : []),
  ].join(', ')

/** What does not end by itself, or not soon; empty if there is nothing of that kind. */
function needsYou({ dead, collecting }: Remaining): string {
  const named = collecting.slice(0, MOST_NAMED).map(clean).join(', ')
  const more = collecting.length > MOST_NAMED ? ', …' : ''
  const what = [
    ...(dead > 0 ? ['dead batches: lull dead lists them, and ends them by redrive or discard'] : []),
    ...(named === '' ? [] : [`paused conversations that collect: lull resume ${named}${more}`]),
  ]
  return what.length === 0 ? '' : `this waits for you: ${what.join('; ')}`
}

/** One line that changes, on a terminal; elsewhere a line for each change. Before it, what needs a person. */
class Progress {
  private shown = ''
  private needs = ''

  show(line: string, needs = ''): void {
    if (needs !== this.needs && needs !== '') {
      if (process.stdout.isTTY) process.stdout.write(CLEAR_LINE)
      print(needs)
      this.shown = ''
    }
    this.needs = needs
    if (line === this.shown) return
    this.shown = line
    const { isTTY, columns } = process.stdout
    // Some terminals do not know their width and say 0.
    if (isTTY) process.stdout.write(`${CLEAR_LINE}${line.slice(0, (columns || USUAL_COLUMNS) - 1)}`)
    else print(line)
  }

  end(): void {
    if (process.stdout.isTTY && this.shown !== '') printText('\n')
  }
}

/**
 * Measures how soon people get their reply, and whether it answers all that they had to say. Replays when people
 * wrote, in compressed time, with a handler that works for 8 s or 15 s. Compares waiting for the quiet gap before the
 * work with early start (`answering: 'supersede'`, `earlyStartMs`), and with peers.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Child, replies, type Work } from '../children.js'
import { type Column, figuresOf, median, type Result, Rows, ratio, shown } from '../figures.js'
import { BULLMQ, CHAT_SDK_BURST, CHAT_SDK_DEBOUNCE, LULL, LULL_COMMITTING, THIRTY_LINES } from '../peers/all.js'
import { type Played, play, playWindow, type Way } from '../replies/arithmetic.js'
import { Outcome } from '../replies/outcome.js'
import { FASTER, scaled, sendingsOf, warmUp } from '../replies/replay.js'
import { LONGEST_PAUSE_S, sampleTurns, type Turn } from '../replies/turns.js'
import { startRedis } from '../servers.js'
import { turns as inTurn, type Plan, settingsFor } from './benchmark.js'

const GAP_S = 10
/** Lull's default. */
const MAX_WAIT_S = 60
const WORK_S = 8
const LONG_WORK_S = 15
const MOST_ROUNDS = 3
const TURNS_A_SET = 600
const SETTLE_MS = 5000
const LOOK_MS = 50
/** So many slots that no batch waits for one. */
const CONCURRENCY = 1000

const COLUMNS: Column[] = [
  { key: 'mean', title: 'reply after, s', digits: 1, ratio: true },
  { key: 'p50', title: 'p50', digits: 1 },
  { key: 'p90', title: 'p90', digits: 1 },
  { key: 'split', title: 'turns split, %', digits: 1, ratio: true },
  { key: 'computed', title: 'by arithmetic, %', digits: 1 },
  { key: 'runs', title: 'runs a turn', digits: 2, ratio: true },
  { key: 'wasted', title: 'of them wasted', digits: 2 },
  { key: 'slot', title: 'slot a turn, s', digits: 1 },
]

interface Setting {
  name: string
  peer: string
  supersede?: boolean
  earlyS?: number
  /** Of a fixed window from the first message: the time from an answer to the next. */
  againS?: number
}

const WAIT: Setting = { name: `Lull: wait ${GAP_S} s, then work`, peer: LULL }
const early = (earlyS: number): Setting => ({
  name: `Lull: work from ${earlyS} s on`,
  peer: LULL,
  supersede: true,
  earlyS,
})
const SETTINGS: Setting[] = [
  WAIT,
  ...[1, 2, 3, 5].map(early),
  { name: `Lull: wait ${GAP_S} s, withdraw`, peer: LULL, supersede: true },
  { ...early(2), name: 'Lull → BullMQ: work from 2 s on', peer: LULL_COMMITTING },
  { name: BULLMQ, peer: BULLMQ },
  { name: CHAT_SDK_DEBOUNCE, peer: CHAT_SDK_DEBOUNCE, againS: GAP_S },
  { name: CHAT_SDK_BURST, peer: CHAT_SDK_BURST, againS: 0 },
  { name: THIRTY_LINES, peer: THIRTY_LINES },
]
/** The one that the aims are about. */
const CHOSEN = early(2)
const isLull = ({ peer }: Pick<Setting, 'peer'>) => peer === LULL || peer === LULL_COMMITTING

export async function replyBenchmark(plan: Plan): Promise<Result[]> {
  const sample = await sampleTurns(plan.quick ? 100 : TURNS_A_SET)
  const settings = plan.quick ? [WAIT, CHOSEN] : SETTINGS
  const results = [await compare(plan, sample, settings, WORK_S)]
  if (!plan.quick) results.push(await compare(plan, sample, [WAIT, CHOSEN], LONG_WORK_S))
  return results
}

async function compare(plan: Plan, sample: Turn[], settings: Setting[], workS: number): Promise<Result> {
  const rows = new Rows()
  for (let round = 0; round < Math.min(plan.rounds, MOST_ROUNDS); round++)
    for (const setting of inTurn(settings, round)) {
      plan.say(`reply, ${workS} s of work, round ${round + 1}: ${setting.name}`)
      rows.add(setting.name, await oneRound(setting, sample, workS))
    }
  rows.rows.sort(
    (a, b) => settings.findIndex(one => one.name === a.name) - settings.findIndex(one => one.name === b.name),
  )
  const of = (key: string) => ratio(rows.rows, CHOSEN.name, WAIT.name, key)
  const aim = (text: string, key: string, most: number) => ({
    text: `${CHOSEN.name.replace('Lull: ', '')}: ${text} ≤ ${shown(most, 1)} of waiting first`,
    found: shown(of(key), 2),
    met: of(key) <= most,
  })
  const wrong = settings.filter(isLull).flatMap(({ name }) => figuresOf(rows.rows, name, 'wrong'))
  const off = Math.max(
    ...settings
      .map(({ name }) =>
        Math.abs(median(figuresOf(rows.rows, name, 'split')) - median(figuresOf(rows.rows, name, 'computed'))),
      )
      .filter(Number.isFinite),
  )
  return {
    id: workS === WORK_S ? 'reply' : `reply-${workS}s`,
    title: `Replies: an answer takes ${workS} s`,
    about:
      `${shown(sample.length)} turns (${shown(sample.flat().length)} messages; a pause over ${LONGEST_PAUSE_S} s ` +
      `begins another turn) of three public sets of chats, replayed ${FASTER} times faster; quiet gap ${GAP_S} s, ` +
      `max wait ${MAX_WAIT_S} s. Reply: from the last message of a turn to the answer that has it (mean, p50, p90). ` +
      'Split: a turn whose messages are in more than one answer that was sent. ' +
      'Wasted: runs whose answer was never sent. ' +
      'Slot: how long a turn occupies slots of `concurrency`, waiting in `commit()` included. ' +
      'Times are in seconds of the conversation.',
    columns: COLUMNS,
    rows: rows.rows,
    against: WAIT.name,
    aims: [
      aim('reply', 'mean', 0.6),
      aim('turns split', 'split', 1),
      aim('runs a turn', 'runs', 1.2),
      {
        text: 'Lull: messages that are not in exactly one answer that was sent',
        found: shown(Math.max(...wrong)),
        met: wrong.every(count => count === 0),
      },
      { text: 'turns split as by arithmetic, ± 1 percentage point', found: `± ${shown(off, 1)}`, met: off <= 1 },
    ],
    draw: { key: 'mean', unit: 'seconds from the last message to the reply' },
  }
}

async function oneRound(setting: Setting, sample: Turn[], workS: number) {
  const { peer, supersede = false, earlyS = 0 } = setting
  const server = await startRedis()
  const outcome = new Outcome(sample)
  const settings = {
    ...settingsFor(server.url, {
      gapMs: scaled(GAP_S),
      concurrency: CONCURRENCY,
      maxWaitMs: scaled(MAX_WAIT_S),
      supersede,
      earlyStartMs: scaled(earlyS),
    }),
    workMs: scaled(workS),
  }
  const onWork = (work: Work) => outcome.add(work)
  const producer = await Child.start('producer', peer, settings, onWork)
  const consumer = await Child.start('consumer', peer, settings, onWork)
  await producer.ask({ kind: 'replay', plan: warmUp() }, replies.sent)
  const replayed = sendingsOf(sample)
  const sent = await producer.ask({ kind: 'replay', plan: replayed.map(({ order }) => order) }, replies.sent)
  for (const [i, { turn, isLast }] of replayed.entries()) if (isLast) outcome.lastSentAtMs[turn] = sent[i] ?? Number.NaN
  const deadline = Date.now() + scaled(MAX_WAIT_S) + SETTLE_MS
  while (!outcome.isComplete && Date.now() < deadline) await delay(LOOK_MS)
  await Promise.all([producer.stop(), consumer.stop()])
  await server.stop()
  const rules = rulesOf(setting, workS)
  const splits = sample.filter(turn => rules && rules(turn).answers > 1).length
  const computed = rules ? (splits / sample.length) * 100 : Number.NaN
  return { ...outcome.figures(), computed }
}

/** What becomes of a turn by arithmetic; `undefined` for the other peers, which do not hold a conversation. */
function rulesOf(setting: Setting, workS: number): ((turn: Turn) => Played) | undefined {
  const { supersede = false, earlyS = GAP_S, againS } = setting
  if (againS !== undefined) return turn => playWindow(turn, { window: GAP_S, work: workS, again: againS })
  if (!isLull(setting)) return undefined
  const way: Way = { gap: GAP_S, work: workS, maxWait: MAX_WAIT_S, supersede, earlyStart: earlyS }
  return turn => play(turn, way)
}

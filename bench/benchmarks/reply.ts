/**
 * Measures how soon people get their reply, and whether it answers all that they had to say. Replays when people
 * wrote, in compressed time, with a handler that works for 8 s or 15 s. Compares waiting for the quiet gap before the work
 * with early start (`answering: 'supersede'`, `earlyStartMs`), and with peers.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Child, replies, type Work } from '../children.js'
import { at, type Column, figuresOf, median, type Result, Rows, ratio, shown } from '../figures.js'
import { BULLMQ, LULL, THIRTY_LINES } from '../peers/all.js'
import { play, type Way } from '../replies/arithmetic.js'
import { LONGEST_PAUSE_S, sampleTurns, seeded, type Turn } from '../replies/turns.js'
import { startRedis } from '../servers.js'
import { turns as inTurn, type Plan, settingsFor } from './benchmark.js'

/** A second of a conversation takes 40 ms here, so lateness of 5 ms counts as 0.125 s. */
const FASTER = 25
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
const WARM_TURNS = 200

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
  { name: BULLMQ, peer: BULLMQ },
  { name: THIRTY_LINES, peer: THIRTY_LINES },
]
/** The one that the aims are about. */
const CHOSEN = early(2)

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
      'Split: a turn whose messages are in more than one answer that was sent. Wasted: runs whose answer was never sent. ' +
      'Slot: how long a turn occupies slots of `concurrency`, waiting in `commit()` included. ' +
      'Times are in seconds of the conversation.',
    columns: COLUMNS,
    rows: rows.rows,
    against: WAIT.name,
    aims: [
      aim('reply', 'mean', 0.6),
      aim('turns split', 'split', 1),
      aim('runs a turn', 'runs', 1.2),
      { text: 'turns split as by arithmetic, ± 1 percentage point', found: `± ${shown(off, 1)}`, met: off <= 1 },
    ],
    draw: { key: 'mean', unit: 'seconds from the last message to the reply' },
  }
}

async function oneRound({ peer, supersede = false, earlyS = 0 }: Setting, sample: Turn[], workS: number) {
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
  const replayed = planOf(sample)
  const sent = await producer.ask({ kind: 'replay', plan: replayed.map(({ order }) => order) }, replies.sent)
  for (const [i, { turn, isLast }] of replayed.entries()) if (isLast) outcome.lastSentAtMs[turn] = sent[i] ?? Number.NaN
  const deadline = Date.now() + scaled(MAX_WAIT_S) + SETTLE_MS
  while (!outcome.isComplete && Date.now() < deadline) await delay(LOOK_MS)
  await Promise.all([producer.stop(), consumer.stop()])
  await server.stop()
  const way: Way = {
    gap: GAP_S,
    work: workS,
    maxWait: MAX_WAIT_S,
    supersede,
    earlyStart: earlyS || GAP_S,
  }
  const splits = sample.filter(turn => play(turn, way).answers > 1).length
  // The peers have no max wait, and do not hold a conversation as Lull does.
  const computed = peer === LULL ? (splits / sample.length) * 100 : Number.NaN
  return { ...outcome.figures(), computed }
}

/** What became of each turn. */
class Outcome {
  /** By turn: when its last message was sent. */
  readonly lastSentAtMs: number[] = []
  private readonly answers: number[]
  private readonly repliedAtMs: number[]
  private runs = 0
  private sent = 0
  private slotMs = 0

  constructor(private readonly sample: Turn[]) {
    this.answers = sample.map(() => 0)
    this.repliedAtMs = sample.map(() => Number.NaN)
  }

  add({ began, ended, withdrawn }: Work): void {
    const batch = began ?? ended ?? withdrawn
    const turn = Number(batch?.conversation.slice(PREFIX.length))
    if (!batch?.conversation.startsWith(PREFIX)) return
    if (began) this.runs++
    const done = ended ?? withdrawn
    if (done) this.slotMs += done.endedAtMs - done.atMs
    if (!ended) return
    this.sent++
    this.answers[turn] = (this.answers[turn] ?? 0) + 1
    const last = `m${(this.sample[turn]?.length ?? 0) - 1}`
    if (ended.texts.includes(last)) this.repliedAtMs[turn] = ended.endedAtMs
  }

  get isComplete(): boolean {
    return this.repliedAtMs.every(Number.isFinite)
  }

  /** @throws if a turn was not answered: a mean without it would flatter */
  figures() {
    const count = this.sample.length
    const missing = this.repliedAtMs.filter(Number.isNaN).length
    if (missing > 0) throw new Error(`${missing} of ${count} turns got no reply`)
    const reply = this.repliedAtMs.map((at, turn) => inConversation(at - (this.lastSentAtMs[turn] ?? Number.NaN)))
    return {
      mean: reply.reduce((sum, one) => sum + one, 0) / count,
      p50: at(reply, 0.5),
      p90: at(reply, 0.9),
      split: (this.answers.filter(answers => answers > 1).length / count) * 100,
      runs: this.runs / count,
      wasted: (this.runs - this.sent) / count,
      slot: inConversation(this.slotMs) / count,
    }
  }
}

const PREFIX = 'turn-'

/** Spreads the turns at random, so that the longest just fits. By time. */
function planOf(sample: Turn[]) {
  const random = seeded(1)
  const lengthOf = (turn: Turn) => turn.at(-1) ?? 0
  const longest = Math.max(...sample.map(lengthOf))
  return sample
    .flatMap((turn, i) => {
      const begins = random() * (longest - lengthOf(turn))
      return turn.map((time, k) => {
        const order: [string, string, number] = [`${PREFIX}${i}`, `m${k}`, scaled(begins + time)]
        return { order, turn: i, isLast: k === turn.length - 1 }
      })
    })
    .sort((a, b) => a.order[2] - b.order[2])
}

/** Turns of one message, so that compiling code and opening connections is not measured. */
const warmUp = () => Array.from({ length: WARM_TURNS }, (_, i): [string, string, number] => [`warm-${i}`, 'm0', i * 5])

/** Seconds of the conversation as milliseconds of the replay. */
const scaled = (seconds: number) => Math.round((seconds * 1000) / FASTER)
const inConversation = (ms: number) => (ms * FASTER) / 1000

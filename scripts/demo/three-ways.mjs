// The demo: Anna writes the same burst to three bots, which differ only in when they begin and when they may send. Each
// bot is a program of its own, and gets her messages as webhooks. All times that are printed are measured in this run.
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, makeStage, post, startBot, webhookBody } from './processes.mjs'
import { summary } from './summary.mjs'
import { say, seconds, Timeline, title } from './timeline.mjs'

/** At life size, in ms. */
const GAP_MS = 10_000
const WORK_MS = 8000
const EARLY_START_MS = 2000
/** Anna’s pause before each message. */
const BURST = [
  [0, 'hi'],
  [1500, 'I’d like to order'],
  [1500, 'a cake'],
  [3000, 'for Saturday'],
]
const WAIT_MS = 90_000

/** @param scale of all times: 1 is life size. Resolves to the exit code */
export async function play({ scale }) {
  const stage = await makeStage()
  const scaled = ms => Math.round(ms * scale)
  const rules = { quietGapMs: scaled(GAP_MS) }
  const workMs = scaled(WORK_MS)
  const earlyStartMs = scaled(EARLY_START_MS)
  const onLull = { bot: './library-bot.mjs', gapMs: rules.quietGapMs }
  const ways = [
    {
      name: 'one by one',
      title: 'One by one: it answers each message (no Lull).',
      bot: './each-message-bot.mjs',
    },
    {
      name: 'quiet gap',
      title: `A quiet gap: it begins after ${seconds(rules.quietGapMs)} of silence (Lull by default, answering: 'queue').`,
      ...onLull,
      rules,
    },
    {
      name: 'early start',
      title: `An early start: it begins after ${seconds(earlyStartMs)}, and may send after ${seconds(rules.quietGapMs)} (answering: 'supersede').`,
      ...onLull,
      rules: { ...rules, answering: 'supersede', earlyStartMs },
    },
  ]
  try {
    say(`Anna writes the same four messages to three bots. Each bot works ${seconds(workMs)} on an answer.`)
    if (scale !== 1) say(`All times are ${scale} of life size: a gap of 10 s, 8 s of work, an early start after 2 s.`)
    say(`Her messages are webhooks of Meta’s Cloud API. Lull runs on ${stage.on ?? 'memory: there is no Redis here'}.`)
    const results = []
    for (const [i, way] of ways.entries()) {
      title(`${i + 1}  ${way.title}`)
      results.push({ name: way.name, ...(await playOne(stage, way, { workMs, scaled })) })
    }
    for (const line of summary(results, scale)) say(line)
    say('\nNext: `npm start` to try it yourself. `npm run demo -- --serial`: a message that comes during the answer.')
    say('`npm run demo -- --crash`: a kill -9 in the middle.')
    return 0
  } finally {
    await stage.close()
  }
}

/** Resolves to `{ replies, runs, wasted }`: when each reply came after the last message, in ms; and the bot’s runs. */
async function playOne(stage, way, { workMs, scaled }) {
  const scene = new Scene(way.gapMs)
  const bot = await startBot(stage, {
    file: way.bot,
    port: await freePort(),
    workMs,
    rules: way.rules,
    onMessage: message => scene.onBot(message),
  })
  try {
    for (const [pauseMs, text] of BURST) {
      await delay(scaled(pauseMs))
      scene.writes(text)
      await post(bot.url, webhookBody(text))
    }
    await scene.allAnswered(BURST.length)
  } finally {
    await bot.stop()
  }
  return scene.result()
}

/** One burst and what a bot makes of it. */
class Scene {
  timeline = new Timeline()
  repliedAt = []
  runs = 0
  wasted = 0
  lastAt = 0
  answered = 0
  onChange = () => {}

  /** @param gapMs shown as a bar on a terminal; without it there is none */
  constructor(gapMs) {
    this.gapMs = gapMs
  }

  writes(text) {
    this.lastAt = performance.now()
    this.line('Anna', `“${text}”`)
  }

  onBot({ kind, texts, provisional }) {
    const what = texts.length === 1 ? `“${texts[0]}”` : `${texts.length} messages`
    if (kind === 'begun') {
      this.runs += 1
      this.line('Bot', `begins to work on ${what}`, provisional ? 'early: it may not send yet' : '')
    } else if (kind === 'superseded') {
      this.wasted += 1
      this.line('Bot', 'stops: she has written more', 'superseded; nothing was sent')
    } else {
      const afterMs = performance.now() - this.lastAt
      this.repliedAt.push(performance.now())
      this.answered += texts.length
      this.line(
        'Bot',
        `REPLIES to ${what}`,
        this.answered === BURST.length ? `${(afterMs / 1000).toFixed(1)} s after her last message` : '',
      )
    }
    this.onChange()
  }

  line(...args) {
    this.timeline.line(...args)
    const leftMs = this.lastAt + (this.gapMs ?? 0) - performance.now()
    if (leftMs > 0) this.timeline.drawCountDown(leftMs, this.gapMs)
  }

  async allAnswered(count) {
    const signal = AbortSignal.timeout(WAIT_MS)
    while (this.answered < count)
      await new Promise((resolve, reject) => {
        this.onChange = resolve
        signal.addEventListener('abort', () => reject(new Error(`no answer within ${WAIT_MS} ms`)), { once: true })
      })
    this.timeline.stopCountdown()
  }

  result() {
    const { runs, wasted, lastAt } = this
    return { runs, wasted, replies: this.repliedAt.map(at => at - lastAt) }
  }
}

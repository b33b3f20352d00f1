// The demo of serial order: Anna writes in a burst, her provider delivers one message twice, and she writes again while the bot
// answers. Everything is real: webhooks over HTTP, `lull up`, Redis, BullMQ.
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, makeStage, post, startLull, webhookBody } from './processes.mjs'
import { say, Timeline } from './timeline.mjs'

const GAP_MS = 3000
const ANSWER_MS = 4500
const WAIT_MS = 30_000
const CONVERSATION = encodeURIComponent('106540352200001/79990000011@c.us')

/** Resolves to the exit code. */
export async function play() {
  const stage = await makeStage()
  let lull
  try {
    const received = []
    let onReceived = () => {}
    const port = await freePort()
    lull = await startLull(stage, {
      port,
      gapMs: GAP_MS,
      answerMs: ANSWER_MS,
      onMessage: message => {
        received.push(message)
        onReceived()
      },
    })
    const next = async kind => {
      const signal = AbortSignal.timeout(WAIT_MS)
      for (;;) {
        const index = received.findIndex(message => message.kind === kind)
        if (index >= 0) return received.splice(index, 1)[0]
        await new Promise((resolve, reject) => {
          onReceived = resolve
          signal.addEventListener('abort', () => reject(new Error(`no ${kind} within ${WAIT_MS} ms`)), { once: true })
        })
      }
    }
    await converse(lull.url, next, stage)
    return 0
  } finally {
    await lull?.stop()
    await stage.close()
  }
}

async function converse(url, next, { on }) {
  const timeline = new Timeline()
  const webhook = `${url}/webhook/whatsapp/batched/meta`
  const writes = async (text, note) => {
    await post(webhook, webhookBody(text))
    timeline.line('Anna', `“${text}”`, note)
    await countDown(url, timeline)
  }
  say(`Anna writes to a cake shop on WhatsApp. The quiet gap is ${GAP_MS / 1000} s here, 10 s by default.`)
  say(`lull up runs on ${on ?? 'the Redis that it found'}; her messages arrive as webhooks of Meta’s Cloud API.\n`)

  await writes('hi', 'a batch opens, and the quiet gap starts')
  await delay(900)
  await writes('I’d like to order', 'the gap starts again')
  await delay(800)
  const twice = webhookBody('a cake')
  await post(webhook, twice)
  timeline.line('Anna', '“a cake”', 'and again')
  const { duplicates } = await (await post(webhook, twice)).json()
  timeline.line('Meta', 'delivers “a cake” a second time', `${duplicates} duplicate, dropped`)
  await countDown(url, timeline)
  await delay(1000)
  await writes('for Saturday', 'and again')

  const { batch } = await next('batch')
  showBatch(timeline, batch)
  timeline.line('Bot', 'thinks about its one answer', `for ${ANSWER_MS / 1000} s`)
  await delay(700)
  await writes('with candles!', 'collected; her next batch waits for the answer')
  await delay(GAP_MS + 200)
  timeline.line('', 'the gap is over', 'the bot still answers, so her batch waits')
  await next('answered')
  timeline.line('Bot', '“A cake for Saturday: noted.”')
  const { batch: second } = await next('batch')
  showBatch(timeline, second, 'as soon as the answer has ended')

  say(`\nFive messages and one repeated delivery came in. The bot was called twice, and got every message once.`)
  say('Next: `npm start` to try it yourself, `npm run demo -- --crash` to see it survive a kill -9.')
}

function showBatch(timeline, { messages, text, dueAtMs, releasedAtMs, releasedBy }, when) {
  const count = messages.length === 1 ? '1 message' : `${messages.length} messages`
  timeline.line(
    'Lull',
    `ONE batch: ${count}`,
    `${when ?? `${releasedAtMs - dueAtMs} ms after it was due`} (releasedBy: ${releasedBy})`,
  )
  timeline.quote(text.split('\n'))
}

async function countDown(url, timeline) {
  const response = await fetch(`${url}/conversations/${CONVERSATION}`, { headers: { authorization: 'Bearer demo' } })
  const { open } = await response.json()
  if (open) timeline.countDown(open.dueInMs, GAP_MS)
}

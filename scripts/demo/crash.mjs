// The demo with a crash: the same burst goes to `lull up` and to thirty lines of Map and setTimeout, and both get a
// kill -9 in the middle.
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, makeStage, post, startLull, startThirtyLines, webhookBody } from './processes.mjs'
import { say, Timeline } from './timeline.mjs'

const GAP_MS = 6000
const WAIT_MS = 30_000
const BURST = ['hi', 'I’d like to order', 'a cake', 'for Saturday']

/** Resolves to the exit code. */
export async function play() {
  const stage = await makeStage()
  const running = []
  try {
    if (stage.on === undefined)
      throw new Error(
        'this demo needs a Redis, since memory is lost in a crash: install redis-server (apt-get install redis-server, brew install redis), or set REDIS_URL',
      )
    return await crash(stage, running)
  } finally {
    for (const each of running.splice(0)) await each.stop()
    await stage.close()
  }
}

async function crash(stage, running) {
  const got = { lull: [], lines: [] }
  const onMessage = to => message => message.kind === 'batch' && got[to].push(...message.batch.text.split('\n'))
  const ports = { lull: await freePort(), lines: await freePort() }
  const start = async () => {
    running.push(
      ...(await Promise.all([
        startLull(stage, { port: ports.lull, gapMs: GAP_MS, answerMs: 0, onMessage: onMessage('lull') }),
        startThirtyLines({ port: ports.lines, gapMs: GAP_MS, onMessage: onMessage('lines') }),
      ])),
    )
  }
  const timeline = new Timeline()
  const writes = async text => {
    const [lull, lines] = running
    const body = webhookBody(text)
    await Promise.all([post(`${lull.url}/webhook/whatsapp/batched/meta`, body), post(lines.url, body)])
    timeline.line('Anna', `“${text}”`, 'to both, and both answer 200')
  }

  say('Anna writes to lull up and to thirty lines of Map and setTimeout. Then both get a kill -9.')
  say(`lull up runs on ${stage.on}. The quiet gap of both is ${GAP_MS / 1000} s.\n`)
  await start()
  await writes(BURST[0])
  await delay(900)
  await writes(BURST[1])
  await delay(600)
  const killed = running.splice(0)
  await Promise.all(killed.map(each => each.kill()))
  timeline.line('', `kill -9 ${killed.map(({ pid }) => pid).join(' ')}`, 'lull up, and the thirty lines')
  await start()
  timeline.line('', 'both are started again')
  await writes(BURST[2])
  await delay(900)
  await writes(BURST[3])
  timeline.countDown(GAP_MS, GAP_MS)
  const deadline = performance.now() + WAIT_MS
  while ((!has(got.lull, BURST[3]) || !has(got.lines, BURST[3])) && performance.now() < deadline) await delay(50)
  timeline.line('', 'each has handed over:')

  const kept = { lull: report('Lull', got.lull), lines: report('thirty lines', got.lines) }
  return kept.lull && !kept.lines ? 0 : 1
}

const has = (texts, text) => texts.includes(text)

/** Prints what was handed over. Returns whether the burst is complete. */
function report(name, texts) {
  const missing = BURST.filter(text => !has(texts, text))
  const verdict = missing.length === 0 ? 'all of it' : `FORGOT ${missing.map(text => `“${text}”`).join(' and ')}`
  say(`\n  ${name.padEnd(14)}${texts.join(' · ') || '(nothing)'}`)
  say(`  ${''.padEnd(14)}${verdict}`)
  return missing.length === 0
}

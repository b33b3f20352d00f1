// The processes of a demo: a private Redis if redis-server is installed, `lull up`, and the thirty lines.
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const READY_TIMEOUT_MS = 30_000
const LOOK_AGAIN_MS = 50
const LINES_KEPT = 20

const file = path => fileURLToPath(new URL(path, import.meta.url))

/**
 * A directory and a Redis for a demo. If redis-server is installed the Redis is a private one, which leaves nothing
 * behind. Otherwise it is the one at REDIS_URL or the one that `lull up` finds; `sweep` deletes the demo's keys at
 * REDIS_URL.
 */
export async function makeStage() {
  const directory = await mkdtemp(join(tmpdir(), 'lull-demo-'))
  const name = `lull-demo-${randomBytes(4).toString('hex')}`
  const { findProgram, startPrivateRedis } = await import('../../dist/internal/cli/private-redis.js')
  const { program } = process.env.REDIS_URL ? {} : await findProgram()
  const redis = program && (await startPrivateRedis(program, directory, error => console.error(error.message)))
  // After a Ctrl-C, too; the private Redis registers its own end before.
  const removeDirectory = () => rmSync(directory, { recursive: true, force: true })
  process.once('exit', removeDirectory)
  const prefixes = [name]
  const environment = {
    ...process.env,
    LULL_PREFIX: name,
    LULL_QUEUE: name,
    LULL_API_TOKEN: 'demo',
    LULL_DEDUPE_MS: '60000',
    LOG_LEVEL: 'warn',
    ...(redis ? { REDIS_URL: redis.socket } : {}),
  }
  return {
    directory,
    environment,
    on: redis
      ? `a private ${program.command} ${program.version}`
      : process.env.REDIS_URL
        ? 'the Redis at REDIS_URL'
        : undefined,
    /** A prefix of its own for a part of the demo. */
    prefix() {
      prefixes.push(`${name}-${prefixes.length}`)
      return prefixes.at(-1)
    },
    async close() {
      if (redis) await redis.stop(5000)
      else if (process.env.REDIS_URL) await sweep(process.env.REDIS_URL, name, prefixes)
      process.off('exit', removeDirectory)
      removeDirectory()
    },
  }
}

/** Deletes the demo's keys in a Redis that is not private. */
async function sweep(url, name, prefixes) {
  const [{ Queue }, { Redis }] = await Promise.all([import('bullmq'), import('ioredis')])
  const client = new Redis(url, { maxRetriesPerRequest: null })
  const queue = new Queue(name, { connection: client })
  await queue.obliterate({ force: true })
  await queue.close()
  const parts = ['.due', '.claimed', '.answering', '.history', '.dead']
  await client.del(prefixes.flatMap(prefix => parts.map(part => prefix + part)))
  await client.quit()
}

/** Starts `lull up`; resolves when it takes webhooks. Each batch and answer is passed to `onMessage`. */
export async function startLull(stage, { port, gapMs, answerMs, onMessage }) {
  const child = fork(file('../../dist/esm/bin.js'), ['up', '--handler', file('./bot.mjs')], {
    cwd: stage.directory,
    env: {
      ...stage.environment,
      PORT: String(port),
      LULL_QUIET_GAP_MS: String(gapMs),
      DEMO_ANSWER_MS: String(answerMs),
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  child.on('message', onMessage)
  const lines = keepLines(child)
  const url = `http://127.0.0.1:${port}`
  const deadline = performance.now() + READY_TIMEOUT_MS
  while (!(await isReady(url))) {
    if (child.exitCode !== null) throw new Error(`lull up ended: ${lines.join(' ')}`)
    if (performance.now() > deadline)
      throw new Error(`lull up is not ready after ${READY_TIMEOUT_MS} ms: ${lines.join(' ')}`)
    await delay(LOOK_AGAIN_MS)
  }
  return processOf(child, url)
}

/**
 * Starts one of the demo's bots; resolves when it takes webhooks. What it does is passed to `onMessage`.
 * @param rules of Lull; without them the bot uses no Lull
 */
export async function startBot(stage, { file: name, port, workMs, rules, onMessage }) {
  const child = fork(file(name), [], {
    env: {
      ...stage.environment,
      PORT: String(port),
      DEMO_WORK_MS: String(workMs),
      ...(rules ? { LULL_PREFIX: stage.prefix(), DEMO_RULES: JSON.stringify(rules) } : {}),
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const lines = keepLines(child)
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the bot ended: ${lines.join(' ')}`)
  })
  await Promise.race([once(child, 'message'), ended])
  ended.catch(() => {}) // It is stopped at the end.
  child.on('message', onMessage)
  return processOf(child, `http://127.0.0.1:${port}`)
}

export async function startThirtyLines({ port, gapMs, onMessage }) {
  const child = fork(file('./thirty-lines.mjs'), [], {
    env: { ...process.env, PORT: String(port), DEMO_GAP_MS: String(gapMs) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  await once(child, 'message')
  child.on('message', onMessage)
  return processOf(child, `http://127.0.0.1:${port}`)
}

function processOf(child, url) {
  const atExit = () => child.kill()
  process.once('exit', atExit)
  child.once('exit', () => process.off('exit', atExit))
  const end = async signal => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
  return { url, pid: child.pid, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') }
}

function keepLines(child) {
  const said = []
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', data => {
      said.push(...String(data).trim().split('\n'))
      said.splice(0, said.length - LINES_KEPT)
    })
  return said
}

const isReady = url =>
  fetch(`${url}/readyz`).then(
    response => response.ok,
    () => false,
  )

export async function freePort() {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

let sent = 0

/** A text message as WhatsApp's Cloud API sends it. */
export function webhookBody(text, id = `wamid.demo-${process.pid}-${++sent}`) {
  const message = {
    from: '79990000011',
    id,
    timestamp: String(Math.floor(Date.now() / 1000)),
    type: 'text',
    text: { body: text },
  }
  const metadata = { display_phone_number: '15550001122', phone_number_id: '106540352200001' }
  const contacts = [{ profile: { name: 'Anna' }, wa_id: '79990000011' }]
  const value = { messaging_product: 'whatsapp', metadata, contacts, messages: [message] }
  return { object: 'whatsapp_business_account', entry: [{ id: '1', changes: [{ field: 'messages', value }] }] }
}

export async function post(url, body) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${await response.text()}`)
  return response
}

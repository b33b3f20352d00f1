/**
 * The system of a run: Redis, the proxies in front of it, two APIs, three processors, and two workers (or receivers, or
 * none if the processors run the handlers).
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { freePort, privateRedis } from '../support/redis.js'
import { until } from '../support/wait.js'
import type { World } from './faults.js'
import { Member } from './fleet.js'
import { type PlaceName, startPlace } from './places.js'
import { LoopbackProxy } from './proxy.js'
import { type Line, PROCESSES, type ProcessName } from './schedule.js'
import { type Answering, EARLY_START_MS, type Handover, QUEUE, RULES, SHUTDOWN_MS, TOKEN } from './settings.js'

const START_MS = 30_000
const root = fileURLToPath(new URL('../..', import.meta.url))
const lull = join(root, 'dist/esm/bin.js')
const script = (name: string) => ['--import=tsx', fileURLToPath(new URL(name, import.meta.url))]

export interface Built extends World {
  urls: string[]
  /** Nothing waits, and nothing is held. */
  isIdle(): Promise<boolean>
  /** Dead batches. */
  dead(): Promise<unknown[]>
  stop(): Promise<void>
}

/** Resolves when the APIs answer. */
export async function build({
  dir,
  handlerLog,
  handover,
  answering,
  on,
  waitReplicas,
}: {
  dir: string
  handlerLog: string
  handover: Handover
  answering: Answering
  on: PlaceName
  waitReplicas: number
}): Promise<Built> {
  const place = await startPlace(on, waitReplicas)
  const { redis } = place
  // Beside several servers the queue has a Redis of its own: WAIT does not reach the jobs of BullMQ.
  const queueRedis = redis ?? (await privateRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] }))
  const receiverPorts = await Promise.all(PROCESSES.worker.map(() => freePort()))
  const toReceivers = async () =>
    handover === 'http' ? LoopbackProxy.to(...receiverPorts) : LoopbackProxy.to(queueRedis.port)
  const lines = new Map<Line, LoopbackProxy>([['handover', await toReceivers()]])
  for (const line of ['apis', 'processors', 'workers'] as const)
    if (redis) lines.set(line, await LoopbackProxy.to(redis.port))
  const portOf = (line: Line) => lines.get(line)?.port ?? 0
  const redisUrl = (line: Line) => (lines.has(line) ? `redis://127.0.0.1:${portOf(line)}` : place.url)
  const env = {
    ...place.env,
    LULL_QUIET_GAP_MS: String(RULES.quietGapMs),
    LULL_MAX_WAIT_MS: String(RULES.maxWaitMs),
    LULL_BATCH_TTL_MS: String(RULES.batchTtlMs),
    LULL_MAX_MESSAGES: String(RULES.maxMessages),
    LULL_LEASE_MS: String(RULES.leaseMs),
    LULL_ANSWER_TIMEOUT_MS: String(RULES.answerTimeoutMs),
    LULL_ANSWER_ATTEMPTS: '10',
    LULL_HOLD_TYPES: 'voice',
    LULL_HOLD_MS: String(RULES.holdMs),
    LULL_HOLD_MAX_MS: String(RULES.holdMaxMs),
    LULL_RULES: fileURLToPath(new URL('./rules-hook.mjs', import.meta.url)),
    LULL_SHUTDOWN_MS: String(SHUTDOWN_MS),
    LULL_QUEUE: QUEUE,
    LULL_API_TOKEN: TOKEN,
    LULL_ANSWERING: answering,
    ...(answering === 'supersede' ? { LULL_EARLY_START_MS: String(EARLY_START_MS) } : {}),
    // The processors of the function handover are programs with the library: the setting is for the APIs.
    LULL_HANDOVER: handover === 'http' ? 'http' : 'bullmq',
    ...(handover === 'http'
      ? {
          LULL_HANDOVER_URL: `http://127.0.0.1:${portOf('handover')}/`,
          LULL_MAX_ATTEMPTS: '20',
          LULL_HTTP_TIMEOUT_MS: '5000',
        }
      : { LULL_QUEUE_REDIS_URL: redisUrl('handover') }),
  }

  const members = new Map<ProcessName, Member>()
  const urls: string[] = []
  for (const name of PROCESSES.api) {
    const port = await freePort()
    urls.push(`http://127.0.0.1:${port}`)
    members.set(
      name,
      new Member({ name, args: [lull, 'api'], env: { ...env, REDIS_URL: redisUrl('apis'), PORT: String(port) } }, dir),
    )
  }
  for (const name of PROCESSES.processor) {
    const args = handover === 'function' ? [...script('./processor.ts'), name, handlerLog] : [lull, 'processor']
    members.set(name, new Member({ name, args, env: { ...env, REDIS_URL: redisUrl('processors') } }, dir))
  }
  const workers = handover === 'function' ? [] : PROCESSES.worker
  workers.forEach((name, i) => {
    const args =
      handover === 'http'
        ? [...script('./receiver.ts'), name, handlerLog, String(receiverPorts[i]), answering, ...urls]
        : [...script('./worker.ts'), name, handlerLog]
    members.set(name, new Member({ name, args, env: { ...env, REDIS_URL: redisUrl('workers') } }, dir))
  })

  const ask = async (path: string): Promise<unknown> => {
    const response = await fetch(new URL(path, urls[0]), {
      headers: { authorization: `Bearer ${TOKEN}` },
      signal: AbortSignal.timeout(5000),
    })
    return response.json()
  }
  const answers = async (url: string) => {
    try {
      return (await fetch(new URL('/readyz', url))).ok
    } catch {
      return false // Not there yet.
    }
  }
  await until(async () => (await Promise.all(urls.map(answers))).every(Boolean), {
    timeoutMs: START_MS,
    what: `the APIs to answer; see ${dir}`,
  })

  return {
    handover,
    place,
    members,
    lines,
    urls,
    isIdle: async () =>
      z.object({ conversations: z.array(z.unknown()) }).parse(await ask('/conversations')).conversations.length === 0,
    dead: async () => z.object({ dead: z.array(z.unknown()) }).parse(await ask('/dead')).dead,
    async stop() {
      await Promise.all([...members.values()].map(member => member.stop()))
      for (const line of lines.values()) await line.close()
      await place.stop()
      if (queueRedis !== redis) await queueRedis.stop()
    },
  }
}

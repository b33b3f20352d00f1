/**
 * The reference worker as a process, with shorter locks, for which there is no setting. Its handler logs its runs.
 *
 * `worker.ts NAME FILE`, with REDIS_URL in the environment.
 */
import { serve } from '../../src/cli/serve.js'
import { loadEnvironment, readConfig } from '../../src/config.js'
import { Commits } from '../../src/handover/commits.js'
import { createLog } from '../../src/log.js'
import { storeFrom } from '../../src/store/store-options.js'
import { QueueWorker } from '../../src/worker/worker.js'
import { asking, loggingHandler } from './handler-log.js'
import { LOCK_MS, QUEUE, RULES, SHUTDOWN_MS } from './settings.js'

const [name = 'worker', file = ''] = process.argv.slice(2)
const config = readConfig(loadEnvironment())
const log = createLog({ level: config.logLevel, forPeople: false })
const handle = loggingHandler(file, name)

try {
  await serve({
    log,
    shutdownMs: SHUTDOWN_MS,
    async start(lifecycle) {
      const { redis, prefix, rules, partitions, waitReplicas, handover } = config
      const supersedes = rules.answering === 'supersede'
      const store = storeFrom({ redis, prefix, ...rules, partitions, waitReplicas, log }, 'worker')
      await lifecycle.add('the store', () => store.close())
      await store.open()
      const worker = new QueueWorker({
        redis: handover.queue?.redis ?? redis,
        queue: QUEUE,
        concurrency: 32,
        lockMs: LOCK_MS,
        answerTimeoutMs: RULES.answerTimeoutMs,
        log,
        commits: new Commits(store),
        handle: (batch, { signal, commit }) => handle(batch, { signal, ...(supersedes && { commit: asking(commit) }) }),
      })
      await lifecycle.add('the worker', timeoutMs => worker.stop({ timeoutMs }))
      await worker.start()
    },
  })
} catch (error) {
  process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
process.exit()

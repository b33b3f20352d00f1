/**
 * The library's processor as a process, for the function handover: it runs the handlers itself. Its handler logs its
 * runs.
 *
 * `processor.ts NAME FILE`, with REDIS_URL and the rules in the environment.
 */
import { serve } from '../../src/cli/serve.js'
import { loadEnvironment, readConfig } from '../../src/config.js'
import { createLog } from '../../src/log.js'
import { Processor } from '../../src/processor/processor.js'
import { asking, loggingHandler } from './handler-log.js'
import { SHUTDOWN_MS } from './settings.js'

const [name = 'processor', file = ''] = process.argv.slice(2)
const config = readConfig(loadEnvironment())
const log = createLog({ level: config.logLevel, forPeople: false })
const handle = loggingHandler(file, name)

try {
  await serve({
    log,
    shutdownMs: SHUTDOWN_MS,
    async start(lifecycle) {
      const { redis, prefix, rules, partitions, waitReplicas } = config
      const supersedes = rules.answering === 'supersede'
      const processor = new Processor({
        redis,
        prefix,
        ...rules,
        partitions,
        waitReplicas,
        concurrency: 32,
        log,
        handle: (batch, { signal, commit }) => handle(batch, { signal, ...(supersedes && { commit: asking(commit) }) }),
      })
      await lifecycle.add('the processor', timeoutMs => processor.stop({ timeoutMs }))
      await processor.start()
    },
  })
} catch (error) {
  process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
process.exit()

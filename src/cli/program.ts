/** The commands, their options and their help. What they do is in the files beside this one. */
import { Command } from 'commander'
import type { Logger } from 'pino'
import { type Config, type Environment, loadEnvironment, readConfig } from '../config.js'
import { createLog } from '../log.js'
import { drop, flush } from './by-hand.js'
import { withPrivateRedis } from './explain.js'
import { packageVersion } from './package-files.js'
import { startApi } from './roles/api.js'
import { startOps } from './roles/ops.js'
import { startProcessor } from './roles/processor.js'
import type { RoleContext } from './roles/role.js'
import { startUp } from './roles/up.js'
import { startWorker } from './roles/worker.js'
import { serve } from './serve.js'

export function createProgram(): Command {
  const program = new Command('lull')
    .description('Collects what one person sends in one go, and hands it over as one batch when they fall silent.')
    .version(packageVersion())
    .showHelpAfterError('(--help says more)')
    .exitOverride()
    .addHelpText('after', '\nSettings are environment variables, read from .env in this directory too: see the README.')
  program
    .command('up')
    .description('API, processor and worker in one process, on the Redis there is')
    .option('--handler <file>', 'module whose default export does the work on a batch (LULL_WORKER_HANDLER)')
    .option('--port <number>', 'of the API (PORT)')
    .option('--embedded', 'no Redis: messages are kept in memory, and nothing outlives the process')
    .action(up)
  program
    .command('api')
    .description('takes webhooks and messages, and answers about conversations')
    .action(() =>
      role(async context => {
        const { batcher } = await startApi(context)
        await startOps(context, () => batcher.ready())
      }),
    )
  program
    .command('processor')
    .description('claims the batches that are due, and hands them over')
    .action(() =>
      role(async context => {
        const processor = await startProcessor(context)
        await startOps(context, () => processor.ready())
      }),
    )
  program
    .command('worker')
    .description('does the work on the batches in the queue')
    .action(() =>
      role(async context => {
        const worker = await startWorker(context)
        await startOps(context, () => worker.ready())
      }),
    )
  program
    .command('flush')
    .description('releases the open batch of a conversation now')
    .argument('<conversation>', 'its id, <chatId> or <account>/<chatId>')
    .action(byHand(flush))
  program
    .command('drop')
    .description('discards what waits in a conversation')
    .argument('<conversation>', 'its id, <chatId> or <account>/<chatId>')
    .action(byHand(drop))
  return program
}

interface UpOptions {
  handler?: string
  port?: string
  embedded?: boolean
}

function up({ handler, port, embedded = false }: UpOptions): Promise<void> {
  const given: Environment = {
    ...(handler === undefined ? {} : { LULL_WORKER_HANDLER: handler }),
    ...(port === undefined ? {} : { PORT: port }),
  }
  const print = (text: string) => void process.stdout.write(text)
  return role(context => startUp({ ...context, embedded, directory: process.cwd(), print }), given)
}

/** Runs until a signal. @param given what the command line says, over the environment */
function role(start: (context: RoleContext) => Promise<unknown>, given: Environment = {}): Promise<void> {
  const config = readConfig({ ...loadEnvironment(), ...given })
  const log = createLog({ level: config.logLevel })
  warn(config, log)
  return serve({
    log,
    shutdownMs: config.shutdownMs,
    start: async lifecycle => {
      await start({ config, log, lifecycle }).catch(error => {
        throw withPrivateRedis(error, config)
      })
    },
  })
}

const byHand =
  (work: (config: Config, conversationId: string) => Promise<string>) => async (conversationId: string) => {
    const config = readConfig(loadEnvironment())
    const said = await work(config, conversationId).catch(error => {
      throw withPrivateRedis(error, config)
    })
    process.stdout.write(`${said}\n`)
  }

const warn = ({ warnings }: Config, log: Logger) => {
  for (const warning of warnings) log.warn({}, warning)
}

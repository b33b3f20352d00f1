/** The commands, their options and their help. Each command's work is in a file beside this one. */
import { Command, Option } from 'commander'
import type { Logger } from 'pino'
import { meantBy } from '../config/meant.js'
import { type Config, type Environment, loadEnvironment, readConfig } from '../config.js'
import { createLog, createStderrLog } from '../log.js'
import { Metrics } from '../metrics/metrics.js'
import { dead } from './dead.js'
import { discard, discardAll } from './discard.js'
import { doctor } from './doctor.js'
import { type DrainOptions, drain } from './drain.js'
import { drop } from './drop.js'
import { withRunningRedis } from './find-redis.js'
import { flush } from './flush.js'
import { forget } from './forget.js'
import type { Lifecycle } from './lifecycle.js'
import { packageVersion } from './package-files.js'
import { listPaused, pause, resume } from './pause.js'
import { redrive, redriveAll } from './redrive.js'
import { registeredTelemetry } from './registered-telemetry.js'
import { startApi } from './roles/api.js'
import { startOps } from './roles/ops.js'
import { startProcessor } from './roles/processor.js'
import { Readiness } from './roles/readiness.js'
import type { RoleContext } from './roles/role.js'
import { startUp } from './roles/up.js'
import { startWorker } from './roles/worker.js'
import { serve } from './serve.js'
import { isAssignment, setSettings, showSettings, unsetSettings } from './settings.js'
import { inert } from './show/escape.js'
import { print, printText } from './show/print.js'
import { timeSpan } from './time-span.js'
import { rotateToken } from './token.js'
import { trace } from './trace.js'
import { startWatch } from './watch.js'

export function createProgram(): Command {
  const program = new Command('lull')
    .description(
      'Collects the messages that one person sends in one go, and hands them over as one batch when the person falls silent.',
    )
    .version(packageVersion())
    .showHelpAfterError('(--help says more)')
    .exitOverride()
    .configureOutput({
      writeOut: text => printText(text),
      writeErr: text => printText(text, process.stderr),
      // An error quotes what was typed.
      outputError: (text, write) => write(`${inert(text.trimEnd())}\n`),
    })
    .addHelpText(
      'after',
      '\nSettings are environment variables. A .env file in this directory is read too. docs/settings.md lists them.',
    )
  program
    .command('up')
    .description('runs API, processor and worker in one process, on the Redis that it finds')
    .option('--handler <file>', 'module whose default export handles a batch (LULL_WORKER_HANDLER)')
    .option('--port <number>', 'port of the API (PORT)')
    .option('--embedded', 'no Redis: messages are kept in memory, and are lost when the process ends')
    .action(up)
  program
    .command('api')
    .description('receives webhooks and messages, and serves the page and the state of conversations')
    .action(() => role(async context => (await startApi(context)).batcher))
  program
    .command('processor')
    .description('claims due batches and hands them over')
    .action(() => role(startProcessor))
  program
    .command('worker')
    .description('runs the handler on the batches in the queue')
    .action(() => role(startWorker))
  seeingCommands(program)
  program
    .command('flush')
    .description('releases the open batch of a conversation now')
    .argument('<conversation>', 'id of the conversation: <chatId> or <account>/<chatId>')
    .action(once(flush))
  program
    .command('drop')
    .description('discards the messages of a conversation that no processor has claimed')
    .argument('<conversation>', 'id of the conversation: <chatId> or <account>/<chatId>')
    .action(once(drop))
  program
    .command('forget')
    .description('erases everything kept about a conversation, its finished jobs in the queue included')
    .argument('<conversation>', 'id of the conversation: <chatId> or <account>/<chatId>')
    .action(once(forget))
  pauseCommands(program)
  deadCommands(program)
  settingsCommands(program)
  drainCommand(program)
  program
    .command('token')
    .description('the access of the page')
    .command('rotate')
    .description('ends all sessions of the page, and replaces a token that lull up made')
    .action(once(rotateToken))
  return program
}

function seeingCommands(program: Command): void {
  program
    .command('doctor')
    .description('checks Redis, the processes and the batches, and names each problem with its remedy')
    .option('--json', 'one JSON object')
    .action(async (options: { json?: boolean }) => {
      await doctor(await commandConfig(), options)
    })
  program
    .command('watch')
    .description('prints each step of every batch as it happens, until interrupted')
    .argument('[conversation]', 'only this conversation')
    .option('--json', 'one JSON object a line')
    .action(watch)
  program
    .command('trace')
    .description('prints the life of the recent batches of a conversation: which processor claimed each, when and why')
    .argument('[conversation]', 'id of the conversation; without it, the recent conversations are listed')
    .option('--json', 'one JSON object a line, for each batch')
    .action((conversationId: string | undefined, options: { json?: boolean }) =>
      once(config => trace(config, conversationId, options))(),
    )
}

interface PauseCommandOptions {
  for?: number
  keep?: 'drop' | 'collect'
  json?: boolean
}

function pauseCommands(program: Command): void {
  program
    .command('pause')
    .description('keeps the bot out of a conversation while a person answers; without one, lists those that are paused')
    .argument('[conversation]', 'id of the conversation: <chatId> or <account>/<chatId>')
    .option('--for <time>', 'such as 45s, 30m, 2h, 1h30m (the rule pauseMs)', timeSpan)
    .addOption(new Option('--keep <what>', 'what becomes of messages (the rule paused)').choices(['drop', 'collect']))
    .option('--json', 'one JSON object a line, for the list')
    .action((conversationId: string | undefined, options: PauseCommandOptions, pausing: Command) => {
      const { for: forMs, keep, json } = options
      if (conversationId !== undefined) return once(config => pause(config, conversationId, { forMs, keep }))()
      if (forMs === undefined && keep === undefined) return once(config => listPaused(config, { json }))()
      return pausing.error('error: give the id of the conversation to pause')
    })
  program
    .command('resume')
    .description('ends the pause of a conversation: the bot is back')
    .argument('<conversation>', 'id of the conversation: <chatId> or <account>/<chatId>')
    .action(once(resume))
}

function deadCommands(program: Command): void {
  const command = program
    .command('dead')
    .description('lists the batches whose handover failed for good')
    .option('--json', 'one JSON object a line, with the messages')
    .action((options: { json?: boolean }, listing: Command) => {
      const [word] = listing.args
      if (word === undefined) return once(config => dead(config, options))()
      const meant = meantBy(word, ['redrive', 'discard'])
      return listing.error(`error: unknown command '${word}'${meant === undefined ? '' : ` (Did you mean ${meant}?)`}`)
    })
  command
    .command('redrive')
    .description('hands dead batches over again, before what came later')
    .argument('[batchId]', 'id of a dead batch, as lull dead lists it')
    .option('--all', 'all dead batches')
    .action((batchId: string | undefined, { all = false }: { all?: boolean }, redriving: Command) => {
      if (batchId !== undefined && !all) return once(config => redrive(config, batchId))()
      if (batchId === undefined && all) return once(redriveAll)()
      return redriving.error('error: give the id of a dead batch, or --all')
    })
  command
    .command('discard')
    .description('erases dead batches, with their messages')
    .argument('[batchId]', 'id of a dead batch, as lull dead lists it')
    .option('--all', 'all dead batches')
    .action((batchId: string | undefined, { all = false }: { all?: boolean }, discarding: Command) => {
      if (batchId !== undefined && !all) return once(config => discard(config, batchId))()
      if (batchId === undefined && all) return once(discardAll)()
      return discarding.error('error: give the id of a dead batch, or --all')
    })
  // A mistyped subcommand is one. Set last: subcommands inherit it.
  command.allowExcessArguments()
}

const SCOPE = '* for all, an account, or the id of a conversation'

function settingsCommands(program: Command): void {
  const command = program
    .command('settings')
    .description('shows the rules that are stored for all conversations, an account or a conversation')
    .argument('[scope]', SCOPE)
    .option('--json', 'one JSON object a line')
    .action((scope: string | undefined, options: { json?: boolean }) =>
      once(config => showSettings(config, scope, options))(),
    )
  command
    .command('set')
    .description('stores rules of a scope, beside those that it has; all processes go by them within a second')
    .argument('<scope>', SCOPE)
    .argument('<NAME=VALUE...>', 'such as quietGapMs=6000; docs/rules.md lists the names')
    .action((scope: string, given: string[], _options: object, setting: Command) => {
      const wrong = given.find(text => !isAssignment(text))
      if (wrong !== undefined) return setting.error(`error: ${wrong} is not NAME=VALUE: give quietGapMs=6000, say`)
      return once(config => setSettings(config, scope, given))()
    })
  command
    .command('unset')
    .description('removes rules of a scope; without names, all that it has')
    .argument('<scope>', SCOPE)
    .argument('[NAME...]', 'such as quietGapMs')
    .action((scope: string, names: string[]) => once(config => unsetSettings(config, scope, names))())
}

function drainCommand(program: Command): void {
  program
    .command('drain')
    .description('refuses messages until nothing waits and nothing is under way, to change the partitions or the Redis')
    .addOption(new Option('--end', 'accepts messages again').conflicts('relayout'))
    .option('--relayout', 'removes the layout of a drained store, so that LULL_PARTITIONS may change')
    .action((options: DrainOptions) => once(config => drain(config, options))())
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
  return role(context => startUp({ ...context, embedded, directory: process.cwd(), print: printText }), given)
}

/**
 * The settings of a command that is not a role: without REDIS_URL it uses the private Redis of a `lull up` beside it.
 */
const commandConfig = () =>
  withRunningRedis(readConfig(loadEnvironment()), process.cwd(), line => print(line, process.stderr))

/** Runs until a signal, or until its output is closed. Its log goes to standard error. */
async function watch(conversationId: string | undefined, { json = false }: { json?: boolean }): Promise<void> {
  const config = await commandConfig()
  const log = createStderrLog()
  const of = conversationId === undefined ? {} : { conversationId }
  const start = async (lifecycle: Lifecycle) => {
    await startWatch({ config, log, lifecycle, json, ...of })
  }
  try {
    await serve({ log, shutdownMs: config.shutdownMs, start })
  } catch (error) {
    // `lull watch | head`: the reader has ended.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error
  }
}

/**
 * Runs a role until a signal.
 * @param start resolves when the role runs, to what says whether it can do its work
 * @param given settings of the command line, which override the environment
 */
function role(
  start: (context: RoleContext) => Promise<{ ready(): Promise<void> }>,
  given: Environment = {},
): Promise<void> {
  const config = readConfig({ ...loadEnvironment(), ...given })
  const log = createLog({ level: config.logLevel })
  warn(config, log)
  return serve({
    log,
    shutdownMs: config.shutdownMs,
    start: async lifecycle => {
      const metrics = new Metrics(packageVersion())
      await lifecycle.add('the metrics', () => metrics.stop())
      const telemetry = await registeredTelemetry(log)
      const readiness = new Readiness()
      const context = { config, log, lifecycle, metrics, telemetry, readiness }
      await startOps(context)
      const started = await start(context)
      readiness.by(() => started.ready())
    },
  })
}

/** A command that does one thing and ends. Its result goes to standard output. */
const once =
  <Given extends [string?]>(work: (config: Config, ...given: Given) => Promise<string>) =>
  async (...given: Given) => {
    const result = await work(await commandConfig(), ...given)
    if (result !== '') print(result)
  }

const warn = ({ warnings }: Config, log: Logger) => {
  for (const warning of warnings) log.warn({}, warning)
}

/**
 * The command line's logger: pino, one JSON object a line, or lines for people on a terminal. It writes synchronously, so
 * that what a process says last is not lost with it.
 */
import cluster from 'node:cluster'
import { type DestinationStream, type LevelWithSilent, type Logger, pino } from 'pino'
import { prettyFactory } from 'pino-pretty'

const DEPTHS = ['', '*.', '*.*.']
const HUSHED = ['password', 'secret', 'token', 'authorization', 'apiToken', 'appSecret', 'verifyToken', 'cookie']

export interface LogOptions {
  level: LevelWithSilent
  /** Lines for people rather than for programs; by default if standard output is a terminal. */
  forPeople?: boolean
  /** Instead of standard output. */
  destination?: DestinationStream
}

export function createLog({ level, forPeople = process.stdout.isTTY === true, destination }: LogOptions): Logger {
  const showStack = level === 'debug' || level === 'trace'
  const written = destination ?? standardOutput()
  return pino(
    {
      level,
      redact: { paths: DEPTHS.flatMap(depth => HUSHED.map(name => depth + name)), censor: '***' },
      serializers: { err: (error: unknown) => described(error, showStack) },
    },
    forPeople ? linesForPeople(written, destination === undefined) : written,
  )
}

/** PM2's cluster mode stands in for `process.stdout`: what goes round that is missing in the process's own log. */
const standardOutput = (): DestinationStream =>
  cluster.isWorker ? { write: line => void process.stdout.write(line) } : pino.destination({ fd: 1, sync: true })

/** For commands whose standard output is their result: only what goes wrong, on standard error. */
export const createStderrLog = (): Logger =>
  createLog({
    level: 'warn',
    forPeople: process.stderr.isTTY === true,
    destination: pino.destination({ fd: 2, sync: true }),
  })

function linesForPeople(target: DestinationStream, isTerminal: boolean): DestinationStream {
  const format = prettyFactory({
    singleLine: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    errorLikeObjectKeys: [],
    // A line may quote what a stranger wrote: it must not move the cursor, nor pass for two lines.
    messageFormat: (log, key) => String(log[key]).replace(/\p{Cc}/gu, ' '),
    colorize: isTerminal && process.stdout.hasColors?.() === true,
  })
  // Not pino-pretty's own stream: what is in it when the process ends would be lost.
  return { write: line => void target.write(format(line)) }
}

/**
 * What the log says of an error. Not the properties that clients hang on theirs: ioredis adds the command that failed,
 * and that of a wrong password is the password.
 */
function described(error: unknown, showStack: boolean): object {
  if (!(error instanceof Error)) return { message: String(error) }
  return {
    type: error.name,
    message: error.message,
    ...('code' in error ? { code: error.code } : {}),
    ...(showStack ? { stack: error.stack } : {}),
  }
}

/**
 * The command line's logger: pino, one JSON object a line, or lines for people on a terminal. It writes synchronously, so
 * that what a process says last is not lost with it.
 */
import { type DestinationStream, type LevelWithSilent, type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

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
  return pino(
    {
      level,
      redact: { paths: DEPTHS.flatMap(depth => HUSHED.map(name => depth + name)), censor: '***' },
      serializers: { err: (error: unknown) => described(error, showStack) },
    },
    forPeople ? linesForPeople(destination) : (destination ?? pino.destination({ fd: 1, sync: true })),
  )
}

function linesForPeople(destination: DestinationStream | undefined): DestinationStream {
  return pretty({
    sync: true,
    singleLine: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    errorLikeObjectKeys: [],
    destination: destination ?? 1,
  })
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

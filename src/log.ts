/**
 * The command line's logger: pino, with one JSON object a line, or readable lines on a terminal. It writes
 * synchronously, so that the last lines of a process are not lost when it ends.
 */
import cluster from 'node:cluster'
import { type DestinationStream, type LevelWithSilent, type Logger, pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import { escapedJson, inert, written } from './cli/show/escape.js'
import { hasColours } from './cli/show/paint.js'
import { KNOWN, secretNames } from './config/known.js'

/** Fields of these names are not logged: the settings that are secrets, and what else carries one. */
const SECRETS = new Set(['password', 'token', 'authorization', 'cookie', ...secretNames(KNOWN)])
/** How deep a line's objects are searched for them. What is deeper is left out. */
const MOST_DEPTH = 6

export interface LogOptions {
  level: LevelWithSilent
  /** Readable lines instead of JSON; by default if standard output is a terminal. */
  forPeople?: boolean
  /** Instead of standard output. */
  destination?: DestinationStream
}

export function createLog({ level, forPeople = process.stdout.isTTY === true, destination }: LogOptions): Logger {
  const showStack = level === 'debug' || level === 'trace'
  const target = destination ?? standardOutput()
  return pino(
    {
      level,
      formatters: { log: fields => masked(fields, MOST_DEPTH) },
      serializers: { err: (error: unknown) => described(error, showStack) },
    },
    forPeople ? linesForPeople(target, destination === undefined) : escapedLines(target),
  )
}

/** PM2's cluster mode replaces `process.stdout`. Output that bypasses it would be missing from the process's log. */
const standardOutput = (): DestinationStream =>
  cluster.isWorker ? { write: line => void process.stdout.write(line) } : pino.destination({ fd: 1, sync: true })

/** For commands whose standard output is their result: warnings and errors, on standard error. */
export const createStderrLog = (): Logger =>
  createLog({
    level: 'warn',
    forPeople: process.stderr.isTTY === true,
    destination: pino.destination({ fd: 2, sync: true }),
  })

/** Control characters that JSON leaves as they are (C1, bidirectional marks) are escaped, too. */
const escapedLines = (target: DestinationStream): DestinationStream => ({
  write: line => void target.write(escapedJson(line)),
})

function linesForPeople(target: DestinationStream, isTerminal: boolean): DestinationStream {
  const coloured = isTerminal && hasColours(process.stdout)
  const format = prettyFactory({
    singleLine: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    errorLikeObjectKeys: [],
    messageFormat: (log, key) => inert(String(log[key])),
    colorize: coloured,
  })
  // Not pino-pretty's own stream: lines in its buffer would be lost when the process ends.
  return { write: line => void target.write(written(format(line), coloured)) }
}

/** A copy of `fields` without secrets. Pino's `redact` needs 12 µs a line for these names, this less than 1. */
function masked(fields: object, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields))
    copy[name] = SECRETS.has(name) && value !== undefined ? '***' : maskedValue(value, depth - 1)
  return copy
}

function maskedValue(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Error || 'toJSON' in value) return value
  if (depth === 0) return '…'
  return Array.isArray(value) ? value.map(item => maskedValue(item, depth - 1)) : masked(value, depth)
}

/**
 * The fields of an error that are logged. Others are left out: ioredis adds the failed command to its errors, and after
 * a wrong password that command holds the password.
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

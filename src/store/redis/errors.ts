/**
 * What a failed Redis command means: a failure that passes (`StoreUnavailable`), a key of a foreign type
 * (`ForeignKey`), or a defect, whose error is passed on unchanged.
 */
import { StoreUnavailable } from '../store.js'

type Reason = StoreUnavailable['reason']

const REMEDIES: { reason: Reason; starts: string[]; remedy: string }[] = [
  { reason: 'memory', starts: ['OOM'], remedy: 'free memory or raise maxmemory' },
  // The call that should have loaded the script was refused, and this one followed it: nothing was done.
  { reason: 'other', starts: ['NOSCRIPT'], remedy: 'the next call loads the script' },
  // UNBLOCKED: it became a replica, or its stream was deleted, during a blocking read.
  // The last one answers a WAIT: the write before it may be gone.
  {
    reason: 'readonly',
    starts: ['READONLY', 'UNBLOCKED', 'ERR WAIT cannot be used with replica'],
    remedy: 'point REDIS_URL at the primary',
  },
  { reason: 'loading', starts: ['LOADING', 'MASTERDOWN'], remedy: 'it will answer when its data is loaded' },
  { reason: 'busy', starts: ['BUSY', 'UNKILLABLE'], remedy: 'a slow script blocks it: SCRIPT KILL ends one' },
  { reason: 'misconf', starts: ['MISCONF'], remedy: 'see its log: it cannot save' },
  { reason: 'replicas', starts: ['NOREPLICAS'], remedy: 'fewer replicas are connected than min-replicas-to-write' },
  {
    reason: 'moving',
    // The last one is a script of BullMQ's: a key that it declares is still here, and another one has moved.
    starts: ['MOVED', 'ASK ', 'TRYAGAIN', 'ERR Script attempted to access a non local key'],
    remedy: 'the slot moves to another node of the Cluster, or has moved',
  },
  {
    reason: 'cluster',
    // The last two are what ioredis' Cluster says. A defect behind them passes no more than a lost node does.
    starts: ['CLUSTERDOWN', 'Too many Cluster redirections', 'Failed to refresh slots cache'],
    remedy: 'a replica takes over, or `redis-cli --cluster check` names what is missing',
  },
  {
    reason: 'auth',
    starts: [
      ...['NOAUTH', 'WRONGPASS', 'NOPERM', 'ERR invalid password', 'ERR AUTH'],
      // A command that a script calls, on Redis and on Valkey.
      ...['ERR The user executing the script', 'ERR ACL failure in script'],
    ],
    remedy: 'check the user and the password in REDIS_URL or REDIS_PASSWORD, and the rights of that user',
  },
]

const CONNECTION_ENDED = [
  'Connection is closed',
  "Stream isn't writeable",
  'Connection is in closing state',
  'Socket closed',
  'Command aborted due to connection close',
]
const CONNECTION_CODES = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENOENT',
  'ENETUNREACH',
]

/**
 * How ioredis reports that it has asked all Sentinels in vain. The last error is of one that named no primary; without
 * any, each named one that could not be reached.
 */
const NO_PRIMARY = /^All sentinels are unreachable(?:.*Last error: (.*))?/

function sentinelError(text: string, where: string, cause: Error): StoreUnavailable | undefined {
  const match = NO_PRIMARY.exec(text)
  if (!match) return undefined
  const [, last] = match
  const [reason, says]: [Reason, string] =
    last === undefined
      ? ['connection', 'nothing answers where its Sentinels say that the primary is']
      : last.startsWith('ERR No such master')
        ? ['other', 'its Sentinels watch no service of this name: check name= in REDIS_URL']
        : /^(NOAUTH|WRONGPASS|NOPERM)/.test(last)
          ? ['auth', `its Sentinels answer "${last}": check sentinelUsername and sentinelPassword in REDIS_URL`]
          : ['connection', `none of its Sentinels answers (${last})`]
  return new StoreUnavailable(reason, `Redis at ${where} can not be reached: ${says}`, { cause })
}

/** Translates a client's error. @param where the server, as in `redis://127.0.0.1:6379` */
export function redisError(error: unknown, where: string): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  const cause = causeOf(error)
  if (cause) return redisError(cause, where)
  const text = oneLine(error.message)
  const ofSentinel = sentinelError(text, where, error)
  if (ofSentinel) return ofSentinel
  for (const { reason, starts, remedy } of REMEDIES)
    if (starts.some(start => text.startsWith(start)))
      return new StoreUnavailable(reason, `Redis at ${where} answers "${text}": ${remedy}`, { cause: error })
  if (text.startsWith('ERR SELECT is not allowed in cluster mode'))
    return new Error(`Redis at ${where} is a Cluster, which has only database 0: name no other one`, { cause: error })
  if (text === 'Command timed out' || text.startsWith('Socket timeout') || text.startsWith('connect ETIMEDOUT'))
    return new StoreUnavailable('timeout', `Redis at ${where} does not answer in time`, { cause: error })
  const code = 'code' in error ? String(error.code) : ''
  if (
    CONNECTION_CODES.includes(code) ||
    CONNECTION_ENDED.some(start => text.startsWith(start)) ||
    error.name === 'MaxRetriesPerRequestError'
  )
    return new StoreUnavailable('connection', `Redis at ${where} can not be reached${code ? ` (${code})` : ''}`, {
      cause: error,
    })
  return error
}

export const isWrongType = (error: unknown) => error instanceof Error && error.message.includes('WRONGTYPE')

/** Why a transaction was discarded: ioredis keeps the errors of its commands. */
function causeOf(error: Error): Error | undefined {
  if (!error.message.startsWith('EXECABORT') || !('previousErrors' in error)) return undefined
  const { previousErrors } = error
  return Array.isArray(previousErrors) ? previousErrors.find(one => one instanceof Error) : undefined
}

/** A script's error without the script's line number, which Redis adds. */
export function oneLine(message: string): string {
  return message.replace(/\s+script: [0-9a-f]{40}.*$/s, '').split('\n')[0] ?? message
}

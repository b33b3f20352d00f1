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
  { reason: 'readonly', starts: ['READONLY'], remedy: 'point REDIS_URL at the primary' },
  { reason: 'loading', starts: ['LOADING', 'MASTERDOWN'], remedy: 'it will answer when its data is loaded' },
  { reason: 'busy', starts: ['BUSY', 'UNKILLABLE'], remedy: 'a slow script blocks it: SCRIPT KILL ends one' },
  { reason: 'misconf', starts: ['MISCONF', 'NOREPLICAS'], remedy: 'see its log: it cannot save or replicate' },
  {
    reason: 'auth',
    // The last one is for a command that a script calls.
    starts: ['NOAUTH', 'WRONGPASS', 'NOPERM', 'ERR invalid password', 'ERR AUTH', 'ERR The user executing the script'],
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

/** How ioredis reports that no Sentinel named a primary, with the last error, if there was any. */
const NO_PRIMARY = /^All sentinels are unreachable(?:.*Last error: (.*))?/

function sentinelError(text: string, where: string, cause: Error): StoreUnavailable | undefined {
  const match = NO_PRIMARY.exec(text)
  if (!match) return undefined
  const [, last] = match
  const [reason, says]: [Reason, string] =
    last === undefined || last.startsWith('ERR No such master')
      ? ['other', 'its Sentinels watch no service of this name: check name= in REDIS_URL']
      : /^(NOAUTH|WRONGPASS|NOPERM)/.test(last)
        ? ['auth', `its Sentinels answer "${last}": check sentinelUsername and sentinelPassword in REDIS_URL`]
        : ['connection', `none of its Sentinels answers (${last})`]
  return new StoreUnavailable(reason, `Redis at ${where} can not be reached: ${says}`, { cause })
}

/** Translates a client's error. @param where the server, as in `redis://127.0.0.1:6379` */
export function redisError(error: unknown, where: string): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  const text = oneLine(error.message)
  const ofSentinel = sentinelError(text, where, error)
  if (ofSentinel) return ofSentinel
  for (const { reason, starts, remedy } of REMEDIES)
    if (starts.some(start => text.startsWith(start)))
      return new StoreUnavailable(reason, `Redis at ${where} answers "${text}": ${remedy}`, { cause: error })
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

/** A script's error without the script's line number, which Redis adds. */
function oneLine(message: string): string {
  return message.replace(/\s+script: [0-9a-f]{40}.*$/s, '').split('\n')[0] ?? message
}

/**
 * An error as one line for the user who typed the command: what is wrong, with what, and the remedy. Lull's own errors
 * contain all that already. This file adds the remedies that only the command line knows, and explains errors of Node
 * and ioredis.
 */
import { existsSync } from 'node:fs'
import type { Config } from '../config.js'
import { StoreUnavailable } from '../store/store.js'

const PRIVATE_SOCKET = '.lull/redis.sock'
/** How ioredis's parser reports an answer that does not come from Redis. */
const NO_RESP = /^(Protocol error|Unknown RESP type)/
/** A server that closes the connection at the first command. */
const CLOSED_AT_ONCE = /\((EPIPE|ECONNRESET)\)$/
const NOT_REDIS = 'is it Redis that listens there? Check the host and the port in REDIS_URL'

export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { message } = error
  if (error instanceof StoreUnavailable && (error.reason === 'connection' || error.reason === 'timeout'))
    return `${message}: ${CLOSED_AT_ONCE.test(message) ? NOT_REDIS : 'start it there, or set REDIS_URL to where one runs'}`
  if (NO_RESP.test(message)) return `the program at REDIS_URL does not speak Redis's protocol: ${NOT_REDIS}`
  if (message.includes('DB index is out of range'))
    return `REDIS_URL names a database that this Redis does not have ("${message}"): name another, 0 say`
  return message
}

/**
 * The same for a role (api, processor, worker), with the remedy if `lull up` runs in this directory with a private
 * Redis. A role does not use that one unasked: two processes must never use different servers without the user's
 * knowledge.
 */
export function withPrivateRedis(error: unknown, config: Config): unknown {
  const isAway = error instanceof StoreUnavailable && error.reason === 'connection'
  if (!isAway || config.redisIsSet || !existsSync(PRIVATE_SOCKET)) return error
  return new Error(`${error.message}: set REDIS_URL=${PRIVATE_SOCKET} for the Redis that lull up has in this directory`)
}

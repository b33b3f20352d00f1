/**
 * An error as one line for whoever typed the command: what is wrong, with what, and the remedy. Errors of Lull's own say
 * so themselves; here the remedies are added that only the command line knows, and the words for errors of Node's and of
 * ioredis's that have none.
 */
import { StoreUnavailable } from '../store/store.js'

export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof StoreUnavailable && (error.reason === 'connection' || error.reason === 'timeout'))
    return `${error.message}: start it there, or set REDIS_URL to where one runs`
  if (/^Protocol error/.test(error.message))
    return `what answers is not Redis (${error.message}): check the host and the port in REDIS_URL`
  return error.message
}

/** The first line of a text, without what would move a terminal's cursor. */
export function oneLine(text: string): string {
  const line = text.split(/\r?\n/).find(candidate => candidate.trim() !== '') ?? 'unknown error'
  return line.replace(/\p{Cc}/gu, ' ').trim()
}

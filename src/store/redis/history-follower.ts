/** Reads the history as it is written. */
import type { Redis } from 'ioredis'
import type { Logger } from '../../logger.js'
import type { HistoryEntry } from '../store.js'
import { disconnect } from './connection.js'
import type { Beside } from './link.js'
import { historyEntry } from './reads.js'
import { StreamFollower } from './stream-follower.js'

const BLOCK_MS = 25_000
const ENTRIES_A_READ = 500
const RETRY_MS = 500

/** The client's options: a read is silent for as long as it blocks, so only the socket has a timeout. */
export const FOLLOWING_OPTIONS = { commandTimeout: undefined, socketTimeout: BLOCK_MS * 2 } as const

export function historyFollower(
  client: Redis,
  key: string,
  listener: (entry: HistoryEntry) => void,
  log: Logger,
): Beside {
  // The store's own connection reports the server's outage.
  client.on('error', () => {})
  const follower = new StreamFollower(client, {
    key,
    blockMs: BLOCK_MS,
    entriesARead: ENTRIES_A_READ,
    retryMs: RETRY_MS,
    onEntry: (id, fields) => listener(historyEntry(id, fields)),
    onError: error => log.debug({ err: error }, 'the history could not be read; trying again'),
  })
  return {
    start: () => follower.start(),
    async stop() {
      follower.stop()
      // QUIT would wait until the blocking read ends.
      if (client.status === 'ready') client.disconnect()
      else await disconnect(client)
    },
  }
}

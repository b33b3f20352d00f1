/** Reads the history as it is written. */
import type { Redis } from 'ioredis'
import type { Logger } from '../../logger.js'
import { type HistoryEntry, StoreUnavailable } from '../store.js'
import { disconnect } from './connection.js'
import type { Beside } from './link.js'
import { historyEntry } from './reads.js'
import { StreamFollower } from './stream-follower.js'
import type { ChannelListener } from './subscription.js'

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

const ENTRIES_A_PAGE = 500

export interface HistoryReader extends ChannelListener {
  /** Resolves when every entry from now on will be read; of a server that is away: from when it is subscribed to. */
  start(): Promise<void>
  stop(): void
}

/**
 * Reads the history of a partition each time its channel says that there is more: a blocking read would take a
 * connection for each partition. It starts after the last entry. After an outage it goes on where it was.
 * @param read runs a command that changes nothing
 */
export function historyReader(
  read: <Reply>(work: (client: Redis) => Promise<Reply>) => Promise<Reply>,
  key: string,
  listener: (entry: HistoryEntry) => void,
  log: Logger,
): HistoryReader {
  let lastId: string | undefined
  let isAsked = false
  let isReading = false
  let isStopped = false
  const readLast = async () => {
    const [last] = await read(client => client.xrevrange(key, '+', '-', 'COUNT', 1))
    return last ? last[0] : '0-0'
  }
  const readAll = async () => {
    while (isAsked && !isStopped) {
      isAsked = false
      const after = lastId ?? (await readLast())
      lastId = after
      const entries = await read(client => client.xrange(key, `(${after}`, '+', 'COUNT', ENTRIES_A_PAGE))
      for (const [id, fields] of entries) {
        if (isStopped) return
        lastId = id
        listener(historyEntry(id, fields))
      }
      if (entries.length === ENTRIES_A_PAGE) isAsked = true
    }
  }
  const ask = async () => {
    isAsked = true
    if (isReading) return
    isReading = true
    try {
      await readAll()
    } catch (error) {
      log.debug({ err: error }, 'the history could not be read; trying again')
      setTimeout(ask, RETRY_MS).unref()
    }
    isReading = false
  }
  return {
    channels: [key],
    onSubscribed: () => void ask(),
    onMessage: () => void ask(),
    async start() {
      try {
        lastId = await readLast()
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
      }
    },
    stop() {
      isStopped = true
    },
  }
}

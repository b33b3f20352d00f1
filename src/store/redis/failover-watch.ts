/**
 * Leaves a primary as soon as its Sentinels have replaced it. Until it is made a replica, some seconds later, the old
 * primary takes writes that are lost with it.
 *
 * One connection to each Sentinel serves all clients of a process. ioredis has a `failoverDetector`, which opens one
 * to each Sentinel for each client, leaves them open after QUIT, prints their errors, and closes connections to the
 * new primary too.
 */
import { Redis, type RedisOptions } from 'ioredis'
import { hostAndPort } from './address.js'

interface Watch {
  sentinels: Redis[]
  clients: Set<Redis>
}

const SWITCHED = '+switch-master'
const LONGEST_RECONNECT_MS = 5000

/** By the Sentinels' addresses and credentials. Empty while no client of Sentinel is open. */
const watches = new Map<string, Watch>()

/** From its first connection until its end, `client` reconnects when its primary has been replaced. */
export function leaveReplacedPrimary(client: Redis): void {
  const key = keyOf(client.options)
  client.on('ready', () => {
    const watch = watches.get(key) ?? begin(key, client.options)
    watch.clients.add(client)
  })
  client.on('end', () => {
    const watch = watches.get(key)
    if (!watch?.clients.delete(client) || watch.clients.size > 0) return
    watches.delete(key)
    for (const sentinel of watch.sentinels) sentinel.disconnect()
  })
}

const keyOf = ({ sentinels, sentinelUsername, sentinelPassword, sentinelTLS }: RedisOptions) =>
  JSON.stringify([sentinels, sentinelUsername, sentinelPassword, Boolean(sentinelTLS)])

function begin(key: string, options: RedisOptions): Watch {
  const { sentinels = [], sentinelUsername, sentinelPassword, sentinelTLS, family, connectionName } = options
  const clients = new Set<Redis>()
  const settings: RedisOptions = {
    ...(sentinelUsername ? { username: sentinelUsername } : {}),
    ...(sentinelPassword ? { password: sentinelPassword } : {}),
    ...(sentinelTLS ? { tls: sentinelTLS } : {}),
    ...(family ? { family } : {}),
    ...(connectionName ? { connectionName } : {}),
    enableReadyCheck: false,
    maxRetriesPerRequest: null,
    retryStrategy: times => Math.min(times * 100, LONGEST_RECONNECT_MS),
  }
  const follow = ({ host = '127.0.0.1', port = 26_379 }: Partial<{ host: string; port: number }>) => {
    const sentinel = new Redis({ ...settings, host, port })
    // A Sentinel that is away is no trouble while another one answers, and the clients report that none does.
    sentinel.on('error', () => {})
    sentinel.on('message', (_channel: string, message: string) => replaced(clients, message))
    sentinel.subscribe(SWITCHED).catch(() => {})
    return sentinel
  }
  const watch = { sentinels: sentinels.map(follow), clients }
  watches.set(key, watch)
  return watch
}

/** @param message `<service> <old host> <old port> <new host> <new port>` */
function replaced(clients: Set<Redis>, message: string): void {
  const [service, , , host = '', port] = message.split(' ')
  const primary = hostAndPort({ host, port: Number(port) })
  for (const { options, stream } of clients) {
    if (options.name !== service || !stream) continue
    const { remoteAddress = '', remotePort = 0 } = stream
    // Not by QUIT: what the old primary still acknowledges is lost.
    if (hostAndPort({ host: remoteAddress, port: remotePort }) !== primary) stream.destroy()
  }
}

/**
 * What the checks look at, read once: the store, the connected clients, the history, and what processes published about
 * themselves. If a service refuses a command, its result is `undefined`, and each check says what it can without it.
 */
import type { Redis } from 'ioredis'
import type { Config } from '../config.js'
import { FUNCTION } from '../handover/function.js'
import type { HistoryEntry } from '../history/steps.js'
import type { Presence } from '../presence/presence.js'
import { presencesFrom, presencesOn } from '../presence/read.js'
import { processName } from '../process-name.js'
import { PartitionedStore } from '../store/partitioned/store.js'
import { databaseOf } from '../store/redis/address.js'
import { type ConnectedClient, clientsOf } from '../store/redis/clients.js'
import { addressOf, connect, createClient, disconnect } from '../store/redis/connection.js'
import { ownerSources } from '../store/redis/owner-source.js'
import { factsOf } from '../store/redis/server.js'
import type { StoreIdentity } from '../store/store.js'

export interface Process {
  name: string
  role: string
  /** Databases that its connections use. */
  dbs: Set<number>
}

export interface Server {
  client: Redis
  /** Never with credentials. */
  address: string
  facts: Map<string, string>
  /** Absent if `CLIENT LIST` is refused. */
  clients: ConnectedClient[] | undefined
}

export interface Surroundings {
  config: Config
  store: PartitionedStore
  identity: StoreIdentity
  /** That has what the whole store has once. `clients` are those of all servers. */
  server: Server
  /** All that have keys of the store and can be reached: one, or the primaries of a Cluster. */
  servers: Server[]
  /** The queue's server, if it is another one or another database, and can be reached. */
  queueServer: Server | undefined
  queueDb: number
  /** By process name, of this prefix. */
  presences: Map<string, Presence>
  /** The last steps of all batches, newest first, at most `HISTORY_READ`. Read at the first call. */
  history(): Promise<HistoryEntry[]>
  /** The present by Redis's clock. Read at the first call. */
  nowMs(): Promise<number>
}

/** About as many as the history keeps. */
export const HISTORY_READ = 10_000

/** The remedy for processes that use different databases. */
export const ONE_ADDRESS =
  'give all of them one REDIS_URL (under PM2: pm2 reload ecosystem.config.cjs --update-env), and compare their first log lines'

/** @throws one line that names what is wrong with the Redis and the remedy */
export async function openSurroundings(
  config: Config,
): Promise<{ surroundings: Surroundings; close: () => Promise<void> }> {
  const { redis, prefix, rules, handover, partitions, waitReplicas } = config
  const queueRedis = handover.queue?.redis
  const name = processName('doctor')
  const store = new PartitionedStore({ redis, prefix, rules, partitions, waitReplicas, name, role: 'doctor' })
  const opened: Redis[] = []
  const close = async () => {
    for (const client of opened) await disconnect(client)
    await store.close()
  }
  try {
    const identity = await store.open()
    const servers = await serversOf(store, opened)
    const server = together(store, servers)
    // The check `queue-redis` says whether it can be reached.
    const queueOf = async (source: NonNullable<typeof queueRedis>) =>
      serverOf(createClient((await ownerSources(source, name)).of(prefix), name), opened)
    const queueServer = queueRedis && (await queueOf(queueRedis).catch(() => undefined))
    const presences = presencesFrom(await store.processes.all())
    if (queueServer)
      for (const [other, presence] of await presencesOn(queueServer.client, prefix)) presences.set(other, presence)
    const queueDb = databaseOf(queueRedis ?? redis)
    const history = once(() => store.history({ limit: HISTORY_READ }))
    const nowMs = once(async () => Number((await server.client.time())[0]) * SECOND_MS)
    const read = { config, store, identity, server, servers, queueServer, queueDb, presences, history, nowMs }
    return { surroundings: { ...read, config: asTheyRun(read) }, close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * This environment's settings. Without `LULL_HANDOVER` they are read as `lull up` reads them: without the package bullmq
 * it has no queue and calls its handler, so there is no queue to check.
 */
function asTheyRun(read: Surroundings): Config {
  const { config } = read
  const live = [...livePresences(read).values()]
  const callTheirHandler = live.length > 0 && live.every(({ settings }) => settings['LULL_HANDOVER'] === FUNCTION)
  if (config.handoverIsSet || !callTheirHandler) return config
  return { ...config, handover: { ...config.handover, kind: FUNCTION, shared: {}, queue: undefined } }
}

const SECOND_MS = 1000

/** Calls `read` at the first call, and returns the same promise from then on. */
function once<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined
  return () => {
    reading ??= read()
    return reading
  }
}

/** A primary of a Cluster that is away is left out: the check `cluster` names its slots. */
async function serversOf({ nodes }: PartitionedStore, opened: Redis[]): Promise<Server[]> {
  const ready = nodes.all.filter(({ isReady }) => isReady)
  return Promise.all(ready.map(node => serverOf(node.newClient(), opened)))
}

/** The home's server, with the clients of all. */
function together({ home }: PartitionedStore, servers: Server[]): Server {
  const own = servers.find(({ address }) => address === home.server) ?? servers[0]
  if (!own) throw new Error('no server of the store can be reached')
  const clients = servers.flatMap(server => server.clients ?? [])
  return { ...own, clients: servers.some(server => server.clients === undefined) ? undefined : clients }
}

async function serverOf(client: Redis, opened: Redis[]): Promise<Server> {
  opened.push(client)
  // Each command rejects by itself.
  client.on('error', () => {})
  await connect(client)
  const facts = factsOf(await client.info())
  // Some services refuse CLIENT LIST.
  const clients = await clientsOf(client).catch(() => undefined)
  return { client, address: addressOf(client), facts, clients }
}

const PROCESS_NAME = /^lull\.(api|processor|worker)\./

/** The roles of Lull among the clients; commands such as doctor do not count. */
export function processesAmong(clients: ConnectedClient[]): Process[] {
  const found = new Map<string, Process>()
  for (const { name, db } of clients) {
    const role = PROCESS_NAME.exec(name)?.[1]
    if (role === undefined) continue
    const process = found.get(name) ?? { name, role, dbs: new Set() }
    process.dbs.add(db)
    found.set(name, process)
  }
  return [...found.values()]
}

/** Processes that published their settings and are still connected, if Redis shows its clients. */
export function livePresences({ presences, server, queueServer }: Surroundings): Map<string, Presence> {
  if (!server.clients) return presences
  const connected = new Set([...server.clients, ...(queueServer?.clients ?? [])].map(({ name }) => name))
  return new Map([...presences].filter(([name]) => connected.has(name)))
}

/**
 * What the checks look at, read once: the store, who is connected, what processes say of themselves. Where a service
 * refuses to tell something, that is `undefined`, and each check says what it can without.
 */
import type { Redis, RedisOptions } from 'ioredis'
import type { Config } from '../config.js'
import { type Presence, presenceSchema } from '../presence/presence.js'
import { processName } from '../process-name.js'
import { type ConnectedClient, clientsOf } from '../store/redis/clients.js'
import { connect, createClient, disconnect } from '../store/redis/connection.js'
import { factsOf } from '../store/redis/server.js'
import { RedisStore } from '../store/redis/store.js'
import type { StoreIdentity } from '../store/store.js'

export interface Process {
  name: string
  role: string
  /** Databases that its connections stand on. */
  dbs: Set<number>
}

export interface Server {
  client: Redis
  facts: Map<string, string>
  /** Absent where `CLIENT LIST` is refused. */
  clients: ConnectedClient[] | undefined
}

export interface Surroundings {
  config: Config
  store: RedisStore
  identity: StoreIdentity
  server: Server
  /** The queue's server, where it is another one or another database, and can be reached. */
  queueServer: Server | undefined
  queueDb: number
  /** By process name, of this prefix. */
  presences: Map<string, Presence>
}

/** @throws one line that names what is wrong with the Redis and the remedy */
export async function openSurroundings(
  config: Config,
): Promise<{ surroundings: Surroundings; close: () => Promise<void> }> {
  const { redis, prefix, rules, handover } = config
  const queueRedis = handover.queue?.redis
  const name = processName('doctor')
  const store = new RedisStore({ redis, prefix, rules, name })
  const opened: Redis[] = []
  const close = async () => {
    for (const client of opened) await disconnect(client)
    await store.close()
  }
  try {
    const identity = await store.open()
    const server = await serverOf(redis, name, opened)
    // Whether it can be reached is a check of its own.
    const queueServer = queueRedis ? await serverOf(queueRedis, name, opened).catch(() => undefined) : undefined
    const presences = await presencesOf(server.client, store.keys.processes)
    if (queueServer)
      for (const [other, presence] of await presencesOf(queueServer.client, store.keys.processes))
        presences.set(other, presence)
    const queueDb = queueRedis?.db ?? redis.db ?? 0
    return { surroundings: { config, store, identity, server, queueServer, queueDb, presences }, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function serverOf(redis: RedisOptions, name: string, opened: Redis[]): Promise<Server> {
  const client = createClient(redis, name)
  opened.push(client)
  // What a command meets, its caller hears.
  client.on('error', () => {})
  await connect(client)
  const facts = factsOf(await client.info())
  // Not every service tells who is connected.
  const clients = await clientsOf(client).catch(() => undefined)
  return { client, facts, clients }
}

/** What is no presence of this version's is left out. */
export async function presencesOf(client: Redis, key: string): Promise<Map<string, Presence>> {
  const presences = new Map<string, Presence>()
  for (const [name, text] of Object.entries(await client.hgetall(key))) {
    const parsed = presenceSchema.safeParse(parseJson(text))
    if (parsed.success) presences.set(name, parsed.data)
  }
  return presences
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Somebody else's: it says nothing to us.
    return undefined
  }
}

const PROCESS_NAME = /^lull\.(api|processor|worker)\./

/** Lull's own processes among the clients: doctor and other commands are not. */
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

/** Those whose settings are known, and, where Redis tells, who are connected still. */
export function livePresences({ presences, server, queueServer }: Surroundings): Map<string, Presence> {
  if (!server.clients) return presences
  const connected = new Set([...server.clients, ...(queueServer?.clients ?? [])].map(({ name }) => name))
  return new Map([...presences].filter(([name]) => connected.has(name)))
}

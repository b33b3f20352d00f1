/** The benchmarks' servers: a Redis for each peer, PostgreSQL if it is installed, and the CPU that Redis has used. */
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { SLOTS, slotOf } from '../src/store/redis/slots.js'
import { startCluster, type TestCluster } from '../test/support/cluster.js'
import { findRedisBinary, freePort, startLocalRedis } from '../test/support/redis-servers.js'

const run = promisify(execFile)
const PRIMARIES = 3
const stops: (() => Promise<unknown>)[] = []

export interface Server {
  url: string
  admin: Redis
  /** Of a Cluster: a connection to each primary. Equal ranges of slots belong to them, in this order. */
  primaries?: Redis[]
  stop(): Promise<void>
}

/** @throws if there is no redis-server or valkey-server on PATH */
export async function startRedis(): Promise<Server> {
  const binary = await findRedisBinary()
  if (!binary) throw new Error('redis-server is not on PATH: install Redis 7.0 or later')
  const server = await startLocalRedis(binary)
  const admin = new Redis(server.url)
  let stopped: Promise<void> | undefined
  const stop = () => {
    admin.disconnect()
    stopped ??= server.stop()
    return stopped
  }
  stops.push(stop)
  return { url: server.url, admin, stop }
}

export interface Spent {
  /** Microseconds of Redis's CPU. */
  cpuUs: number
  commands: number
}

export interface BenchCluster extends Server {
  primaries: Redis[]
  cluster: TestCluster
}

/** Three primaries. Without replicas: their CPU is what is measured. */
export async function startBenchCluster({ replicas = 0 } = {}): Promise<BenchCluster> {
  const cluster = await startCluster({ replicas })
  const primaries = cluster.nodes.slice(0, PRIMARIES).map(({ url }) => new Redis(url))
  const [admin] = primaries
  if (!admin) throw new Error('the Cluster has no node')
  let stopped: Promise<void> | undefined
  const stop = () => {
    for (const primary of primaries) primary.disconnect()
    stopped ??= cluster.stop()
    return stopped
  }
  stops.push(stop)
  return { url: cluster.url, admin, primaries, cluster, stop }
}

/** The connection to the primary that has a key. */
export function nodeOf({ admin, primaries = [admin] }: Server, key: string): Redis {
  const slot = slotOf(key)
  return primaries.findLast((_, i) => slot >= Math.round((i * SLOTS) / primaries.length)) ?? admin
}

/** Of all primaries together. */
export async function spentOn({ admin, primaries = [admin] }: Server): Promise<Spent> {
  const all = await Promise.all(primaries.map(spentOf))
  return {
    cpuUs: all.reduce((sum, { cpuUs }) => sum + cpuUs, 0),
    commands: all.reduce((sum, { commands }) => sum + commands, 0),
  }
}

export async function spentOf(admin: Redis): Promise<Spent> {
  const info = `${await admin.info('cpu')}\n${await admin.info('stats')}`
  const figure = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? Number.NaN)
  return {
    cpuUs: (figure('used_cpu_user') + figure('used_cpu_sys')) * 1e6,
    commands: figure('total_commands_processed'),
  }
}

export async function pidOf({ admin }: Server): Promise<number> {
  return Number(/^process_id:(\d+)/m.exec(await admin.info('server'))?.[1])
}

export async function emptied({ admin, primaries = [admin] }: Server): Promise<void> {
  await Promise.all(primaries.map(node => node.flushall()))
}

export interface Connected {
  /** Of Lull's processes, to all primaries. */
  connections: number
  subscriptions: number
}

export async function connectedTo({ admin, primaries = [admin] }: Server): Promise<Connected> {
  const lists = await Promise.all(primaries.map(async node => String(await node.client('LIST'))))
  const clients = lists.flatMap(list => list.split('\n')).filter(line => / name=lull\./.test(line))
  const subscribed = (line: string) =>
    [...line.matchAll(/ s?p?sub=(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0)
  return { connections: clients.length, subscriptions: clients.reduce((sum, line) => sum + subscribed(line), 0) }
}

/** What Redis has spent on publishing: a part of the scripts' time. */
export async function publishedUs({ admin, primaries = [admin] }: Server): Promise<number> {
  const stats = await Promise.all(primaries.map(node => node.info('commandstats')))
  const published = [...stats.join('\n').matchAll(/^cmdstat_s?publish:calls=\d+,usec=(\d+)/gm)]
  return published.reduce((sum, [, us]) => sum + Number(us), 0)
}

/** Writes unrelated keys with a TTL of an hour: they are what makes expiry by sampling late. */
export async function populate(admin: Redis, count: number): Promise<void> {
  const STEP = 20_000
  for (let from = 0; from < count; from += STEP)
    await admin.eval(
      `for i = ARGV[1], ARGV[2] do redis.call('SET', 'unrelated:' .. i, 'x', 'PX', 3600000 + i % 1000) end`,
      0,
      from,
      Math.min(from + STEP, count) - 1,
    )
}

/** Starts a PostgreSQL on a free port; `undefined` if it is not installed. */
export async function startPostgres(): Promise<string | undefined> {
  const bin = await postgresBin()
  if (!bin) return undefined
  const dir = await mkdtemp(join(tmpdir(), 'lull-bench-postgres-'))
  const user = await unprivileged()
  if (user) await chown(dir, user.uid, user.gid)
  const as = { cwd: dir, ...user }
  await run(join(bin, 'initdb'), ['-D', join(dir, 'data'), '-A', 'trust', '-U', 'bench', '--no-sync'], as)
  const port = await freePort()
  const args = ['-D', join(dir, 'data'), '-p', String(port), '-k', dir, '-h', '127.0.0.1']
  const tuned = ['-c', 'synchronous_commit=off', '-c', 'fsync=off', '-c', 'max_connections=200']
  const server = spawn(join(bin, 'postgres'), [...args, ...tuned], { ...as, stdio: 'ignore' })
  const exit = new Promise(resolve => server.once('exit', resolve))
  stops.push(async () => {
    server.kill('SIGINT')
    await exit
    await rm(dir, { recursive: true, force: true })
  })
  const url = `postgres://bench@127.0.0.1:${port}/postgres`
  for (let attempt = 0; attempt < 100; attempt++) {
    const ready = await run(join(bin, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port)]).catch(() => undefined)
    if (ready) return url
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error(`PostgreSQL did not start in ${dir}`)
}

/** In reverse order. */
export async function stopServers(): Promise<void> {
  for (const stop of stops.splice(0).reverse()) await stop()
}

async function postgresBin(): Promise<string | undefined> {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? (await readdir(debian)).sort((a, b) => Number(b) - Number(a)) : []
  const places = [
    ...versions.map(version => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ]
  return places.find(place => ['initdb', 'postgres', 'pg_isready'].every(name => existsSync(join(place, name))))
}

/** PostgreSQL refuses to run as root. Debian's package creates a user for it. */
async function unprivileged(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const [uid, gid] = await Promise.all(['-u', '-g'].map(flag => run('id', [flag, 'postgres'])))
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) }
}

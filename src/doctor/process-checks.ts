/**
 * Checks of who is there: API servers, processors and workers, the database each stands on, the settings each runs with.
 * Two processes that "see different data" show here.
 */

import type { QueueSettings } from '../handover/kind.js'
import { fingerprintOf, MARK_HEADER, type Presence, type Settings, sharedSettings } from '../presence/presence.js'
import { Keys } from '../store/redis/keys.js'
import { counted, degraded, type Finding, ok, wrong } from './finding.js'
import { livePresences, type Process, presencesOf, processesAmong, type Surroundings } from './surroundings.js'

const ONE_ADDRESS =
  'give all of them one REDIS_URL (under PM2: pm2 reload ecosystem.config.cjs --update-env), and compare their first log lines'

const short = (name: string) => name.replace(/^lull\./, '')
const listed = (names: string[]) => names.map(short).sort().join(', ')

export async function connected(surroundings: Surroundings): Promise<Finding[]> {
  const { server, queueServer, identity, config } = surroundings
  if (!server.clients)
    return [
      degraded(
        'processes',
        'CLIENT LIST is refused here: nobody sees who is connected',
        'allow it to this user (ACL SETUSER … +client|list); where a service has none, compare the first log line of each process',
      ),
    ]
  const processes = processesAmong(server.clients)
  const here = processes.filter(({ role, dbs }) => role !== 'worker' && dbs.has(identity.db))
  const apis = here.filter(({ role }) => role === 'api')
  const processors = here.filter(({ role }) => role === 'processor')
  const workers = processesAmong(queueServer?.clients ?? server.clients).filter(
    ({ role, dbs }) => role === 'worker' && dbs.has(surroundings.queueDb),
  )
  const { queue } = config.handover
  const strays = straysAmong(processes, identity.db)
  return [
    apis.length > 0
      ? ok('apis', `${counted(apis.length, 'API')}: ${listed(apis.map(({ name }) => name))}`)
      : degraded(
          'apis',
          `no API server is connected to database ${identity.db} here`,
          `start one (lull api); if one runs, it stands elsewhere: ${ONE_ADDRESS}. Programs that append by the library are not counted`,
        ),
    processors.length > 0
      ? ok('processors', `${counted(processors.length, 'processor')}: ${listed(processors.map(({ name }) => name))}`)
      : wrong(
          'processors',
          `no processor is connected to database ${identity.db} here: nothing is released${standing(strays)}`,
          `start one (lull processor); if one runs, it stands elsewhere: ${ONE_ADDRESS}. ${THEY_STAY}`,
        ),
    ...(queue ? [await workersOf(surroundings, workers, queue)] : []),
    ...elsewhere(identity.db, strays),
  ]
}

const THEY_STAY = 'Messages that wait on a database stay there until a processor runs on it'

async function workersOf(
  { queueServer, server }: Surroundings,
  workers: Process[],
  { name, prefix }: QueueSettings,
): Promise<Finding> {
  const check = 'workers'
  if (workers.length > 0)
    return ok(check, `${counted(workers.length, 'worker')}: ${listed(workers.map(({ name }) => name))}`)
  const { client, clients = [] } = queueServer ?? server
  // How BullMQ's own workers name their connections.
  const named = `${prefix}:${Buffer.from(name).toString('base64')}`
  const others = clients.filter(other => other.name.startsWith(named)).length
  if (others > 0) return ok(check, `workers of queue ${name}: ${counted(others, 'connection')} of BullMQ’s`)
  const waiting = await client.llen(`${prefix}:${name}:wait`)
  const remedy = 'start one (lull worker, or a BullMQ worker of your own on the same queue and Redis)'
  return waiting > 0
    ? wrong(
        check,
        `no worker of queue ${name} is connected, and ${counted(waiting, 'batch waits', 'batches wait')} for one`,
        remedy,
      )
    : degraded(check, `no worker of queue ${name} is connected`, remedy)
}

/** Who stands on other databases of this server only: by database. Workers where the others are: a queue may be anywhere. */
function straysAmong(processes: Process[], db: number): Map<number, Process[]> {
  const strays = processes.filter(({ dbs }) => !dbs.has(db))
  const dbs = new Set(strays.flatMap(stray => (stray.role === 'worker' ? [] : [...stray.dbs])))
  return new Map([...dbs].sort((a, b) => a - b).map(other => [other, strays.filter(({ dbs }) => dbs.has(other))]))
}

const namesOf = (processes: Process[]) => listed(processes.map(({ name }) => name))

/** `; database 0 has api.vm.12, processor.vm.13` */
const standing = (strays: Map<number, Process[]>) =>
  [...strays].map(([db, there]) => `; database ${db} has ${namesOf(there)}`).join('')

/** Processes of this server that stand on other databases only: strays, or a whole other system. */
function elsewhere(db: number, strays: Map<number, Process[]>): Finding[] {
  return [...strays].map(([other, there]) => {
    const roles = new Set(there.map(({ role }) => role))
    const says = `on database ${other} of the same Redis: ${namesOf(there)}`
    if (roles.has('api') && roles.has('processor'))
      return degraded(
        'databases',
        `${says}: another whole system, it seems`,
        'give it a LULL_PREFIX of its own: Pub/Sub knows no databases',
      )
    return wrong(
      'databases',
      `${says}, and this is database ${db}: they do not see each other's batches`,
      `${ONE_ADDRESS}. ${THEY_STAY}`,
    )
  })
}

/** An API that answers where the settings say it listens, but stands on another Redis: that shows nowhere else. */
export async function apiHere(surroundings: Surroundings): Promise<Finding[]> {
  const { config, server, identity } = surroundings
  const { host: listensAt, port } = config.api
  if (port === 0) return []
  const host = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[listensAt] ?? listensAt
  const url = `http://${host}:${port}`
  const mark = await markAt(url)
  if (mark === undefined) return []
  const live = livePresences(surroundings)
  if ([...live.values()].some(presence => presence.mark === mark))
    return [ok('api-here', `the API at ${url} stands on this Redis and database`)]
  // One that is connected and says nothing of itself (somebody has emptied the database) may be that one.
  const silent = processesAmong(server.clients ?? []).filter(
    ({ name, role, dbs }) => role === 'api' && dbs.has(identity.db) && live.get(name)?.mark === undefined,
  )
  if (silent.length > 0) return []
  return [wrong('api-here', `the API at ${url} stands on another Redis, database or prefix than this one`, ONE_ADDRESS)]
}

const API_WITHIN_MS = 2000

/** `undefined` where nothing answers, or something that is not Lull's. */
async function markAt(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/livez`, { signal: AbortSignal.timeout(API_WITHIN_MS) })
    await response.body?.cancel()
    return response.headers.get(MARK_HEADER) ?? undefined
  } catch {
    // Nothing listens there: the API may well be on another machine.
    return undefined
  }
}

export function settings(surroundings: Surroundings): Finding {
  const check = 'settings'
  const live = livePresences(surroundings)
  const own = sharedSettings(surroundings.config)
  const prints = new Set([...live.values()].map(({ fingerprint }) => fingerprint))
  const remedy =
    'restart them with one environment; PM2 keeps the old one unless told: pm2 reload ecosystem.config.cjs --update-env, then pm2 save'
  if (prints.size === 0) return ok(check, `no process says what it runs with; here it is ${fingerprintOf(own)}`)
  if (prints.size > 1) {
    const says = `${counted(live.size, 'process', 'processes')} run with ${prints.size} different settings`
    return { ...wrong(check, says, remedy), details: differences(live) }
  }
  const [theirs] = live.values()
  if (theirs && theirs.fingerprint !== fingerprintOf(own)) {
    const says = `${counted(live.size, 'process runs', 'processes run')} with ${theirs.fingerprint}, and this environment says otherwise`
    const otherwise = `run doctor with the environment that they have, or, if this is the newer one, ${remedy}`
    return { ...degraded(check, says, otherwise), details: changed(theirs.settings, own) }
  }
  return ok(check, `settings ${fingerprintOf(own)} in ${counted(live.size, 'process', 'processes')}, and here`)
}

/** A line a setting: `LULL_QUIET_GAP_MS=5000 in api.host.12, 10000 in processor.host.13` */
function differences(live: Map<string, Presence>): string[] {
  const processes = [...live].sort(([a], [b]) => (a < b ? -1 : 1))
  return differing([...live.values()].map(presence => presence.settings)).map(name => {
    const byValue = new Map<string, string[]>()
    for (const [process, presence] of processes) {
      const value = String(presence.settings[name] ?? 'unset')
      byValue.set(value, [...(byValue.get(value) ?? []), process])
    }
    return `${name}=${[...byValue].map(([value, processes]) => `${value} in ${listed(processes)}`).join(', ')}`
  })
}

const changed = (theirs: Settings, own: Settings): string[] =>
  differing([theirs, own]).map(name => `${name}=${theirs[name] ?? 'unset'} there, ${own[name] ?? 'unset'} here`)

/** Names of the settings that are not the same in all; of two kinds of handover not those that only one of them has. */
function differing(all: Settings[]): string[] {
  const differs = (name: string) => new Set(all.map(settings => settings[name])).size > 1
  const kindsDiffer = differs('LULL_HANDOVER')
  const isOfOneKind = (name: string) => kindsDiffer && all.some(settings => settings[name] === undefined)
  return [...new Set(all.flatMap(Object.keys))].filter(name => differs(name) && !isOfOneKind(name))
}

const SUFFIX = '.next-due'
const PREFIXES_LOOKED_AT = 20

/** Processes that are on this database under another prefix, as far as somebody listens there. */
export async function prefixes(surroundings: Surroundings): Promise<Finding[]> {
  const { server, store, identity, presences } = surroundings
  if (!server.clients) return []
  const channels: unknown = await server.client.pubsub('CHANNELS', `*${SUFFIX}`).catch(() => [])
  const others = (Array.isArray(channels) ? channels : [])
    .map(String)
    .filter(channel => channel !== store.keys.nextDue)
    .slice(0, PREFIXES_LOOKED_AT)
  const here = processesAmong(server.clients).filter(({ name, dbs }) => dbs.has(identity.db) && !presences.has(name))
  const findings: Finding[] = []
  for (const channel of others) {
    const prefix = channel.slice(0, -SUFFIX.length)
    const known = await presencesOf(server.client, new Keys(prefix).processes).catch(() => new Map<string, Presence>())
    const there = here.filter(({ name }) => known.has(name))
    if (there.length === 0) continue
    const roles = new Set(there.map(({ role }) => role))
    const says = `with LULL_PREFIX=${prefix}: ${listed(there.map(({ name }) => name))}`
    const remedy = `set one LULL_PREFIX for all (here it is ${identity.prefix})`
    findings.push(
      roles.has('api') && roles.has('processor')
        ? ok('prefixes', `another whole system ${says}`)
        : wrong('prefixes', `${says}: those do not see the batches of ${identity.prefix}`, remedy),
    )
  }
  return findings
}

export async function listeners({ server, store, identity }: Surroundings): Promise<Finding> {
  const check = 'listeners'
  const channel = store.keys.nextDue
  const reply: unknown = await server.client.pubsub('NUMSUB', channel).catch(() => undefined)
  if (!Array.isArray(reply))
    return degraded(
      check,
      `PUBSUB is refused here: nobody sees who listens to ${channel}`,
      'allow it to this user (+pubsub|numsub)',
    )
  const count = Number(reply[1] ?? 0)
  const isProcessor = ({ role, dbs }: Process) => role === 'processor' && dbs.has(identity.db)
  if (count > 0 && server.clients && !processesAmong(server.clients).some(isProcessor))
    return degraded(
      check,
      `${count} listening to ${channel}, of other databases: Pub/Sub knows none, and no processor stands on this one`,
      `start a processor on database ${identity.db} (lull processor)`,
    )
  return count > 0
    ? ok(check, `${count} listening to ${channel}`)
    : wrong(
        check,
        `nobody listens to ${channel}`,
        'start a processor with the same Redis and LULL_PREFIX; one that runs may lack the right to subscribe (ACL: &rapid-fire.* and &__keyevent@*)',
      )
}

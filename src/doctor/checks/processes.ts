/**
 * Which API servers, processors and workers are connected, and on which database: "they see different data" shows here.
 */
import type { QueueSettings } from '../../handover/kind.js'
import { queueShards } from '../../handover/queue-shards.js'
import { processName } from '../../process-name.js'
import type { Check } from '../check.js'
import { counted, degraded, type Finding, listed, ok, wrong } from '../finding.js'
import { waitingJobs } from '../queue-look.js'
import { ONE_ADDRESS, type Process, processesAmong, type Surroundings } from '../surroundings.js'

export const processes: Check = { name: 'processes', look }

async function look(surroundings: Surroundings): Promise<Finding[]> {
  const { server, queueServer, identity, config } = surroundings
  if (!server.clients)
    return [
      degraded(
        'processes',
        'CLIENT LIST is refused here, so the connected processes cannot be read',
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
          `start one (lull api); if one runs, it uses another Redis: ${ONE_ADDRESS}. Programs that append with the library are not counted`,
        ),
    processors.length > 0
      ? ok('processors', `${counted(processors.length, 'processor')}: ${listed(processors.map(({ name }) => name))}`)
      : wrong(
          'processors',
          `no processor is connected to database ${identity.db} here: nothing is released${standing(strays)}`,
          `start one (lull processor); if one runs, it uses another Redis: ${ONE_ADDRESS}. ${THEY_STAY}`,
        ),
    ...(queue ? [await workersOf(surroundings, workers, queue).catch(unknownWorkers)] : []),
    ...elsewhere(identity.db, strays),
  ]
}

const THEY_STAY = 'Messages that wait on a database stay there until a processor runs on it'

async function workersOf(
  { queueServer, server, config }: Surroundings,
  workers: Process[],
  queue: QueueSettings,
): Promise<Finding> {
  const check = 'workers'
  if (workers.length > 0)
    return ok(check, `${counted(workers.length, 'worker')}: ${listed(workers.map(({ name }) => name))}`)
  const { name } = queue
  const { clients = [] } = queueServer ?? server
  const doctorName = processName('doctor')
  const shards = await queueShards({ ...queue, redis: queue.redis ?? config.redis }, doctorName)
  // How BullMQ's own workers name their connections.
  const named = shards.map(({ prefix }) => `${prefix}:${Buffer.from(name).toString('base64')}`)
  const others = clients.filter(other => named.some(start => other.name.startsWith(start))).length
  if (others > 0) return ok(check, `workers of queue ${name}: ${counted(others, 'connection')} of BullMQ’s`)
  const waiting = await waitingJobs(shards, doctorName)
  const remedy = 'start one (lull worker, or a BullMQ worker of your own on the same queue and Redis)'
  return waiting > 0
    ? wrong(
        check,
        `no worker of queue ${name} is connected, and ${counted(waiting, 'batch waits', 'batches wait')} for one`,
        remedy,
      )
    : degraded(check, `no worker of queue ${name} is connected`, remedy)
}

/** The check `queue-redis` says why, and what to do. */
const unknownWorkers = () =>
  degraded('workers', 'the queue cannot be reached, so its workers cannot be read', 'see queue-redis')

/**
 * Processes that use only other databases of this server, by database. Workers count only where other roles are, since
 * a queue may be anywhere.
 */
function straysAmong(processes: Process[], db: number): Map<number, Process[]> {
  const strays = processes.filter(({ dbs }) => !dbs.has(db))
  const dbs = new Set(strays.flatMap(stray => (stray.role === 'worker' ? [] : [...stray.dbs])))
  return new Map([...dbs].sort((a, b) => a - b).map(other => [other, strays.filter(({ dbs }) => dbs.has(other))]))
}

const namesOf = (processes: Process[]) => listed(processes.map(({ name }) => name))

/** `; database 0 has api.vm.12, processor.vm.13` */
const standing = (strays: Map<number, Process[]>) =>
  [...strays].map(([db, there]) => `; database ${db} has ${namesOf(there)}`).join('')

/** Findings about processes on other databases: strays, or a whole other system. */
function elsewhere(db: number, strays: Map<number, Process[]>): Finding[] {
  return [...strays].map(([other, there]) => {
    const roles = new Set(there.map(({ role }) => role))
    const says = `on database ${other} of the same Redis: ${namesOf(there)}`
    if (roles.has('api') && roles.has('processor'))
      return degraded(
        'databases',
        `${says}: another whole system, it seems`,
        'give it a LULL_PREFIX of its own, since Pub/Sub is shared by all databases',
      )
    return wrong(
      'databases',
      `${says}, and this is database ${db}: they do not see each other's batches`,
      `${ONE_ADDRESS}. ${THEY_STAY}`,
    )
  })
}

/** The parts of the page: the live events, the queue, and the webhooks that other API processes have refused. */

import { Comparisons } from '../../api/comparison.js'
import type { DashboardOptions } from '../../api/dashboard.js'
import { LiveEvents } from '../../api/events.js'
import { QueueWindow } from '../../api/queue-window.js'
import type { RefusedElsewhere } from '../../api/recent-webhooks.js'
import type { Batcher } from '../../batcher.js'
import type { ConfiguredHandover } from '../../handover/kind.js'
import { presencesFrom } from '../../presence/read.js'
import { processName } from '../../process-name.js'
import type { ProcessRegistry } from '../../store/store.js'
import { packageVersion } from '../package-files.js'
import type { ApiContext } from './role.js'

/** The queue's connection is closed by the lifecycle. The caller closes the live events, before the server. */
export async function dashboardFor(context: ApiContext, batcher: Batcher): Promise<DashboardOptions> {
  const { config, log, lifecycle, withLoggingWorker = false } = context
  const { store } = batcher
  // A queue and presences need a Redis; a store that is given is in memory.
  const hasRedis = context.store === undefined
  const settings = config.handover.queue
  const queue =
    hasRedis && settings
      ? new QueueWindow({
          redis: settings.redis ?? config.redis,
          name: settings.name,
          prefix: settings.prefix,
          shards: settings.shards,
          connectionName: processName('api'),
          showTexts: config.api.showTexts,
          log,
        })
      : undefined
  if (queue) await lifecycle.add('the page’s connection to the queue', () => queue.close())
  return {
    live: new LiveEvents(store, { log, showTexts: config.api.showTexts }),
    comparisons: new Comparisons(store.rules, log),
    version: packageVersion(),
    batching: config.batching,
    isOwnWorker: !withLoggingWorker,
    ...(queue ? { queue } : { noQueue: noQueue(config.handover) }),
    ...(hasRedis ? { refusedElsewhere: () => refusedBy(store.processes) } : {}),
  }
}

function noQueue({ kind, queue, whatHappens }: ConfiguredHandover): string {
  if (queue) return 'no queue: the store is in memory'
  return `no queue: with LULL_HANDOVER=${kind} a batch ${whatHappens}`
}

async function refusedBy(processes: ProcessRegistry | undefined): Promise<RefusedElsewhere[]> {
  const presences = presencesFrom((await processes?.all()) ?? {})
  return [...presences.values()].flatMap(({ refused }) => refused)
}

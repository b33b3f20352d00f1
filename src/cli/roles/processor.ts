/** The processor as a process: claims due batches and hands them over. */
import { publishPresence } from '../../presence/publish.js'
import { processName } from '../../process-name.js'
import { Processor } from '../../processor/processor.js'
import { onceRedisIsThere } from './await-redis.js'
import type { RoleContext, Starting } from './role.js'

/** @throws one line that names what is wrong and the remedy */
export async function startProcessor(context: RoleContext): Promise<Processor> {
  const { metrics } = context
  const processor = await onceRedisIsThere(context, lifecycle => start({ ...context, lifecycle }))
  metrics.runs('processor')
  metrics.watchSystem(processor.store, processor.owner)
  return processor
}

async function start(context: Starting): Promise<Processor> {
  const { config, log, lifecycle, metrics, telemetry } = context
  const { redis, prefix, rules, partitions, waitReplicas, configureRedis } = config
  const processor = new Processor({
    redis,
    prefix,
    ...rules,
    partitions,
    waitReplicas,
    handover: await config.handover.make(config.redis),
    log,
    name: processName('processor'),
    configureRedis,
    observer: metrics,
    telemetry,
  })
  await lifecycle.add('the processor', timeoutMs => processor.stop({ timeoutMs }))
  await processor.start()
  // Workers of a queue commit: Lull's own do, and `toBullmq` does.
  if (!config.handover.queue)
    processor.store.rulesInUse.whenSupersede(() =>
      log.warn(
        {},
        `${rules.answering === 'supersede' ? 'LULL_ANSWERING' : 'answering'}=supersede: a receiver must commit before it sends (docs/answers.md), else it also sends answers that newer messages have superseded`,
      ),
    )
  const { processes } = processor.store
  if (processes) await publishPresence(context, 'processor', processes)
  return processor
}

/** The processor as a process: claims what is due, and hands it over. */
import { processName } from '../../process-name.js'
import { Processor } from '../../processor/processor.js'
import { handoverFrom } from './handover.js'
import type { RoleContext } from './role.js'

/** @throws one line that names what is wrong and the remedy */
export async function startProcessor({ config, log, lifecycle }: RoleContext): Promise<Processor> {
  const { redis, prefix, rules, configureRedis } = config
  const processor = new Processor({
    redis,
    prefix,
    ...rules,
    handover: handoverFrom(config),
    log,
    name: processName('processor'),
    configureRedis,
  })
  await lifecycle.add('the processor', timeoutMs => processor.stop({ timeoutMs }))
  await processor.start()
  return processor
}

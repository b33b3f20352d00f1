/** All commands that a Redis receives, as MONITOR shows them. */
import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { track } from './open.js'
import { until } from './wait.js'

/**
 * @returns `lines`: the commands received since, one a line, as quoted words after `[database client]`. They are
 *   complete
 *   when `stop` resolves, and do not include the monitor's own commands.
 */
export async function monitor(url: string): Promise<{ lines: string[]; stop(): Promise<void> }> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
  await redis.connect()
  const watching = await redis.monitor()
  const lines: string[] = []
  watching.on('monitor', (_time: string, command: string[], client: string, db: string) => {
    lines.push(`[${db} ${client}] ${command.map(word => JSON.stringify(word)).join(' ')}`)
  })
  const end = async () => {
    watching.disconnect()
    redis.disconnect()
  }
  const forget = track(`a monitor of ${url}`, end)
  return {
    lines,
    async stop() {
      forget()
      // Redis shows commands in order: once this one is there, all earlier ones are.
      const marker = randomBytes(8).toString('hex')
      await redis.echo(marker)
      const at = await until(() => lines.findIndex(line => line.includes(marker)) + 1 || undefined, { what: 'MONITOR' })
      lines.length = at - 1
      await end()
    },
  }
}

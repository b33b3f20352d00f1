/** All commands that a Redis receives, as MONITOR shows them. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { track } from './open.js'
import { until } from './wait.js'

/**
 * Speaks to Redis itself: `monitor()` of ioredis throws if a client's command arrives in one piece with the `OK`.
 *
 * @param url - without a password
 * @returns `lines`: the commands received since, one a line, as quoted words after `[database client]`. They are
 *   complete when `stop` resolves, and do not include the monitor's own commands.
 */
export async function monitor(url: string): Promise<{ lines: string[]; stop(): Promise<void> }> {
  const { hostname, port } = new URL(url)
  const connection = { host: hostname, port: Number(port || 6379) }
  const socket = connect(connection)
  const forget = track(`a monitor of ${url}`, async () => void socket.destroy())
  const lines: string[] = []
  let accepted = false
  createInterface({ input: socket }).on('line', line => {
    if (line === '+OK') accepted = true
    // `+<seconds> [database client] "command" "argument" …`
    else lines.push(line.slice(line.indexOf(' ') + 1))
  })
  await once(socket, 'connect')
  socket.write('MONITOR\r\n')
  await until(() => accepted, { what: 'the OK of MONITOR' })
  return {
    lines,
    async stop() {
      forget()
      // Redis shows commands in order: once this one is there, all earlier ones are.
      const marker = randomBytes(8).toString('hex')
      const other = connect(connection)
      other.end(`ECHO ${marker}\r\n`)
      const at = await until(() => lines.findIndex(line => line.includes(marker)) + 1 || undefined, { what: 'MONITOR' })
      lines.length = at - 1
      socket.destroy()
      other.destroy()
    },
  }
}

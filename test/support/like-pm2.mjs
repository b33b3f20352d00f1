/** Captures the log of a process as PM2's cluster mode does: by replacing its `process.stdout`. */
import cluster from 'node:cluster'

if (cluster.isPrimary) {
  cluster.fork().on('message', line => process.stdout.write(`KEPT ${line}`))
} else {
  process.stdout.write = line => process.send(line)
  const { createLog } = await import('../../dist/internal/log.js')
  createLog({ level: 'info', forPeople: false }).info('here I am')
  cluster.worker.disconnect()
}

/** The Redis of a test: the run's own, or a private one to be stopped, killed and restarted. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

let shared: Promise<string> | undefined

export function testRedis(): Promise<string> {
  const given = process.env['LULL_TEST_REDIS_URL']
  if (given) return Promise.resolve(given)
  shared ??= privateRedis().then(server => server.url)
  return shared
}

export const uniquePrefix = () => `test-${randomBytes(6).toString('hex')}`

export async function privateRedis({ args = [] }: { args?: string[] } = {}) {
  const port = await freePort()
  let child: ChildProcess
  const start = async () => {
    child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', ...args])
    await new Promise<void>(resolve => child.stdout?.on('data', data => String(data).includes('Ready to accept') && resolve()))
    child.unref()
  }
  await start()
  const end = (signal: NodeJS.Signals) =>
    new Promise<void>(resolve => {
      child.once('exit', () => resolve())
      child.kill(signal)
    })
  return { url: `redis://127.0.0.1:${port}`, port, stop: () => end('SIGTERM'), kill: () => end('SIGKILL'), restart: start }
}

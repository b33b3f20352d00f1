/**
 * Guarantee **two commands**: `npm start` is one Node process besides npm's own, and ends when npm alone gets a signal.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { track } from '../support/open.js'
import { build, freePort, runCommand } from '../support/processes.js'
import { until } from '../support/wait.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('npm start', function () {
  this.timeout(60_000)

  it('builds nothing twice, is one process, and ends cleanly on a SIGTERM to npm alone', async () => {
    await build()
    const port = await freePort()
    const npm = spawn('npm', ['start', '--', '--embedded'], {
      cwd: root,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], PORT: String(port), LULL_PREFIX: 'start-test' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const forget = track('npm start', async () => npm.kill('SIGTERM'))
    let said = ''
    npm.stdout.on('data', data => {
      said += data
    })
    npm.stderr.on('data', data => {
      said += data
    })
    const ended = once(npm, 'close')
    await until(() => answers(port), { timeoutMs: 30_000, what: () => `npm start; its output: ${said}` })
    expect(said).to.not.match(/installing|building/)

    const below = await descendants(npm.pid ?? 0)
    expect(below, 'processes below npm').to.have.length(1)

    npm.kill('SIGTERM')
    await ended
    forget()
    expect(npm.exitCode).to.equal(0)
    expect(below.filter(isAlive)).to.deep.equal([])
  })
})

const answers = (port: number) =>
  fetch(`http://127.0.0.1:${port}/livez`).then(
    response => response.ok,
    () => false,
  )

async function descendants(pid: number): Promise<number[]> {
  const table = (await runCommand('ps', ['-A', '-o', 'pid=,ppid='])).trim().split('\n')
  const rows = table.map(row => row.trim().split(/\s+/).map(Number))
  const below = rows.flatMap(([child = 0, parent]) => (parent === pid ? [child] : []))
  return [...below, ...(await Promise.all(below.map(descendants))).flat()]
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    // There is no such process.
    return false
  }
}

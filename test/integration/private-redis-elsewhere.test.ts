/**
 * Commands find the private Redis of a `lull up` that runs in another directory, name it, and take none by chance. This
 * needs a redis-server, and no Redis at 127.0.0.1:6379.
 */
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { noPrivateRedis } from '../support/no-private-redis.js'
import { build, type LullProcess, lull } from '../support/processes.js'
import { testRedis } from '../support/redis.js'

describe('commands in another directory than lull up', function () {
  this.timeout(60_000)
  let root: string
  let running: LullProcess[]

  before(async function () {
    if (await noPrivateRedis()) this.skip()
    await build()
  })

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'lull-elsewhere-')))
    running = []
  })

  afterEach(async () => {
    for (const command of running) await command.stop()
    rmSync(root, { recursive: true })
  })

  async function start(directory: string, args: string[], env: Record<string, string> = {}) {
    const cwd = join(root, directory)
    mkdirSync(cwd, { recursive: true, mode: 0o700 })
    const shared = { XDG_RUNTIME_DIR: root, REDIS_URL: '', LULL_API_TOKEN: 'test-token', PORT: '0' }
    const command = await lull(args, { ...shared, ...env }, { cwd })
    running.push(command)
    return command
  }

  async function up(directory: string) {
    const command = await start(directory, ['up'])
    await command.line(/Ctrl-C stops it/)
    return command
  }

  async function dead(directory: string, env?: Record<string, string>) {
    const command = await start(directory, ['dead'], env)
    const { code } = await command.exit
    return { code, stdout: command.stdout, stderr: command.stderr }
  }

  const socketIn = (directory: string) => join(root, directory, '.lull/redis.sock')
  const using = (directory: string) =>
    `using the private Redis of the lull up in ${join(root, directory)}, ${socketIn(directory)}`

  it('find it, say so in one line, and look at 127.0.0.1:6379 once it has stopped', async () => {
    const one = await up('one')
    expect(await dead('elsewhere')).to.deep.equal({ code: 0, stdout: ['no dead batches'], stderr: [using('one')] })
    await one.stop()
    expect(readdirSync(join(root, 'lull'))).to.deep.equal([])
    const { code, stderr } = await dead('elsewhere')
    expect(code).to.equal(1)
    expect(stderr.join()).to.match(/127\.0\.0\.1:6379 .*ECONNREFUSED/)
  })

  it('find it where its path is too long for a socket', async () => {
    const long = `${'deep/'.repeat(25)}one`
    await up(long)
    const { code, stderr } = await dead('elsewhere')
    expect(code, stderr.join()).to.equal(0)
    expect(stderr[0]).to.include(`using the private Redis of the lull up in ${join(root, long)}, `)
  })

  it('use none if several run elsewhere, and that of their own directory', async () => {
    await up('one')
    await up('two')
    const { code, stderr } = await dead('elsewhere')
    expect(code).to.equal(1)
    expect(stderr).to.have.lengthOf(1)
    expect(stderr[0]).to.include(`in ${join(root, 'one')} and ${join(root, 'two')}: run the command in one of these`)
    const own = `using the private Redis of the lull up in this directory, ${socketIn('two')}`
    expect(await dead('two')).to.deep.equal({ code: 0, stdout: ['no dead batches'], stderr: [own] })
  })

  it('use the Redis that REDIS_URL names, in the environment or in .env', async () => {
    await up('one')
    const named = { code: 0, stdout: ['no dead batches'], stderr: [] }
    const redis = await testRedis()
    expect(await dead('elsewhere', { REDIS_URL: redis })).to.deep.equal(named)
    mkdirSync(join(root, 'with-env'), { mode: 0o700 })
    writeFileSync(join(root, 'with-env', '.env'), `REDIS_URL=${redis}\n`)
    const command = await lull(['dead'], { XDG_RUNTIME_DIR: root }, { cwd: join(root, 'with-env') })
    running.push(command)
    expect(await command.exit).to.deep.include({ code: 0 })
    expect(command.stderr).to.deep.equal([])
  })

  it('do not use the Redis of a lull up that was killed, and forget it', async () => {
    const killed = await up('one')
    await killed.kill()
    const { code, stderr } = await dead('elsewhere')
    expect(code).to.equal(1)
    expect(stderr.join()).to.match(/127\.0\.0\.1:6379/)
    expect(readdirSync(join(root, 'lull'))).to.deep.equal([])
    // It ends the server that has outlived its lull up.
    await up('one')
  })
})

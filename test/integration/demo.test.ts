/** `npm run demo`, in a hundredth to a tenth of life size: what it prints comes from bots that really ran. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { demo } from '../support/processes.js'
import { privateRedis, testRedis } from '../support/redis.js'

const LINES = 4

/** The table's rows: the way, its replies in seconds after the last message, their number, runs, wasted runs. */
function tableOf(stdout: string[]) {
  return stdout.flatMap(line => {
    const [, way, replies = '', ...counts] =
      /^ {3}(one by one|quiet gap|early start) +(\S.*?) s +(\d+) +(\d+) +(\d+)$/.exec(line) ?? []
    if (way === undefined) return []
    const [count, runs, wasted] = counts.map(Number)
    return [{ way, replies: replies.split(', ').map(Number), count, runs, wasted }]
  })
}

describe('npm run demo', function () {
  this.timeout(60_000)

  it('plays one burst to three bots, and prints when each replied and how many runs were wasted', async () => {
    const shown = await demo(['--scale=0.1'], { REDIS_URL: await testRedis() })
    expect(await shown.exit).to.deep.equal({ code: 0, signal: null })
    const [each, gap, early] = tableOf(shown.stdout)
    expect(each).to.include({ way: 'one by one', count: LINES, runs: LINES, wasted: 0 })
    expect(gap).to.include({ way: 'quiet gap', count: 1, runs: 1, wasted: 0 })
    expect(early).to.include({ way: 'early start', count: 1 })
    expect(early?.runs).to.equal((early?.wasted ?? 0) + 1)
    expect(gap?.replies[0], 'the gap and then the work').to.be.at.least(1.8)
    expect(early?.replies[0], 'never before the gap has ended').to.be.at.least(1)
    expect(shown.stdout.filter(line => line.includes('stops: she has written more'))).to.have.lengthOf(
      early?.wasted ?? -1,
    )
    expect(shown.stdout.join('\n'), 'no escape sequences without a terminal').not.to.match(/\p{Cc}(?<!\n)/u)
  })

  it('leaves nothing of its own in a Redis that it was given, but what expires', async () => {
    const own = await privateRedis()
    const redis = new Redis(own.url)
    try {
      const shown = await demo(['--scale=0.02'], { REDIS_URL: own.url })
      expect((await shown.exit).code).to.equal(0)
      const [, keys, expiring] = /^db0:keys=(\d+),expires=(\d+)/m.exec(await redis.info('keyspace')) ?? []
      expect(keys).to.equal(expiring)
    } finally {
      redis.disconnect()
      await own.stop()
    }
  })

  it('runs in memory where no Redis is installed, and says so', async () => {
    const shown = await demo(['--scale=0.05'], { PATH: '' })
    expect((await shown.exit).code).to.equal(0)
    expect(shown.stdout.join('\n')).to.match(/Lull runs on memory: there is no Redis here/)
    expect(tableOf(shown.stdout)).to.have.lengthOf(3)
  })

  it('ends at once on Ctrl-C, and leaves no folder behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lull-demo-test-'))
    try {
      const shown = await demo([], { REDIS_URL: await testRedis(), TMPDIR: folder })
      await shown.line(/^2 {2}A quiet gap/)
      expect(await shown.stop('SIGINT')).to.deep.equal({ code: 130, signal: null })
      expect((await readdir(folder)).filter(name => name.startsWith('lull-demo'))).to.deep.equal([])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  for (const [args, error] of [
    [['--crush'], /^lull: .*--crush/],
    [['--scale=2'], /^lull: demo: --scale=2 must be a number from 0\.02 to 1$/],
  ] as const)
    it(`refuses ${args.join(' ')} in one line`, async () => {
      const shown = await demo([...args])
      expect((await shown.exit).code).to.equal(1)
      expect(shown.stderr).to.have.lengthOf(1)
      expect(shown.stderr[0]).to.match(error)
    })
})

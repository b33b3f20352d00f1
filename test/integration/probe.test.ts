/** A server that refuses what the scripts need is named at the start, not by the first claim. */
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Batcher } from '../../src/batcher.js'
import { privateRedis } from '../support/redis.js'

/** Two that services are known to refuse to scripts, and two others that only some scripts call. */
const REFUSED = ['TIME', 'PUBSUB', 'PEXPIRETIME', 'XADD']

describe('at the start', () => {
  for (const command of REFUSED)
    it(`a server that has no ${command} is refused, with one line that names it`, async () => {
      const server = await privateRedis({ args: ['--rename-command', command, ''] })
      const batcher = new Batcher({ redis: server.url })
      const error = await batcher.open().then(
        () => undefined,
        (reason: Error) => reason,
      )
      await batcher.close()
      await server.stop()
      expect(error?.message).to.match(/^Redis at redis:\/\/127\.0\.0\.1:\d+ refuses what Lull’s scripts need \(.*\)/)
      expect(error?.message).to.include(`${command}: `).and.to.include('see docs/redis.md')
      expect(error?.message).not.to.include('\n')
    })

  it('the check of a server leaves nothing behind, and publishes nothing to those who watch', async () => {
    const server = await privateRedis()
    const redis = new Redis(server.url)
    const watcher = new Redis(server.url)
    const seen: string[] = []
    watcher.on('pmessage', (_pattern, channel) => seen.push(channel))
    await watcher.psubscribe('*')
    const batcher = new Batcher({ redis: server.url, partitions: 2 })
    await batcher.open()
    await batcher.append('chat', { messageId: '1' })
    expect(await redis.exists('{rapid-fire}.probe', '{rapid-fire/0}.probe')).to.equal(0)
    await batcher.close()
    await Promise.all([redis.quit(), watcher.quit()])
    await server.stop()
    expect(seen.filter(channel => channel.endsWith('.probe'))).to.deep.equal([])
    expect(seen, 'the watcher works').to.satisfy((all: string[]) => all.some(channel => channel.endsWith('.next-due')))
  })
})

/** A Cluster of which one primary is away, without a replica: what is said of the rest. */
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import { partitionOfConversation, partitionPrefixes } from '../../src/store/partitioned/layout.js'
import { slotOf } from '../../src/store/redis/slots.js'
import { StoreUnavailable } from '../../src/store/store.js'
import { noCluster, startCluster } from '../support/cluster.js'
import { lull } from '../support/processes.js'
import { freePort, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const PARTITIONS = 12
const TOKEN = 'test-token'
const missing = await noCluster()

describe(`a Cluster that is away in part${missing ? ` (${missing})` : ''}`, () => {
  before(function () {
    if (missing) this.skip()
  })

  it('serves the other partitions, and its lists say how many they leave out', async () => {
    const cluster = await startCluster({ replicas: 0 })
    const prefix = uniquePrefix()
    const port = await freePort()
    const env = {
      REDIS_URL: cluster.url,
      LULL_PREFIX: prefix,
      LULL_PARTITIONS: String(PARTITIONS),
      LULL_API_TOKEN: TOKEN,
      PORT: String(port),
    }
    const tags = partitionPrefixes(prefix, PARTITIONS)
    const home = await cluster.ownerOf(slotOf(`{${prefix}}`))
    const owners = await Promise.all(tags.map(tag => cluster.ownerOf(slotOf(tag))))
    const away = owners.find(owner => owner !== home)!
    const gone = owners.filter(owner => owner === away).length
    const chats = Array.from({ length: 60 }, (_, i) => `chat-${i}`)
    const isGone = (chat: string) => owners[partitionOfConversation(chat, PARTITIONS)] === away

    const batcher = new Batcher({
      redis: home.url,
      prefix,
      partitions: PARTITIONS,
      quietGapMs: 30_000,
      maxWaitMs: 60_000,
    })
    await batcher.open()
    for (const chat of chats) await batcher.append(chat, { messageId: '1' })
    const api = await lull(['api'], env)
    const get = async (path: string) => {
      const headers = { authorization: `Bearer ${TOKEN}` }
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
      return { status: response.status, body: Object(await response.json()) }
    }
    await until(async () => (await get('/readyz').catch(() => undefined))?.status === 200, { timeoutMs: 30_000 })
    expect((await get('/conversations?limit=100')).body).not.to.have.property('partitionsAway')

    await cluster.kill(away)
    await until(() => batcher.store.partitionsAway === gone, { what: 'the loss to be noticed' })
    await until(async () => (await get('/readyz')).body.partitionsAway === gone, { what: 'the API to notice it' })
    const { status, body } = await get('/conversations?limit=100')
    expect(status).to.equal(200)
    expect(body.partitionsAway).to.equal(gone)
    expect(body.conversations.map(({ conversationId }: { conversationId: string }) => conversationId)).to.have.members(
      chats.filter(chat => !isGone(chat)),
    )
    expect((await get('/dead')).body).to.deep.equal({ dead: [], partitionsAway: gone })
    for (const chat of chats.slice(0, 10)) {
      const error = await batcher.append(chat, { messageId: '2' }).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(error instanceof StoreUnavailable, chat).to.equal(isGone(chat))
    }

    // A reader that comes now is told what happens in the other partitions, and in all of them when they are back.
    const closing = new AbortController()
    const events = await fetch(`http://127.0.0.1:${port}/events`, {
      headers: { authorization: `Bearer ${TOKEN}` },
      signal: closing.signal,
    })
    expect(events.status).to.equal(200)
    let told = ''
    const reading = events
      .body!.pipeThrough(new TextDecoderStream())
      .pipeTo(
        new WritableStream({
          write: text => {
            told += text
          },
        }),
      )
      .catch(() => {})
    const flush = async (chat: string) => {
      await batcher.flush(chat)
      await until(() => told.includes(`"step":"sealed","conversationId":"${chat}"`), { what: `the step of ${chat}` })
    }
    await flush(chats.find(chat => !isGone(chat))!)
    await cluster.restart(away)
    const back = chats.find(isGone)!
    // Steps count from the subscription on: what is appended before it only counts in the lists.
    await until(async () => {
      await batcher.append(back, { messageId: String(Math.random()), text: 'back' }).catch(() => {})
      return told.includes(`"conversationId":"${back}"`)
    })
    await flush(back)
    await cluster.kill(away)
    await until(() => batcher.store.partitionsAway === gone, { what: 'the loss to be noticed again' })
    closing.abort()
    await reading

    await api.stop()
    // The home store is no partition, though its server may be away too.
    await cluster.kill(home)
    const both = owners.filter(owner => owner === away || owner === home).length
    await until(() => batcher.store.partitionsAway >= both, { what: 'the second loss to be noticed' })
    expect(batcher.store.partitionsAway).to.equal(both)
    await batcher.close()
    await cluster.stop()
  })
})

/** Guarantee **supersede metrics**: a superseded batch, a commit and a reply are each counted once in the whole system. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import type { Handover } from '../../src/handover/handover.js'
import { Processor } from '../../src/processor/processor.js'
import { type LullProcess, lull } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const CHAT = '79990000011@c.us'

/** Says that it waits when its commit has been asked for a while. */
const HANDLER = `export default async (batch, { commit, log }) => {
  const committing = commit()
  setTimeout(() => log.info('waits in commit'), 200)
  await committing
}`

/** After a batch that was superseded while its handler waited in commit, and the one that replaced it. */
const COUNTED = [
  'lull_batches_released_total{reason="early"} 2',
  'lull_handovers_total{kind="bullmq",result="taken"} 2',
  'lull_superseded_total{when="waiting"} 0',
  'lull_superseded_total{when="running"} 0',
  'lull_superseded_total{when="due"} 1',
  'lull_commits_total{result="go"} 1',
  'lull_commits_total{result="again"} 0',
  'lull_commits_total{result="superseded"} 1',
  'lull_commits_total{result="answered"} 0',
  'lull_commits_total{result="unknown"} 0',
  'lull_commit_wait_seconds_count 2',
  'lull_answers_total{result="completed"} 1',
  'lull_reply_seconds_count 1',
]

const metric = (text: string, name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])

describe('supersede metrics', function () {
  this.timeout(60_000)
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  describe('of one superseded life in a whole system', () => {
    let command: LullProcess
    let urls: { api: string; ops: string }

    beforeEach(async () => {
      const directory = await mkdtemp(join(tmpdir(), 'lull-superseded-'))
      closing.push(() => rm(directory, { recursive: true }))
      const handler = join(directory, 'handler.mjs')
      await writeFile(handler, HANDLER)
      const prefix = uniquePrefix()
      command = await lull(['up', '--handler', handler], {
        REDIS_URL: await testRedis(),
        LULL_PREFIX: prefix,
        LULL_QUEUE: `queue-${prefix}`,
        LULL_API_TOKEN: 'test-token',
        LULL_ANSWERING: 'supersede',
        LULL_EARLY_START_MS: '100',
        LULL_QUIET_GAP_MS: '2000',
        PORT: '0',
        LULL_OPS_PORT: '0',
      })
      closing.push(() => command.stop())
      const urlIn = async (pattern: RegExp) => /http:\/\/127\.0\.0\.1:\d+/.exec(await command.line(pattern))?.[0] ?? ''
      urls = { ops: await urlIn(/\/metrics are served on/), api: await urlIn(/api listens on/) }
    })

    const scrape = async () => (await fetch(`${urls.ops}/metrics`)).text()
    const say = (messageId: string) =>
      fetch(`${urls.api}/webhook/whatsapp/batched/generic`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ chatId: CHAT, messageId, text: 'hi' }),
      })

    it('are exact', async () => {
      await say('m1')
      await command.line(/waits in commit/)
      await say('m2')
      let text = ''
      await until(
        async () => {
          text = await scrape()
          return text.includes('lull_reply_seconds_count 1') && text.includes('lull_held_conversations 0')
        },
        { what: 'the answer' },
      )
      const lines = text.split('\n')
      expect(COUNTED.filter(line => !lines.includes(line))).to.deep.equal([])
      expect(metric(text, 'lull_reply_seconds_sum'), 'from the last message').to.be.within(2, 20)
      expect(metric(text, 'lull_wasted_run_seconds_total'), 'without the wait').to.be.below(
        metric(text, 'lull_commit_wait_seconds_sum'),
      )
    })
  })

  /** A processor with a handover of the test's own, and one message whose batch it has. */
  async function withHandover(handover: Pick<Handover, 'handOver' | 'withdraw'>) {
    const options = {
      redis: await testRedis(),
      prefix: uniquePrefix(),
      answering: 'supersede' as const,
      quietGapMs: 5000,
      earlyStartMs: 30,
    }
    const counted: string[] = []
    const processor = new Processor({
      ...options,
      observer: { superseded: when => counted.push(when), runWasted: () => counted.push('wasted') },
      handover: {
        kind: 'test',
        batchesPerCall: 10,
        concurrency: 1,
        start: async () => {},
        stop: async () => {},
        ...handover,
      },
    })
    const batcher = new Batcher(options)
    closing.push(
      () => batcher.close(),
      () => processor.stop({ timeoutMs: 500 }),
    )
    await processor.start()
    const say = (messageId: string) => batcher.append(CHAT, { messageId, text: messageId })
    const hasStep = async (step: string) => (await batcher.history({ limit: 100 })).some(one => one.step === step)
    return { counted, say, hasStep }
  }

  it('count a batch that is superseded while it is added to a queue as waiting, once, and no work in vain', async () => {
    // The job is there when the call that adds it has ended.
    let isAdded = false
    let add: (() => void) | undefined
    let signal: AbortSignal | undefined
    const removed: string[] = []
    const { counted, say } = await withHandover({
      handOver: async items => {
        signal ??= items[0]?.signal
        if (!isAdded)
          await new Promise<void>(resolve => {
            add = resolve
          })
        return items.map(() => ({ result: 'taken' }))
      },
      withdraw: async batchIds => {
        if (!isAdded) return []
        removed.push(...batchIds)
        return batchIds
      },
    })
    await say('m1')
    await until(() => add !== undefined, { what: 'the handover' })
    await say('m2')
    await until(() => signal?.aborted, { what: 'the notice' })
    isAdded = true
    add?.()
    await until(() => removed.length === 1, { what: 'the removal' })
    expect(counted).to.deep.equal(['waiting'])
  })

  it('count a batch whose receiver has taken it, and that cannot be removed, as running, once', async () => {
    const { counted, say, hasStep } = await withHandover({
      handOver: async items => items.map(() => ({ result: 'taken' })),
    })
    await say('m1')
    await until(() => hasStep('handed-over'), { what: 'the handover' })
    await say('m2')
    await until(() => counted.length > 0, { what: 'the notice' })
    expect(counted).to.deep.equal(['running'])
  })

  it('count a call that is superseded under way as running, once, and its time as work in vain', async () => {
    const { counted, say, hasStep } = await withHandover({
      handOver: ([item]) =>
        new Promise((_resolve, reject) => {
          item?.signal.addEventListener('abort', () => reject(item.signal.reason))
        }),
    })
    await say('m1')
    await until(() => hasStep('claimed'), { what: 'the claim' })
    await say('m2')
    await until(() => counted.length >= 2, { what: 'the notice' })
    expect(counted).to.deep.equal(['wasted', 'running'])
  })
})

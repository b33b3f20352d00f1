/** Voice notes from real webhooks: their batch waits for the text that examples/transcribe.mjs sets. */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { Comparisons } from '../../src/api/comparison.js'
import { LiveEvents } from '../../src/api/events.js'
import type { Batch } from '../../src/batch.js'
import { Batcher } from '../../src/batcher.js'
import { Processor } from '../../src/processor/processor.js'
import { rulesFrom } from '../../src/rules.js'
import { MemoryStore } from '../../src/store/memory/store.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'
import { serve } from '../unit/api/serving.js'

type Call = (method: string, path: string, body?: unknown) => Promise<Response>
type Transcribe = (media: { id?: string; url?: string }) => Promise<string>
interface Example {
  transcriber(options: { call: Call; transcribe: Transcribe; log: { error(text: string): void } }): Look
  follow(options: { call: Call; look: Look; log: { error(text: string): void } }): Promise<void>
}
type Look = (conversationId: string) => Promise<void>

const example = (): Promise<Example> => import(new URL('../../examples/transcribe.mjs', import.meta.url).href)

const RULES = { quietGapMs: 50, holdTypes: ['voice'], holdMs: 50_000 } as const

const META = JSON.parse(readFileSync(new URL('../fixtures/webhooks/meta/audio-voice.json', import.meta.url), 'utf8'))
const WAHA = {
  event: 'message',
  session: 'shop',
  payload: {
    id: 'false_79000000012@c.us_3EB0AAAAAAAAAAAAAAAA',
    timestamp: 1767262500,
    from: '79000000012@c.us',
    fromMe: false,
    hasMedia: true,
    body: '',
    media: { url: 'https://waha.example/files/note.oga', mimetype: 'audio/ogg; codecs=opus', filename: null },
    _data: { type: 'ptt' },
  },
}

for (const where of ['memory', 'Redis'] as const)
  describe(`transcription of voice notes, in ${where}`, () => {
    const closing: (() => unknown)[] = []
    afterEach(async () => {
      for (const close of closing.splice(0).reverse()) await close()
    })

    async function running(transcribe: Transcribe) {
      const store =
        where === 'memory'
          ? new MemoryStore(RULES)
          : new RedisStore({
              redis: await testRedis(),
              prefix: uniquePrefix(),
              rules: rulesFrom({ ...RULES, holdTypes: ['voice'] }),
            })
      const batcher = new Batcher({ store })
      const batches: Batch[] = []
      const processor = new Processor({ store, handle: async batch => void batches.push(batch) })
      const live = new LiveEvents(store)
      const comparisons = new Comparisons(rulesFrom())
      const dashboard = { live, comparisons, version: '0.0.0', batching: true, isOwnWorker: false }
      const api = await serve({ batcher, dashboard })
      closing.push(
        () => store.close(),
        () => batcher.close(),
        () => live.close(),
        () => api.close(1000),
        () => processor.stop(),
      )
      await processor.start()
      const { transcriber, follow } = await example()
      const stop = new AbortController()
      const errors: string[] = []
      const call: Call = async (method, path, body) => {
        const response = await fetch(`${api.url}/${path}`, {
          method,
          headers: { authorization: 'Bearer a-token', 'content-type': 'application/json' },
          signal: stop.signal,
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
        if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
        return response
      }
      const log = { error: (text: string) => void errors.push(text) }
      const startFollowing = () => {
        const following = follow({ call, look: transcriber({ call, transcribe, log }), log }).catch(() => {})
        closing.push(async () => {
          stop.abort()
          await following
        })
      }
      const post = async (body: unknown) => {
        const { status } = await api.call('POST', '/webhook/whatsapp/batched', body)
        expect(status).to.equal(200)
      }
      return { batches, batcher, errors, startFollowing, post }
    }

    it('the batch of a voice note waits for its transcript, and goes at once then (Meta, WAHA)', async () => {
      const transcribed: string[] = []
      const { batches, startFollowing, post } = await running(async ({ id, url }) => {
        transcribed.push(url ?? id ?? '')
        return 'a cake, please'
      })
      startFollowing()
      await post(META)
      await post(WAHA)
      await until(() => batches.length === 2)
      for (const { messages, text } of batches) {
        expect(text).to.equal('a cake, please')
        expect(messages[0]?.type).to.equal('voice')
      }
      expect(transcribed).to.have.members([
        META.entry[0].changes[0].value.messages[0].audio.url,
        WAHA.payload.media.url,
      ])
    })

    it('a voice note that came before the program is transcribed when it connects', async () => {
      const { batches, batcher, startFollowing, post } = await running(async () => 'a cake, please')
      await post(WAHA)
      const { holds } = await batcher.conversation('shop/79000000012@c.us')
      expect(holds?.[0]).to.include({ key: '3EB0AAAAAAAAAAAAAAAA', ofMessage: true })
      startFollowing()
      await until(() => batches.length === 1)
      expect(batches[0]?.text).to.equal('a cake, please')
    })

    it('a batch whose transcription fails goes without the text', async () => {
      const { batches, errors, startFollowing, post } = await running(async () => {
        throw new Error('too noisy')
      })
      startFollowing()
      await post(WAHA)
      await until(() => batches.length === 1)
      expect(batches[0]?.text).to.equal('')
      expect(errors[0]).to.include('too noisy')
    })
  })

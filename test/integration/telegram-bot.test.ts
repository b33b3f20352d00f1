/** examples/telegram-bot.mjs, a whole bot: updates of Telegram in, one streamed answer out, nothing before its commit. */
import { MockLanguageModelV3 } from 'ai/test'
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import { askedIn, streamed } from '../support/language-model.js'
import { build } from '../support/processes.js'
import { type RecordingServer, recordingServer } from '../support/recording-server.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const SECRET = 'webhook-secret'

interface Bot {
  port: number
  stop(): Promise<void>
}

describe('telegram-bot.mjs', function () {
  this.timeout(60_000)
  let telegram: RecordingServer
  let model: MockLanguageModelV3
  let bot: Bot
  let batcher: Batcher
  let stepsAtSend: string[]

  beforeEach(async () => {
    await build()
    stepsAtSend = []
    telegram = await recordingServer(async ({ path }, response) => {
      if (path.endsWith('/sendMessage')) stepsAtSend = (await batcher.history()).map(({ step }) => step)
      response.end('{"ok":true,"result":{"message_id":77}}')
    })
    model = new MockLanguageModelV3({ doStream: async call => streamed(call) })
    const options = { redis: await testRedis(), prefix: uniquePrefix() }
    batcher = new Batcher(options)
    const { startBot } = await import(new URL('../../examples/telegram-bot.mjs', import.meta.url).href)
    const rules = { quietGapMs: 600, earlyStartMs: 30 }
    bot = await startBot({ ...options, ...rules, model, token: '1:token', secret: SECRET, port: 0, api: telegram.url })
  })

  afterEach(async () => {
    await bot.stop()
    await batcher.close()
    await telegram.stop()
  })

  const update = async (name: string, messageId: number, text: string, secret = SECRET) => {
    const message = {
      message_id: messageId,
      date: Math.floor(Date.now() / 1000),
      chat: { id: 42, type: 'private' },
      from: { id: 42, is_bot: false },
      text,
    }
    const response = await fetch(`http://127.0.0.1:${bot.port}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': secret },
      body: JSON.stringify({ update_id: messageId, [name]: message }),
    })
    return response.status
  }
  const isShown = (text: string) => async () => {
    const { body } = telegram.requests.at(-1) ?? {}
    return JSON.stringify(body)?.includes(`"text":"${text}"`)
  }

  it('answers two messages by one that it edits, and shows no token before its commit', async () => {
    expect(await update('message', 1, 'one')).to.equal(200)
    await until(() => model.doStreamCalls.length === 1, { what: 'the model to be asked early' })
    expect(await update('message', 2, 'two')).to.equal(200)
    // Telegram sends an update again whose response it has missed.
    expect(await update('message', 2, 'two')).to.equal(200)
    await until(isShown('re: one two '), { what: 'the whole answer' })
    expect(stepsAtSend).to.include('committed')
    const [first, ...edits] = telegram.requests.map(({ path, body }) => [path, body])
    expect(first).to.deep.equal(['/bot1:token/sendMessage', { chat_id: '42', text: 're: ' }])
    expect(edits.map(([path]) => path)).to.deep.equal(edits.map(() => '/bot1:token/editMessageText'))
    expect(edits.at(-1)?.[1]).to.deep.equal({ chat_id: '42', message_id: 77, text: 're: one two ' })
    expect(model.doStreamCalls.map(({ abortSignal }) => abortSignal?.aborted)).to.deep.equal([true, false])
  })

  it('answers what an edited message says now', async () => {
    await update('message', 1, 'one')
    await until(() => model.doStreamCalls.length === 1, { what: 'the model to be asked early' })
    await update('edited_message', 1, 'won')
    await until(isShown('re: won '), { what: 'the answer' })
    expect(model.doStreamCalls.map(askedIn)).to.deep.equal(['one', 'won'])
  })

  it('refuses an update without the secret', async () => {
    expect(await update('message', 1, 'one', 'another')).to.equal(401)
    expect(await batcher.conversations()).to.deep.equal([])
  })
})

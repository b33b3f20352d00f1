import { expect } from 'chai'
import { type NextSteps, nextSteps } from '../../../src/cli/next-steps.js'
import { type Environment, readConfig } from '../../../src/config.js'

const URL_ = 'http://127.0.0.1:3000'

const shown = (env: Environment = {}, more: Partial<NextSteps> = {}) => {
  const config = readConfig(env)
  return nextSteps({ config, url: URL_, token: 'the-token', tokenIsMade: true, redis: config.redis, ...more })
}

describe('next steps', () => {
  it('post to the generic webhook if it takes unsigned messages', () => {
    expect(shown()).to.include(`curl -sS ${URL_}/webhook/whatsapp/batched/generic -H`)
  })

  it('post to the conversation with the token if webhooks must be signed', () => {
    const text = shown({ WHATSAPP_APP_SECRET: 'hush' })
    expect(text).to.include(
      `curl -sS -H 'authorization: Bearer the-token' ${URL_}/conversations/79990000011%40c.us/messages -H`,
    )
    expect(text).not.to.include('hush')
    expect(shown({ WHATSAPP_APP_SECRET: 'hush', LULL_ALLOW_UNSIGNED: 'generic' })).to.include('/batched/generic -H')
  })

  it('begin with the page, and link it with the token only if that was made for this run', () => {
    expect(shown()).to.include(`Its page:   ${URL_}/?token=the-token\n`)
    expect(shown({}, { tokenIsMade: false })).to.include(`Its page:   ${URL_}/   (it asks for LULL_API_TOKEN)\n`)
  })

  it('show a token made for this run, and never the user’s own', () => {
    expect(shown()).to.include('Bearer the-token')
    expect(shown({}, { tokenIsMade: false }))
      .to.include('Bearer <LULL_API_TOKEN>')
      .and.not.to.include('the-token')
  })

  it('say what will be seen with these settings', () => {
    expect(shown()).to.include('10 s after the last one, one batch with all four is logged here.')
    expect(shown({ LULL_BATCHING: 'off' })).to.include('each message is logged here at once and alone.')
    expect(shown({ LULL_WORKER_HANDLER: './answer.mjs' })).to.include('goes to ./answer.mjs')
  })

  it('say when the work begins with an early start, and when its answer may be sent', () => {
    const early = { LULL_ANSWERING: 'supersede', LULL_EARLY_START_MS: '300', LULL_QUIET_GAP_MS: '1500' }
    expect(shown(early)).to.include(
      '0.3 s after the last one, one batch with all four is logged here; its answer may be sent 1.5 s after the last one.',
    )
  })

  it('name an address that can be connected to', () => {
    expect(shown({}, { url: 'http://0.0.0.0:3000' })).to.include('Lull is up at http://127.0.0.1:3000')
    expect(shown({}, { url: 'http://[::]:3000' })).to.include('Lull is up at http://[::1]:3000')
  })

  it('show how to watch Redis, without its password', () => {
    const text = shown({ REDIS_URL: 'rediss://:hush@h:7000/3', LULL_PREFIX: 'shop' })
    expect(text).to.include("redis-cli -h h -p 7000 --tls -n 3 psubscribe 'shop.*'").and.not.to.include('hush')
  })

  it('show all of Redis where no single redis-cli does', () => {
    const watched = 'Redis at work:   lull watch\n'
    expect(shown({}, { partitions: 64 })).to.include(watched)
    expect(shown({ REDIS_URL: 'redis://h1:7000,h2:7001' })).to.include(watched)
    expect(shown({ REDIS_URL: 'redis+sentinel://h1:26379/0?name=main' })).to.include(watched)
    expect(shown()).not.to.include(watched)
  })
})

/**
 * Guarantee **metrics**: every event is counted under its name of the contract, on the API's port behind the token and
 * on every role's own port without one, and no label names a conversation.
 */
import { expect } from 'chai'
import { type LullProcess, lull } from '../support/processes.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const TOKEN = 'test-token'
const CHAT = '79990000011@c.us'

const COUNTED = [
  'lull_messages_total{provider="generic",outcome="accepted"} 3',
  'lull_messages_total{provider="generic",outcome="duplicate"} 1',
  'lull_webhook_rejections_total{provider="meta",reason="missing"} 1',
  'lull_batches_released_total{reason="gap"} 1',
  'lull_handovers_total{kind="bullmq",result="taken"} 1',
  'lull_answers_total{result="completed"} 1',
  'lull_claims_reclaimed_total 0',
  'lull_release_lateness_seconds_count 1',
  'lull_batch_wait_seconds_count 1',
  'lull_batch_messages_sum 3',
  'lull_handover_duration_seconds_count{kind="bullmq"} 1',
  'lull_answer_duration_seconds_count{result="completed"} 1',
  'lull_reply_seconds_count 1',
  'lull_superseded_total{when="running"} 0',
  'lull_commits_total{result="go"} 0',
  'lull_commit_wait_seconds_count 0',
  'lull_wasted_run_seconds_total 0',
  'lull_append_duration_seconds_count 4',
  'lull_http_request_duration_seconds_count{route="/webhook/whatsapp/batched/:provider",method="POST",code="401"} 1',
  'lull_open_conversations 0',
  'lull_held_conversations 0',
  'lull_dead_batches 0',
  'lull_oldest_due_age_seconds 0',
  'lull_redis_up 1',
]

describe('metrics', function () {
  this.timeout(60_000)
  let env: Record<string, string>
  let running: LullProcess[]

  beforeEach(async () => {
    running = []
    const prefix = uniquePrefix()
    env = {
      REDIS_URL: await testRedis(),
      LULL_PREFIX: prefix,
      LULL_QUEUE: `queue-${prefix}`,
      LULL_API_TOKEN: TOKEN,
      LULL_QUIET_GAP_MS: '300',
      WHATSAPP_APP_SECRET: 'shh',
      LULL_ALLOW_UNSIGNED: 'generic',
      PORT: '0',
      LULL_OPS_PORT: '0',
    }
  })

  afterEach(async () => {
    for (const command of running) await command.stop()
  })

  /** Starts a role; resolves to the address of its probes, and of the API if it has one. */
  const start = async (role: string) => {
    const command = await lull([role], env)
    running.push(command)
    const urlIn = async (pattern: RegExp) => /http:\/\/127\.0\.0\.1:\d+/.exec(await command.line(pattern))?.[0] ?? ''
    const ops = await urlIn(/\/metrics are served on/)
    await until(async () => (await fetch(`${ops}/readyz`)).status === 200, { what: `${role} to be ready` })
    return { ops, api: role === 'api' || role === 'up' ? await urlIn(/api listens on/) : '' }
  }

  const scrape = async (url: string) => {
    const response = await fetch(`${url}/metrics`)
    expect(response.status).to.equal(200)
    expect(response.headers.get('content-type')).to.match(/^text\/plain; version=0\.0\.4/)
    return response.text()
  }

  const post = (api: string, messageId: string, provider = 'generic') =>
    fetch(`${api}/webhook/whatsapp/batched/${provider}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ chatId: CHAT, messageId, text: 'hi' }),
    })

  it('every step of a batch is counted, and no label names a conversation', async () => {
    // So that there is one batch, however slow the first requests of a new process are.
    env['LULL_QUIET_GAP_MS'] = '2000'
    const { ops, api } = await start('up')
    for (const id of ['m1', 'm2', 'm2', 'm3']) expect((await post(api, id)).status).to.equal(200)
    expect((await post(api, 'm4', 'meta')).status).to.equal(401)
    let text = ''
    await until(
      async () => {
        text = await scrape(ops)
        // The gauges are read before the counters, so they may be older.
        return text.includes('lull_answers_total{result="completed"} 1') && text.includes('lull_held_conversations 0')
      },
      { what: 'the answer' },
    )
    expect(COUNTED.filter(line => !text.split('\n').includes(line))).to.deep.equal([])
    // The quiet gap is a part of it.
    expect(Number(/^lull_reply_seconds_sum (\S+)$/m.exec(text)?.[1])).to.be.at.least(2)
    expect(text).to.match(/lull_nudges_total\{kind="(timer|expired|next-due)"\} [1-9]/)
    for (const role of ['api', 'processor', 'worker'])
      expect(text).to.match(new RegExp(`lull_build_info\\{version="[^"]+",role="${role}"\\} 1`))
    expect(text).not.to.include(CHAT)
    expect(text).to.include('process_cpu_seconds_total')
  })

  it('counters that alerts watch start at 0', async () => {
    const { ops } = await start('processor')
    const text = await scrape(ops)
    expect(text).to.include('lull_headers_lost_total{cause="vanished"} 0')
    expect(text).to.include('lull_answers_total{result="failed"} 0')
    expect(text).to.include('lull_answers_total{result="timeout"} 0')
  })

  it('a later scrape has the canary’s lag', async () => {
    const { ops } = await start('processor')
    await scrape(ops)
    const pattern = /lull_notification_lag_seconds\{kind="natural"\} [\d.]+/
    await until(async () => pattern.test(await scrape(ops)), { what: 'the lag' })
  })

  it('the API’s port requires the token', async () => {
    const { api } = await start('api')
    expect((await fetch(`${api}/metrics`)).status).to.equal(401)
    const response = await fetch(`${api}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })
    expect(response.status).to.equal(200)
    expect(await response.text()).to.include('role="api"')
  })

  it('every role serves its own metrics, and only processors those of the whole system', async () => {
    for (const role of ['api', 'processor', 'worker']) {
      const text = await scrape((await start(role)).ops)
      expect(text).to.include(`role="${role}"} 1`)
      expect(text).to.include('lull_redis_up 1')
      expect(text.includes('lull_open_conversations'), role).to.equal(role === 'processor')
    }
  })

  it('a processor without Redis reports that, and no outdated totals', async () => {
    const server = await privateRedis()
    env['REDIS_URL'] = server.url
    try {
      const { ops } = await start('processor')
      expect(await scrape(ops)).to.include('lull_redis_up 1')
      await server.kill()
      await until(async () => (await scrape(ops)).includes('lull_redis_up 0'), { what: 'Redis to be seen away' })
      const text = await scrape(ops)
      expect(text).not.to.match(/^lull_open_conversations/m)
      expect(text).to.match(/lull_redis_errors_total\{kind="connection"\} [1-9]/)
    } finally {
      for (const command of running.splice(0)) await command.kill()
      await server.stop().catch(() => {})
    }
  })
})

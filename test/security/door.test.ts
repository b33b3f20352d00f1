/** A webhook that is refused before or beside its proof is counted by provider and reason, and logged once a minute. */
import { expect } from 'chai'
import { Metrics } from '../../src/metrics/metrics.js'
import { StoreUnavailable } from '../../src/store/store.js'
import { Rejections } from '../../src/webhook/rejections.js'
import { type Serving, serve } from '../unit/api/serving.js'

const BATCHED = '/webhook/whatsapp/batched'
const hi = { chatId: 'a', messageId: '1', text: 'hi' }

describe('at the door', () => {
  let api: Serving
  let rejections: Rejections
  let metrics: Metrics
  const lines: string[] = []
  beforeEach(async () => {
    const nothing = () => {}
    const warn = (_: object, line: string) => void lines.push(line)
    rejections = new Rejections({ debug: nothing, info: nothing, warn, error: warn })
    metrics = new Metrics('1.2.3')
    api = await serve({ rejections, metrics, maxBodyBytes: 65_536, providers: { allowUnsigned: 'all' } })
    lines.length = 0
  })
  afterEach(() => api.close(0))

  const cases: [
    what: string,
    provider: string,
    reason: string,
    status: number,
    send: () => Promise<{ status: number }>,
  ][] = [
    ['an unknown provider', 'unknown', 'path', 404, () => api.call('POST', `${BATCHED}/nobody`, hi)],
    ['a path below an event', 'unknown', 'path', 404, () => api.call('POST', `${BATCHED}/evolution/a/b`, hi)],
    ['a path like a webhook', 'unknown', 'path', 404, () => api.call('POST', '/webhooks/whatsapp', hi)],
    ['a method', 'meta', 'method', 405, () => api.call('PUT', `${BATCHED}/meta`, hi)],
    [
      'a large body',
      'wppconnect',
      'too_large',
      413,
      () => api.call('POST', `${BATCHED}/wppconnect`, 'x'.repeat(70_000)),
    ],
    [
      'a compressed body',
      'waha',
      'encoding',
      415,
      () => api.call('POST', `${BATCHED}/waha`, hi, { 'content-encoding': 'gzip' }),
    ],
    ['no JSON', 'waha', 'malformed', 400, () => api.call('POST', `${BATCHED}/waha`, '{')],
    ['another shape', 'waha', 'malformed', 400, () => api.call('POST', `${BATCHED}/waha`, hi)],
    ['no known shape', 'unknown', 'malformed', 400, () => api.call('POST', BATCHED, { a: 1 })],
    ['a GET that is no handshake', 'meta', 'malformed', 400, () => api.call('GET', `${BATCHED}/meta`)],
  ]

  for (const [what, provider, reason, status, send] of cases)
    it(`${what}: ${status} counts as ${reason} of ${provider}, with one line in the log`, async () => {
      for (let i = 0; i < 3; i++) expect((await send()).status).to.equal(status)
      expect(rejections.all.map(({ lastAtMs: _, ...rest }) => rest)).to.deep.equal([{ provider, reason, count: 3 }])
      expect(lines).to.have.length(1)
      expect(lines[0]).to.include(`refused a webhook of ${provider}`)
      const { text } = await metrics.text()
      expect(text).to.match(
        new RegExp(`lull_webhook_rejections_total\\{[^}]*provider="${provider}",reason="${reason}"[^}]*\\} 3`),
      )
    })

  it('a webhook that Redis could not take counts as unavailable', async () => {
    api.store.trouble = new StoreUnavailable('memory', 'Redis is full')
    expect((await api.call('POST', `${BATCHED}/generic`, hi)).status).to.equal(503)
    expect(rejections.all.map(({ provider, reason }) => [provider, reason])).to.deep.equal([['generic', 'unavailable']])
  })

  it('a refusal on another route counts as no webhook', async () => {
    await api.call('POST', '/conversations/a/messages', '{')
    await api.call('GET', '/nothing')
    expect(rejections.all).to.deep.equal([])
  })
})

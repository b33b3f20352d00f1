/** A person takes over a conversation through the API. */
import { expect } from 'chai'
import { Metrics } from '../../../src/metrics/metrics.js'
import { type Serving, serve } from './serving.js'

const ID = 'shop/79990000011@c.us'
const PATH = `/conversations/${encodeURIComponent(ID)}`
const QUERY = `?id=${encodeURIComponent(ID)}`
const BATCHED = '/webhook/whatsapp/batched/generic'
const HOUR_MS = 3_600_000

describe('API: pauses', () => {
  let api: Serving
  let metrics: Metrics
  beforeEach(async () => {
    metrics = new Metrics('0.0.0')
    api = await serve({ metrics, providers: { generic: { unsigned: true } } })
  })
  afterEach(async () => {
    await api.close(0)
    metrics.stop()
  })

  const pausedNow = async () => (await api.store.conversation(ID)).paused

  it('pauses, shows and resumes a conversation, by path and by ?id=', async () => {
    for (const [pause, resume, show] of [
      [`${PATH}/pause`, `${PATH}/resume`, PATH],
      [`/conversations/pause${QUERY}`, `/conversations/resume${QUERY}`, `/conversations${QUERY}`],
    ] as const) {
      const { status, json } = await api.call('POST', pause, { forMs: 2 * HOUR_MS, keep: 'collect' })
      const { untilMs } = (await pausedNow()) ?? {}
      expect([status, json]).to.deep.equal([200, { untilMs, dropped: 0 }])
      const shown = (await api.call('GET', show)).json
      expect(shown).to.have.nested.property('paused.untilMs', untilMs)
      expect(shown).to.have.nested.property('paused.keep', 'collect')
      expect((await api.call('POST', resume)).json).to.deep.equal({ resumed: true })
      expect((await api.call('GET', show)).json).to.not.have.property('paused')
      expect((await api.call('POST', resume)).json).to.deep.equal({ resumed: false })
    }
  })

  it('goes by the rules of the conversation without a body, and says how many messages it dropped', async () => {
    await api.call('PUT', '/settings/shop', { pauseMs: HOUR_MS })
    await api.call('POST', `${PATH}/messages`, [{ messageId: '1' }, { messageId: '2' }])
    expect((await api.call('POST', `${PATH}/pause`)).json).to.include({ dropped: 2 })
    expect(await pausedNow()).to.include({ keep: 'drop' })
    expect((await pausedNow())?.inMs).to.be.within(HOUR_MS - 10_000, HOUR_MS)
  })

  it('takes a form, too', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await api.call('POST', `${PATH}/pause`, 'forMs=7200000&keep=collect', headers)).status).to.equal(200)
    expect(await pausedNow()).to.include({ keep: 'collect' })
    expect((await pausedNow())?.inMs).to.be.above(HOUR_MS)
  })

  it('refuses what is no pause in one line, and pauses nothing', async () => {
    for (const [body, error] of [
      [{ forMs: 5 }, 'forMs=5: must be a whole number from 1000 to 2592000000'],
      [{ forMs: '2h' }, 'forMs=2h: must be a whole number from 1000 to 2592000000'],
      [{ keep: 'some' }, 'keep=some: must be one of drop, collect'],
      [{ ms: 5000 }, 'a pause has no "ms": send forMs (milliseconds) and keep, or neither'],
      [[], 'the body is no object: send {"forMs":7200000}, or nothing'],
    ] as const) {
      const { status, json } = await api.call('POST', `${PATH}/pause`, body)
      expect([status, json]).to.deep.equal([400, { error }])
    }
    expect(await api.store.paused(10)).to.deep.equal([])
  })

  it('lists the paused conversations beside those with messages', async () => {
    await api.call('POST', `${PATH}/pause`)
    const { json } = await api.call('GET', '/conversations')
    expect(json).to.deep.include({ conversations: [] })
    expect(json).to.have.nested.property('paused[0].conversationId', ID)
    expect(json).to.have.nested.property('paused[0].inMs').that.is.above(0)
  })

  it('accepts the messages of a paused conversation, and says that it is paused', async () => {
    await api.call('POST', `${PATH}/pause`)
    const appended = await api.call('POST', `${PATH}/messages`, [{ messageId: '1' }, { messageId: '2' }])
    expect(appended.json).to.deep.include({ accepted: 2, duplicates: 0, paused: 2 }).and.not.have.property('batchId')
    const hi = { account: 'shop', chatId: '79990000011@c.us', text: 'hi' }
    const webhook = (messageId: string, more = {}) => api.call('POST', BATCHED, { ...hi, messageId, ...more })
    expect((await webhook('3')).json).to.deep.equal({ accepted: 1, duplicates: 0, ignored: 0, paused: 1 })
    expect((await webhook('3')).json).to.deep.equal({ accepted: 0, duplicates: 1, ignored: 0 })
    expect((await webhook('4', { account: 'other' })).json).to.deep.equal({ accepted: 1, duplicates: 0, ignored: 0 })
    const direct = await api.call('POST', '/webhook/whatsapp/generic', { ...hi, messageId: '5' })
    expect(direct.json).to.deep.equal({ accepted: 1, duplicates: 0, ignored: 0, paused: 1 })
    expect((await api.store.conversation(ID)).waiting).to.equal(0)
    const { text } = await metrics.text()
    expect(text.match(/^lull_messages_total\{.*$/gm)?.toSorted()).to.deep.equal([
      'lull_messages_total{provider="generic",outcome="accepted"} 1',
      'lull_messages_total{provider="generic",outcome="duplicate"} 1',
      'lull_messages_total{provider="generic",outcome="paused"} 4',
    ])
  })
})

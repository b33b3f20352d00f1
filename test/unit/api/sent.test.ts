/** `POST /conversations/:id/sent`: ids of the bot's messages. */
import { expect } from 'chai'
import { type Serving, serve } from './serving.js'

const ID = 'shop/79990000011@c.us'
const PATH = `/conversations/${encodeURIComponent(ID)}/sent`

describe('API: ids that the bot sent', () => {
  let api: Serving
  beforeEach(async () => {
    api = await serve()
  })
  afterEach(() => api.close(0))

  it('takes one id or many, by path and by ?id=', async () => {
    expect((await api.call('POST', PATH, { messageId: 's1' })).json).to.deep.equal({ sent: 1, resumed: false })
    const many = { messageId: ['s2', 's3'] }
    const query = `/conversations/sent?id=${encodeURIComponent(ID)}`
    expect((await api.call('POST', query, many)).json).to.deep.equal({ sent: 2, resumed: false })
    for (const id of ['s1', 's2', 's3']) expect(await api.store.wasSent(ID, id), id).to.equal(true)
  })

  it('says whether that ended a pause', async () => {
    await api.store.pauseByMessage(ID, 's1', { forMs: 60_000, keep: 'drop' })
    expect((await api.call('POST', PATH, { messageId: 's1' })).json).to.deep.equal({ sent: 1, resumed: true })
    expect(await api.store.conversation(ID)).to.not.have.property('paused')
  })

  it('a body without ids is 400', async () => {
    const tooMany = Array.from({ length: 1001 }, (_, i) => `s${i}`)
    for (const messageId of [undefined, null, '', 7, [], [''], [7], {}, 'x'.repeat(513), tooMany]) {
      const { status, json } = await api.call('POST', PATH, { messageId })
      expect(status, JSON.stringify(messageId)?.slice(0, 40)).to.equal(400)
      expect(json)
        .to.have.property('error')
        .that.matches(/^messageId is missing, or neither/)
    }
    expect((await api.call('POST', PATH)).status).to.equal(400)
    expect((await api.call('POST', '/conversations/sent', { messageId: 's1' })).status).to.equal(400)
    expect(await api.store.wasSent(ID, 's1')).to.equal(undefined)
  })
})

import { expect } from 'chai'
import { recentLives } from '../../../src/history/reading.js'
import { type Serving, serve } from './serving.js'

const ID = 'a/b%2Fc@c.us'
const PATH = `/conversations/${encodeURIComponent(ID)}`
const message = { messageId: '1', text: 'hi' }

describe('API: lives of batches', () => {
  let api: Serving
  beforeEach(async () => {
    api = await serve()
  })
  afterEach(() => api.close(0))

  const CLAIM = { owner: 'p1', maxBatches: 10, maxBytes: 1_000_000 }

  it('are served ready-made for one conversation, newest first, by path and by ?id=', async () => {
    await api.call('POST', `${PATH}/messages`, message)
    await api.call('POST', `${PATH}/flush`)
    const { batches } = await api.store.claim(CLAIM)
    const claimed = batches[0]?.batchId ?? ''
    await api.call('POST', `${PATH}/messages`, { ...message, messageId: '2' })
    for (const path of [`${PATH}/lives`, `/conversations/lives?id=${encodeURIComponent(ID)}`]) {
      const { json } = await api.call('GET', path)
      expect(json).to.have.property('nowMs').that.is.a('number')
      expect(json).to.have.nested.property('lives.length', 2)
      expect(json).to.have.nested.property('lives[0].state', 'open')
      expect(json).to.have.nested.property('lives[0].messages[0].messageId', '2')
      expect(json).to.have.nested.property('lives[1].batchId', claimed)
      expect(json).to.have.nested.property('lives[1].claimed.by', 'p1')
    }
    expect((await api.call('GET', `${PATH}/lives?limit=1`)).json).to.have.nested.property('lives.length', 1)
  })

  it('hold no texts', async () => {
    await api.call('POST', `${PATH}/messages`, { ...message, text: 'a secret' })
    expect((await api.call('GET', `${PATH}/lives`)).text).not.to.include('secret')
  })

  it('are closed to a caller without the token', async () => {
    for (const path of [`${PATH}/lives`, '/conversations/lives?id=a'])
      expect((await api.call('GET', path, undefined, { Authorization: '' })).status, path).to.equal(401)
  })

  it('leave a conversation called lives in its place', async () => {
    await api.call('POST', '/conversations/lives/messages', message)
    expect((await api.call('GET', '/conversations/lives')).json).to.include({ conversationId: 'lives' })
  })

  it('of all conversations are the newest ones, with the messages of batches that still wait', async () => {
    for (const id of ['a', 'b', 'c']) await api.call('POST', `/conversations/${id}/messages`, [message])
    await api.call('POST', '/conversations/b/messages', { ...message, messageId: '2' })
    const { lives } = await recentLives(api.store, 2)
    expect(lives).to.have.length(2)
    const [b] = (await recentLives(api.store, 10)).lives.filter(({ conversationId }) => conversationId === 'b')
    expect(b?.state).to.equal('open')
    expect(b?.messages.map(({ messageId }) => messageId)).to.deep.equal(['1', '2'])
  })
})

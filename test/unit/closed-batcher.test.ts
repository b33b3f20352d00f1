/**
 * Guarantee: a closed Batcher says that it is closed. A webhook that comes then is answered 503, so that its provider
 * sends it again. A store that was given stays open, and so does the Batcher on it.
 */
import { expect } from 'chai'
import { Batcher, MemoryStore, StoreUnavailable, webhook } from '../../src/index.js'

const message = { messageId: 'm1', text: 'hi' }

describe('a Batcher after close()', () => {
  it('refuses every call with the reason', async () => {
    const batcher = new Batcher({ redis: 'redis://127.0.0.1:1' })
    await batcher.close()
    await batcher.close()
    for (const call of [() => batcher.append('a', message), () => batcher.ready(), () => batcher.flush('a')]) {
      const error = await call().then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(error).to.be.instanceOf(StoreUnavailable)
      expect(error).to.have.property('message', 'the batcher is closed: make another one')
    }
    const receive = webhook({ batcher, providers: { generic: { unsigned: true } } })
    const body = JSON.stringify({ chatId: 'a', ...message })
    const headers = { 'content-type': 'application/json' }
    expect((await receive(new Request('http://h/', { method: 'POST', headers, body }))).status).to.equal(503)
  })

  it('goes on with a store that was given', async () => {
    const store = new MemoryStore()
    const batcher = new Batcher({ store })
    await batcher.close()
    expect(await batcher.append('a', message)).to.include({ accepted: 1 })
    await store.close()
  })
})

/** Guarantee: what a program appends has the fields that a handler relies on, or is refused whole. */
import { expect } from 'chai'
import { Batcher, MemoryStore } from '../../src/index.js'

const GOOD = { messageId: 'm1', text: 'hi' }

function endless() {
  const value: { self?: unknown } = {}
  value.self = value
  return value
}

describe('a message that is appended', () => {
  const WRONG: [message: unknown, says: RegExp][] = [
    [undefined, /^message=undefined: it must be an object/],
    ['hi', /^message="hi": it must be an object/],
    [{ text: 'hi' }, /^messageId=undefined: a message needs an id/],
    [{ ...GOOD, text: 123 }, /^text=123: it must be a string$/],
    [{ ...GOOD, text: null }, /^text=null: it must be a string$/],
    [{ ...GOOD, text: 1n }, /^text=1: it must be a string$/],
    [{ ...GOOD, type: 'txt' }, /^type="txt": it must be one of text, image, /],
    [{ ...GOOD, sentAtMs: '2026-01-01' }, /^sentAtMs="2026-01-01": it must be a number/],
    [{ ...GOOD, sentAtMs: Number.NaN }, /^sentAtMs=NaN: it must be a number/],
    [{ ...GOOD, isGroup: 'no' }, /^isGroup="no": it must be true or false$/],
    [{ ...GOOD, form: [] }, /^form=\[\]: it must be an object$/],
    [{ ...GOOD, media: 'https://example.org/a.png' }, /^media="https:.*": it must be an object$/],
    [{ ...GOOD, media: { url: 5 } }, /^media\.url=5: it must be a string$/],
    [{ ...GOOD, location: { latitude: 1 } }, /^location\.longitude is missing: it must be a number$/],
    [{ ...GOOD, contacts: {} }, /^contacts=.*: it must be a list of objects$/],
    [{ ...GOOD, contacts: [{ phones: '+7' }] }, /^contacts\[0\]\.phones="\+7": it must be a list of strings$/],
    [{ ...GOOD, location: { latitude: '1', longitude: 2 } }, /^location\.latitude="1": it must be a number$/],
    [{ ...GOOD, meta: new Date(0) }, /^meta is a Date: it must be JSON, /],
    [{ ...GOOD, meta: { order: [{ id: 1n }] } }, /^meta\.order\[0\]\.id is a bigint: /],
    [{ ...GOOD, meta: { of: new Map() } }, /^meta\.of is a Map: /],
    [{ ...GOOD, meta: [undefined] }, /^meta\[0\] is undefined: /],
    [{ ...GOOD, meta: { price: Number.NaN } }, /^meta\.price is NaN: /],
    [{ ...GOOD, meta: () => {} }, /^meta is a function: /],
    [{ ...GOOD, meta: endless() }, /^meta is nested deeper than 100 levels: /],
  ]
  for (const [message, says] of WRONG)
    it(`is refused, and nothing is stored: ${says.source}`, async () => {
      const batcher = new Batcher({ store: new MemoryStore() })
      const error = await batcher.append('a', [GOOD, message as typeof GOOD]).catch((e: unknown) => e)
      expect(error).to.be.instanceOf(TypeError)
      expect(error).to.have.property('message').that.matches(says)
      expect(await batcher.append('a', GOOD)).to.include({ accepted: 1, duplicates: 0 })
      await batcher.close()
    })

  it('may have any fields of its own, and undefined ones', async () => {
    const batcher = new Batcher({ store: new MemoryStore() })
    const message = { ...GOOD, tenant: 5, senderName: undefined, media: { url: 'https://example.org' } }
    expect(await batcher.append('a', message as typeof GOOD)).to.include({ accepted: 1 })
    await batcher.close()
  })
})

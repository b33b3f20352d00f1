/**
 * A body with many items is worked on in slices: the event loop turns in between, so that other requests are handled.
 */
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import { MOST_ITEMS, MOST_VALUES } from '../../src/http/json-bounds.js'
import { MemoryStore } from '../../src/store/memory/store.js'
import { webhook } from '../../src/webhook/fetch.js'
import { ITEMS_A_SLICE, ownTurn } from '../../src/webhook/slices.js'

const many = <Each>(count: number, each: (i: number) => Each) => Array.from({ length: count }, (_, i) => each(i))
const COUNT = MOST_ITEMS - 10

const BODIES: Record<string, [provider: string, body: unknown, items: number]> = {
  'messages of the generic shape': [
    'generic',
    many(COUNT, i => ({ messageId: `m${i}`, chatId: `c${i % 50}`, text: 'hi' })),
    COUNT,
  ],
  'items that are none': ['generic', many(COUNT, () => ({})), COUNT],
  'numbers instead of items': ['generic', many(MOST_VALUES - 10, () => 1), MOST_VALUES - 10],
  'messages of Meta': [
    'meta',
    {
      object: 'whatsapp_business_account',
      entry: [
        {
          changes: [
            {
              field: 'messages',
              value: {
                messages: many(COUNT, i => ({ id: `m${i}`, from: '79000000011', type: 'text', text: { body: 'x' } })),
              },
            },
          ],
        },
      ],
    },
    COUNT,
  ],
  'messages of Evolution API': [
    'evolution',
    {
      event: 'messages.upsert',
      instance: 's',
      data: many(COUNT, i => ({
        key: { id: `m${i}`, remoteJid: '79000000011@s.whatsapp.net' },
        message: { conversation: 'x' },
      })),
    },
    COUNT,
  ],
  'messages of Wazzup': ['wazzup', { messages: many(COUNT, i => ({ messageId: `m${i}`, channelId: 'c' })) }, COUNT],
  'messages of ChatApp': [
    'chatapp',
    [{ data: many(COUNT, i => ({ id: `m${i}`, side: 'in' })), meta: { type: 'message' } }],
    COUNT,
  ],
}

describe('slices', function () {
  this.timeout(30_000)

  it('of large bodies that come together, each is parsed in a turn of its own', async () => {
    const turnOf: number[] = []
    let turns = 0
    let isOver = false
    const count = () => {
      turns += 1
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    await Promise.all(Array.from({ length: 5 }, () => ownTurn().then(() => turnOf.push(turns))))
    isOver = true
    expect(new Set(turnOf).size).to.equal(5)
  })

  for (const [name, [provider, body, items]] of Object.entries(BODIES))
    it(`${name}: the event loop turns at least once for ${ITEMS_A_SLICE} of them`, async () => {
      const batcher = new Batcher({ store: new MemoryStore() })
      const receive = webhook({ batcher, provider, providers: { allowUnsigned: 'all' } })
      const request = new Request('http://x/', { method: 'POST', body: JSON.stringify(body) })
      let turns = 0
      let isOver = false
      const count = () => {
        turns += 1
        if (!isOver) setImmediate(count)
      }
      setImmediate(count)
      const response = await receive(request)
      isOver = true
      expect(response.status).to.equal(200)
      // Once while they are read, and once while their steps are planned.
      expect(turns).to.be.at.least(2 * Math.floor(items / ITEMS_A_SLICE))
    })
})

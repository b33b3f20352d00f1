import { expect } from 'chai'
import { Batcher } from '../../../src/batcher.js'
import type { Logger } from '../../../src/logger.js'
import { silent } from '../../../src/logger.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import type { Identify, Person } from '../../../src/webhook/identity.js'
import { Receiver, type ReceiverOptions } from '../../../src/webhook/receive.js'

function setUp(options: Partial<ReceiverOptions> = {}) {
  const store = new MemoryStore()
  const receiver = new Receiver({ batcher: new Batcher({ store }), isLocal: true, ...options })
  const post = (body: object, provider = 'generic') =>
    receiver.deliver({ body: Buffer.from(JSON.stringify(body)), header: () => undefined, provider })
  const waiting = async () => {
    const all = await store.conversations(100)
    const states = await Promise.all(all.map(({ conversationId }) => store.conversation(conversationId)))
    return Object.fromEntries(states.map(({ conversationId, messages }) => [conversationId, messages]))
  }
  return { store, post, waiting }
}

const message = (messageId: string, chatId: string, more = {}) => ({ messageId, chatId, text: messageId, ...more })

describe('identify', () => {
  const sales: Identify = ({ id }) => (id.startsWith('7999') ? 'client-7' : undefined)

  it('makes one conversation of the numbers that the business knows to be one person', async () => {
    const { post, waiting } = setUp({ identify: sales })
    await post(message('m1', '79990000011@c.us'))
    await post(message('m2', '79990000012@c.us', { account: 'shop' }))
    await post(message('m3', '79990000013@c.us', { account: 'shop' }))
    await post(message('m4', '15551234567@c.us'))
    expect(Object.keys(await waiting())).to.have.members(['client-7', 'shop/client-7', '15551234567@c.us'])
  })

  it('is asked with provider, account and group, and about a number in its one form', async () => {
    const asked: Person[] = []
    const { post } = setUp({ groups: 'bySender', identify: person => void asked.push(person) })
    await post(message('m1', '551187654321@c.us', { account: 'shop' }))
    await post(message('m2', '120363@g.us', { senderId: '79990000011@c.us', isGroup: true }))
    expect(asked).to.deep.equal([
      { provider: 'generic', account: 'shop', id: '5511987654321@c.us' },
      { provider: 'generic', id: '79990000011@c.us', group: '120363@g.us' },
    ])
  })

  it('keeps the provider’s id in senderId where the chat has another one', async () => {
    const { post, waiting } = setUp({ identify: sales })
    await post(message('m1', '79990000011@c.us'))
    await post(message('m2', '15551234567@c.us'))
    const { 'client-7': [known] = [], '15551234567@c.us': [unknown] = [] } = await waiting()
    expect(known?.message.senderId).to.equal('79990000011@c.us')
    expect(unknown?.message.senderId).to.equal('15551234567@c.us')
  })

  it('is only a line in the log if it fails, returns something else or takes too long: the id stays', async () => {
    const warned: string[] = []
    const log: Logger = { ...silent, warn: (_: unknown, text?: string) => void warned.push(text ?? '') }
    const bad: Record<string, () => string> = {
      throws: () => {
        throw new Error('no database')
      },
      'returns an empty text': () => JSON.parse('""'),
      'returns a number': () => JSON.parse('1'),
    }
    for (const identify of Object.values(bad)) {
      const { post, waiting } = setUp({ identify, log })
      await post(message('m1', '79990000011@c.us'))
      expect(Object.keys(await waiting())).to.deep.equal(['79990000011@c.us'])
    }
    const { post, waiting } = setUp({ identify: () => new Promise(() => {}), log })
    await post(message('m1', '79990000011@c.us'))
    expect(Object.keys(await waiting())).to.deep.equal(['79990000011@c.us'])
    expect(warned).to.have.lengthOf(4)
    expect(warned[0]).to.include('no database')
    expect(warned[3]).to.include('1000 ms')
    for (const line of warned) expect(line).not.to.include('\n')
  })
})

describe('a number with two forms', () => {
  it('is one conversation in either form', async () => {
    const { post, waiting } = setUp()
    await post(message('m1', '5511987654321'))
    await post(message('m2', '551187654321'))
    expect(Object.keys(await waiting())).to.deep.equal(['5511987654321@c.us'])
  })
})

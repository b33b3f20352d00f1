import { expect } from 'chai'
import { Batcher } from '../../../src/batcher.js'
import type { Logger } from '../../../src/logger.js'
import { silent } from '../../../src/logger.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import type { Identify, Person } from '../../../src/webhook/identity.js'
import { Receiver, type ReceiverOptions } from '../../../src/webhook/receive.js'
import { until } from '../../support/wait.js'

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

describe('an id that changes', () => {
  const change = (messages: object[]) => ({
    object: 'whatsapp_business_account',
    entry: [{ changes: [{ field: 'messages', value: { metadata: { phone_number_id: 'n' }, messages } }] }],
  })
  const text = (id: string, from: object) => ({
    id,
    timestamp: '1767262500',
    type: 'text',
    text: { body: id },
    ...from,
  })
  const changed = (system: object) => ({ id: 'wamid.s', timestamp: '1767262501', type: 'system', system })

  it('of a person who hides the number keeps the conversation', async () => {
    const { post, waiting } = setUp()
    await post(change([text('m1', { from_user_id: 'RU.13491' })]), 'meta')
    const ids = { type: 'user_changed_user_id', user_id: 'RU.13492', previous_user_id: 'RU.13491' }
    const { body } = await post(change([changed(ids)]), 'meta')
    expect(body).to.include({ accepted: 0, ignored: 1 })
    await post(change([text('m2', { from_user_id: 'RU.13492' })]), 'meta')
    const all = Object.values(await waiting())
    expect(all.map(messages => messages.map(({ message }) => message.messageId))).to.deep.equal([['m1', 'm2']])
  })

  it('leaves the old number alone, which may be given to somebody else', async () => {
    const { post, waiting } = setUp()
    await post(change([text('m1', { from: '79990000011', from_user_id: 'RU.13491' })]), 'meta')
    const ids = { user_id: 'RU.13492', previous_user_id: 'RU.13491', wa_id: '79990000012' }
    await post(change([changed({ type: 'user_changed_number', ...ids })]), 'meta')
    await post(change([text('m2', { from: '79990000011' }), text('m3', { from_user_id: 'RU.13492' })]), 'meta')
    const all = Object.entries(await waiting()).map(([id, list]) => [id, list.map(({ message }) => message.messageId)])
    expect(Object.fromEntries(all)).to.deep.equal({
      'n/79990000011@c.us': ['m1', 'm2'],
      'n/79990000012@c.us': ['m3'],
    })
  })
})

describe('a message that comes under two ids', () => {
  it('is one message though the second delivery comes before the first is stored', async () => {
    let open = () => {}
    const gate = new Promise<void>(resolve => {
      open = resolve
    })
    let isStoring = false
    const store = new MemoryStore()
    class Slow extends Batcher {
      override async append(...args: Parameters<Batcher['append']>): ReturnType<Batcher['append']> {
        isStoring = true
        if (args[0].endsWith('@lid')) await gate
        return super.append(...args)
      }
    }
    const receiver = new Receiver({ batcher: new Slow({ store }), isLocal: true })
    const post = async (chatId: string) => {
      const body = Buffer.from(JSON.stringify(message('3AE31BFE77A3CB30BF18', chatId)))
      return (await receiver.deliver({ body, header: () => undefined, provider: 'generic' })).body
    }
    const first = post('245000000000001@lid')
    await until(() => isStoring)
    const deliveries = Promise.all([first, post('79990000011@c.us')])
    for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
    open()
    expect(await deliveries).to.deep.equal([
      { accepted: 1, duplicates: 0, ignored: 0 },
      { accepted: 0, duplicates: 1, ignored: 0 },
    ])
    const all = await store.conversations(100)
    expect(all.map(({ conversationId }) => conversationId)).to.deep.equal(['79990000011@c.us'])
  })
})

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

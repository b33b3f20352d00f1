/** Own messages in webhooks: by each conversation's rules, and never the bot's. */
import { expect } from 'chai'
import { Batcher } from '../../../src/batcher.js'
import type { Logger } from '../../../src/logger.js'
import { silent } from '../../../src/logger.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { Receiver, type ReceiverOptions } from '../../../src/webhook/receive.js'
import { Recorder } from './recorder.js'

const CHAT = '7900@c.us'

function setUp(options: Partial<ReceiverOptions> = {}) {
  const store = new MemoryStore()
  const batcher = new Batcher({ store })
  const reasons: unknown[] = []
  const log: Logger = {
    ...silent,
    debug: fields => {
      if ('reasons' in fields) reasons.push(fields['reasons'])
    },
  }
  const receiver = new Receiver({ batcher, isLocal: true, log, ...options })
  const send = async (body: unknown, provider = 'generic') =>
    (await receiver.deliver({ body: Buffer.from(JSON.stringify(body)), header: () => undefined, provider })).body
  const message = (messageId: string, account = 'shop') => ({ messageId, account, chatId: CHAT, text: messageId })
  const own = (messageId: string, by?: string, account = 'shop') => ({
    ...message(messageId, account),
    fromMe: true,
    by,
  })
  const isPaused = async (account = 'shop') => (await store.conversation(`${account}/${CHAT}`)).paused !== undefined
  const waiting = async (account = 'shop') => (await store.conversation(`${account}/${CHAT}`)).waiting
  return { batcher, store, send, message, own, isPaused, waiting, reasons }
}

describe('webhook: own messages', () => {
  it('with pause a person’s message pauses its conversation for pauseMs, and no other one', async () => {
    const { store, send, own, isPaused } = setUp({ onOwnMessage: 'pause' })
    const { rules } = store
    expect(await send([own('o1', 'human')])).to.deep.equal({ accepted: 0, duplicates: 0, ignored: 1 })
    expect(await isPaused()).to.equal(true)
    expect(await isPaused('clinic')).to.equal(false)
    const { paused } = await store.conversation(`shop/${CHAT}`)
    expect(paused?.inMs).to.be.within(rules.pauseMs - 5000, rules.pauseMs)
    expect(paused?.keep).to.equal(rules.paused)
  })

  it('stored settings decide for each conversation, also against the webhook’s option', async () => {
    const { batcher, store, send, message, own, isPaused, waiting } = setUp({ onOwnMessage: 'drop' })
    await batcher.settings.set('shop', { onOwnMessage: 'pause', pauseMs: 5000, paused: 'collect' })
    await batcher.settings.set('quiet', { onOwnMessage: 'ignore' })
    const accounts = ['shop', 'quiet', 'other']
    await send(accounts.map(account => message('m1', account)))
    await send(accounts.map(account => own('o1', 'human', account)))
    expect(await Promise.all(accounts.map(isPaused))).to.deep.equal([true, false, false])
    expect(await Promise.all(accounts.map(waiting))).to.deep.equal([1, 1, 0])
    const { paused } = await store.conversation(`shop/${CHAT}`)
    expect(paused?.inMs).to.be.at.most(5000)
    expect(paused?.keep).to.equal('collect')
  })

  it('without an option the batcher’s own one holds', async () => {
    const store = new MemoryStore()
    const batcher = new Batcher({ store, onOwnMessage: 'pause' })
    const receiver = new Receiver({ batcher, isLocal: true })
    const body = Buffer.from(JSON.stringify({ messageId: 'o1', chatId: CHAT, fromMe: true, by: 'human' }))
    await receiver.deliver({ body, header: () => undefined, provider: 'generic' })
    expect((await store.conversation(CHAT)).paused).to.be.an('object')
  })

  it('what the bot sent does nothing, and is ignored as own:bot', async () => {
    const { batcher, send, message, own, waiting, reasons } = setUp({ onOwnMessage: 'drop' })
    await send(message('m1'))
    await batcher.sent(`shop/${CHAT}`, 'o1')
    expect(await send([own('o1'), own('o1', 'human')])).to.deep.equal({ accepted: 0, duplicates: 0, ignored: 2 })
    expect(await waiting()).to.equal(1)
    expect(reasons.at(-1)).to.deep.equal({ 'own:bot': 2 })
    await send(own('o2', 'human'))
    expect(await waiting()).to.equal(0)
    expect(reasons.at(-1)).to.deep.equal({ from_me: 1 })
  })

  it('waits with an unmarked message until its id could be reported, and drops nothing then', async () => {
    const { batcher, send, message, own, waiting } = setUp({ onOwnMessage: 'drop' })
    await send(message('m1'))
    const reply = send(own('o1'))
    await batcher.sent(`shop/${CHAT}`, 'o1')
    await reply
    expect(await waiting()).to.equal(1)
  })

  it('an own message of WhatsApp Web counts as a person’s once the bot has reported ids there', async () => {
    const { batcher, send, isPaused } = setUp({ onOwnMessage: 'pause' })
    const web = (id: string) => {
      const key = { remoteJid: '7900@s.whatsapp.net', fromMe: true, id }
      return { event: 'messages.upsert', instance: 'shop', data: { key, message: { conversation: 'hi' } } }
    }
    await send(web('3EB0C767D097B7C60AE4'), 'evolution')
    expect(await isPaused()).to.equal(false)
    const sent = { ...web('3EB0C767D097B7C60AE5'), event: 'send.message' }
    await send(sent, 'evolution')
    await send(web('3EB0C767D097B7C60AE5'), 'evolution')
    expect(await isPaused()).to.equal(false)
    await send(web('3EB0C767D097B7C60AE6'), 'evolution')
    expect(await isPaused()).to.equal(true)
    expect(await batcher.sent(`shop/${CHAT}`, '3EB0C767D097B7C60AE6')).to.deep.equal({ resumed: true })
    expect(await isPaused()).to.equal(false)
  }).timeout(10_000)

  it('costs nothing where own messages are ignored', async () => {
    const { store, send, own } = setUp()
    store.wasSent =
      store.sent =
      store.pauseByMessage =
        async () => {
          throw new Error('the store was asked')
        }
    for (const by of ['human', 'bot', undefined]) await send(own('o1', by))
  })

  it('in a group with a conversation for each member an own message is nobody’s answer', async () => {
    const { send, store } = setUp({ onOwnMessage: 'pause', groups: 'bySender' })
    const own = { messageId: 'o1', chatId: '1203@g.us', isGroup: true, fromMe: true, by: 'human' }
    expect(await send(own)).to.include({ ignored: 1 })
    expect(await store.paused(1)).to.deep.equal([])
  })

  it('onOwnMessage=pause needs a batcher that can pause', () => {
    expect(() => new Receiver({ batcher: new Recorder(), onOwnMessage: 'pause' })).to.throw(TypeError, 'ownMessage')
  })
})

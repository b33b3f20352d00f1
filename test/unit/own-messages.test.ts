/** Whose an own message is, and what it does then. */
import { expect } from 'chai'
import { ECHO_WAIT_MS, OwnMessages, type OwnRule } from '../../src/own-messages.js'
import type { OwnMessage } from '../../src/providers/provider.js'
import { MemoryStore } from '../../src/store/memory/store.js'

const CHAT = 'shop/7900@c.us'
const SETTINGS = { pauseMs: 60_000, paused: 'drop' } as const

describe('own messages', () => {
  let store: MemoryStore
  let waits: number[]
  /** Called during a wait. */
  let meanwhile: () => Promise<unknown>
  let own: OwnMessages
  beforeEach(async () => {
    store = new MemoryStore()
    waits = []
    meanwhile = async () => {}
    own = new OwnMessages({
      store,
      wait: async ms => {
        waits.push(ms)
        await meanwhile()
      },
    })
    await store.append({ conversationId: CHAT, messages: [{ messageId: 'm1', type: 'text', text: 'hi' }] })
  })

  const came = (message: OwnMessage, rule: OwnRule = 'drop') =>
    own.came({ conversationId: CHAT, message, rule, cameAtMs: performance.now() }, SETTINGS)
  const waiting = async () => (await store.conversation(CHAT)).waiting
  const isPaused = async () => (await store.conversation(CHAT)).paused !== undefined

  for (const [rule, result] of [
    ['drop', 'dropped'],
    ['pause', 'paused'],
  ] as const)
    describe(`that ${rule}`, () => {
      it('does so at once if the provider says that a person sent it', async () => {
        expect(await came({ messageId: 'o1', by: 'human' }, rule)).to.equal(result)
        expect([await waiting(), await isPaused(), waits]).to.deep.equal([0, rule === 'pause', []])
      })

      it('does so after a wait if the provider does not say who sent it', async () => {
        expect(await came({ messageId: 'o1' }, rule)).to.equal(result)
        expect(await waiting()).to.equal(0)
        expect(waits).to.have.length(1)
        expect(waits[0]).to.be.within(ECHO_WAIT_MS - 500, ECHO_WAIT_MS)
      })

      it('does so once, however often its webhook comes', async () => {
        await came({ messageId: 'o1', by: 'human' }, rule)
        await store.resume(CHAT)
        await store.append({ conversationId: CHAT, messages: [{ messageId: 'm2', type: 'text', text: 'hi' }] })
        expect(await came({ messageId: 'o1', by: 'human' }, rule)).to.equal('again')
        expect([await waiting(), await isPaused()]).to.deep.equal([1, false])
      })

      it('does nothing if the bot sent it, whatever the provider says', async () => {
        await own.sent(CHAT, ['o1'])
        for (const by of ['human', 'bot', undefined] as const)
          expect(await came({ messageId: 'o1', ...(by ? { by } : {}) }, rule), by).to.equal('bot')
        expect([await waiting(), await isPaused(), waits]).to.deep.equal([1, false, []])
      })

      it('does nothing if its id is reported during the wait', async () => {
        meanwhile = () => own.sent(CHAT, ['o1'])
        expect(await came({ messageId: 'o1' }, rule)).to.equal('bot')
        expect([await waiting(), await isPaused()]).to.deep.equal([1, false])
      })

      it('does nothing if it may be the bot’s echo, and the bot reports no ids', async () => {
        expect(await came({ messageId: 'o1', mayBeEcho: true }, rule)).to.equal('ignored')
        expect([await waiting(), await isPaused(), waits]).to.deep.equal([1, false, []])
      })

      it('does so if it may be the bot’s echo, but the bot reported other ids', async () => {
        await own.sent(CHAT, ['o1'])
        expect(await came({ messageId: 'o2', mayBeEcho: true }, rule)).to.equal(result)
        expect([await waiting(), waits.length]).to.deep.equal([0, 1])
      })
    })

  it('what the provider marks as the bot’s counts as reported: its echo under another event does nothing', async () => {
    expect(await came({ messageId: 'o1', by: 'bot' })).to.equal('bot')
    expect(await came({ messageId: 'o1', mayBeEcho: true })).to.equal('bot')
    expect(await came({ messageId: 'o2', mayBeEcho: true })).to.equal('dropped')
  })

  it('an id that is reported after its message has paused ends the pause', async () => {
    await came({ messageId: 'o1' }, 'pause')
    expect(await isPaused()).to.equal(true)
    expect(await own.sent(CHAT, ['o1'])).to.equal(true)
    expect(await isPaused()).to.equal(false)
  })

  it('an id that is reported late does not end the pause of a person’s message', async () => {
    await came({ messageId: 'o1', by: 'human' }, 'pause')
    await came({ messageId: 'o2' }, 'pause')
    expect(await own.sent(CHAT, ['o2'])).to.equal(false)
    expect(await isPaused()).to.equal(true)
  })

  it('a long id of WhatsApp Web is the short one that it contains', async () => {
    await own.sent(CHAT, ['true_7900@c.us_3EB0C767D097B7C60AE4'])
    expect(await came({ messageId: '3EB0C767D097B7C60AE4' })).to.equal('bot')
    await own.sent(CHAT, ['3EB0C767D097B7C60AE5'])
    expect(await came({ messageId: 'true_7900@c.us_3EB0C767D097B7C60AE5' })).to.equal('bot')
  })

  it('a message without an id is a person’s', async () => {
    await own.sent(CHAT, ['o1'])
    for (let i = 0; i < 2; i++) {
      expect(await came({})).to.equal('dropped')
      expect(await came({}, 'pause')).to.equal('paused')
    }
  })

  it('many messages of one webhook wait once', async () => {
    const cameAtMs = performance.now() - ECHO_WAIT_MS
    await own.came({ conversationId: CHAT, message: { messageId: 'o1' }, rule: 'drop', cameAtMs }, SETTINGS)
    expect(waits).to.deep.equal([0])
  })
})

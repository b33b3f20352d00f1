import { expect } from 'chai'
import { conversationIdOf, parseConversationId } from '../../src/conversation.js'

describe('conversation ids', () => {
  const parts = [
    { chatId: '79990000011@c.us' },
    { chatId: '79990000011@c.us', account: '106540352200001' },
    { chatId: 'group/member', account: 'shop' },
    { chatId: 'group/member' },
    { chatId: 'x', account: 'a/b' },
    { chatId: '100%2F', account: '%2F%252F/%' },
    { chatId: '%2F' },
    { chatId: '%%2F%25' },
    { chatId: '👋 a:b.c{d}' },
  ]

  for (const part of parts)
    it(`${JSON.stringify(part)} comes back as it went`, () => {
      expect(parseConversationId(conversationIdOf(part))).to.deep.equal(part)
    })

  it('no two are one', () => {
    const ids = [...parts, { chatId: '/' }, { chatId: 'a%2Fb' }, { chatId: 'a/b' }, { account: 'a', chatId: 'b' }].map(
      conversationIdOf,
    )
    expect(new Set(ids).size).to.equal(ids.length)
  })

  it('a slash in the account is %2F, and a slash in the chat stays if there is an account', () => {
    expect(conversationIdOf({ chatId: 'c/d', account: 'a/b' })).to.equal('a%2Fb/c/d')
  })
})

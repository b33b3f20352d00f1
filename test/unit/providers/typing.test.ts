/** What WAHA, Evolution and WPPConnect say about typing, by each of their words. */
import { expect } from 'chai'
import type { Item } from '../../../src/providers/provider.js'
import { providers } from '../../../src/providers/registry.js'

const CHAT = '79000000011@c.us'

const BODIES: Record<string, (sign: string) => unknown> = {
  waha: sign => ({
    event: 'presence.update',
    session: 'shop',
    payload: { id: CHAT, presences: [{ participant: CHAT, lastKnownPresence: sign }] },
  }),
  evolution: sign => ({
    event: 'presence.update',
    instance: 'shop',
    data: { id: CHAT, presences: { [CHAT]: { lastKnownPresence: sign } } },
  }),
  wppconnect: sign => ({ event: 'onpresencechanged', session: 'shop', id: CHAT, state: sign }),
}

const meaningOf = ([item]: Item[]) => {
  if (item?.kind === 'typing') return item.hasEnded ? 'has ended' : 'typing'
  return item?.kind === 'ignored' ? item.reason : item?.kind
}

describe('signs of presence', () => {
  for (const [name, body] of Object.entries(BODIES))
    it(`of ${name} say that a person is typing, or has stopped`, () => {
      const meaning = (sign: string) => meaningOf(providers.named(name)?.parse(body(sign)) ?? [])
      for (const sign of ['composing', 'typing', 'recording']) expect(meaning(sign), sign).to.equal('typing')
      for (const sign of ['paused', 'available', 'unavailable', 'online', 'offline'])
        expect(meaning(sign), sign).to.equal('has ended')
      expect(meaning('dancing')).to.equal('presence:dancing')
    })
})

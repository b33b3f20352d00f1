/** Which provider an account belongs to. */
import { expect } from 'chai'
import type { Make } from './checked.js'

export function accountTests(make: Make): void {
  describe('accountOwner', () => {
    const claim = (provider: string, isProven: boolean, account = 'shop') => ({ account, provider, isProven })

    it('an account belongs to the first provider that proves itself, and to no later one', async () => {
      const { store } = await make()
      expect(await store.accountOwner(claim('meta', true))).to.equal('meta')
      expect(await store.accountOwner(claim('waha', true))).to.equal('meta')
      expect(await store.accountOwner(claim('wppconnect', false))).to.equal('meta')
    })

    it('a provider that proves nothing owns no account', async () => {
      const { store } = await make()
      expect(await store.accountOwner(claim('wppconnect', false))).to.equal(undefined)
      expect(await store.accountOwner(claim('generic', false))).to.equal(undefined)
      expect(await store.accountOwner(claim('meta', true))).to.equal('meta')
    })

    it('accounts are apart, and no account is one of them', async () => {
      const { store } = await make()
      expect(await store.accountOwner(claim('meta', true, ''))).to.equal('meta')
      expect(await store.accountOwner(claim('waha', true, 'shop'))).to.equal('waha')
      expect(await store.accountOwner(claim('waha', true, ''))).to.equal('meta')
      expect(await store.accountOwner(claim('waha', false, 'other'))).to.equal(undefined)
    })

    it('of claims at the same time one wins, and all learn which', async () => {
      const { store } = await make()
      const providers = ['meta', 'waha', 'evolution', 'twilio']
      const owners = await Promise.all(providers.map(provider => store.accountOwner(claim(provider, true))))
      expect(new Set(owners).size).to.equal(1)
      expect(providers).to.include(owners[0])
    })
  })
}

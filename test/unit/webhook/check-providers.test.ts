/**
 * Guarantee: a mistyped provider, or a mistyped option of one, is refused when the webhook is made, in one line that
 * names what is meant and no secret. Otherwise each of its webhooks would be refused with 401.
 */
import { expect } from 'chai'
import { Batcher, MemoryStore, webhook } from '../../../src/index.js'

const SECRET = 'a-secret-of-somebody'

describe('the option providers', () => {
  const batcher = new Batcher({ store: new MemoryStore() })

  /** As JavaScript, where no type refuses it. */
  const refusalOf = (providers: unknown) => {
    const untyped: { batcher: Batcher } = Object.assign({ batcher }, { providers })
    try {
      webhook(untyped)
    } catch (error) {
      if (error instanceof TypeError) return error.message
      throw error
    }
    throw new Error('nothing was refused')
  }

  const MISTYPED: [providers: unknown, says: string | RegExp][] = [
    [{ metaa: { appSecret: SECRET } }, 'metaa is no option of providers: did you mean meta?'],
    [{ 'green-api': { webhookToken: SECRET } }, 'green-api is no option of providers: did you mean greenApi?'],
    [{ meta: { appsecret: SECRET } }, 'appsecret is no option of providers.meta: did you mean appSecret?'],
    [{ waha: { secret: SECRET } }, /^secret is no option of providers\.waha/],
    [{ generic: { secret: SECRET } }, /^secret is no option of providers\.generic/],
    [{ meta: SECRET }, 'providers.meta is a string: give { appSecret: … } or { unsigned: true }'],
    [{ wppconnect: true }, 'providers.wppconnect is a boolean: give { unsigned: true }'],
    [{ meta: { appSecret: 12_345 } }, 'providers.meta.appSecret is a number: it must be a string'],
    [{ waha: { unsigned: 'true' } }, 'providers.waha.unsigned is a string: it must be a boolean'],
    [{ allowUnsigned: 'waha' }, "providers.allowUnsigned is a string: give a list of providers' names, or 'all'"],
    [
      { allowUnsigned: ['greenApi'] },
      /^providers\.allowUnsigned names no provider in "greenApi": did you mean green-api\?/,
    ],
    [SECRET, 'providers is a string: it must be an object'],
    [['meta'], /^providers takes an object of options, and got a list/],
  ]
  for (const [providers, says] of MISTYPED)
    it(`refuses ${JSON.stringify(providers)?.replaceAll(SECRET, '…')}`, () => {
      const message = refusalOf(providers)
      if (says instanceof RegExp) expect(message).to.match(says)
      else expect(message).to.equal(says)
      expect(message).not.to.include(SECRET)
    })

  it('takes what the types name', () => {
    const receive = webhook({
      batcher,
      providers: {
        meta: { appSecret: SECRET, verifyToken: 'words' },
        waha: { hmacKey: SECRET },
        generic: { unsigned: true },
        allowUnsigned: ['wppconnect'],
      },
    })
    expect(receive).to.be.a('function')
  })
})

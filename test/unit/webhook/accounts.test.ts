import { expect } from 'chai'
import { silent } from '../../../src/logger.js'
import { type AccountClaim, StoreUnavailable } from '../../../src/store/store.js'
import { Accounts, NO_OWNER_KEPT_MS, OWNER_KEPT_MS } from '../../../src/webhook/accounts.js'
import { Rejections } from '../../../src/webhook/rejections.js'

describe('owners of accounts that a process keeps', () => {
  let now = 0
  let asked: AccountClaim[]
  let owner: string | undefined
  let failure: Error | undefined
  let accounts: Accounts
  beforeEach(() => {
    now = 0
    asked = []
    owner = undefined
    failure = undefined
    const ask = async (claim: AccountClaim) => {
      asked.push(claim)
      if (failure) throw failure
      return owner
    }
    accounts = new Accounts(ask, new Rejections(silent), () => now)
  })

  const others = (conversationIds: string[], isProven: boolean) => {
    const conversations = new Map(conversationIds.map(id => [id, []]))
    return accounts.takeOthersOut({ conversations, ignored: 0, reasons: new Map() }, { provider: 'waha', isProven })
  }

  it('an owner is asked for once a minute, whatever the number of conversations', async () => {
    owner = 'meta'
    for (let times = 0; times < 5; times += 1) expect(await others(['a/1', 'a/2', 'a/3'], true)).to.deep.equal(['a'])
    expect(asked).to.have.length(1)
    now = OWNER_KEPT_MS + 1
    await others(['a/1'], true)
    expect(asked).to.have.length(2)
  })

  it('the absence of an owner is cached for two seconds, except for a provider that has proved itself', async () => {
    expect(await others(['a/1', 'a/2'], false)).to.deep.equal([])
    expect(asked).to.have.length(1)
    now = NO_OWNER_KEPT_MS + 1
    await others(['a/1'], false)
    expect(asked).to.have.length(2)
    owner = 'waha'
    expect(await others(['a/1'], true)).to.deep.equal([])
    expect(asked).to.have.length(3)
  })

  it('a known owner holds while the store that has the owners is away; that there was none does not', async () => {
    owner = 'meta'
    await others(['a/1'], true)
    owner = undefined
    await others(['b/1'], false)
    now = OWNER_KEPT_MS + 1
    failure = new StoreUnavailable('connection', 'Redis is away')
    expect(await others(['a/1'], true)).to.deep.equal(['a'])
    expect(await others(['b/1'], false).catch((error: unknown) => error)).to.equal(failure)
    failure = new TypeError('a defect')
    now += OWNER_KEPT_MS + 1
    expect(await others(['a/1'], true).catch((error: unknown) => error)).to.equal(failure)
  })

  it('the cache is bounded, and keeps no long names', async () => {
    owner = 'waha'
    for (let i = 0; i <= 10_000; i += 1) await others([`a${i}/1`], true)
    asked.length = 0
    await others(['a10000/1'], true)
    expect(asked).to.have.length(0)
    await others(['a0/1'], true)
    expect(asked).to.have.length(1)
    for (let times = 0; times < 2; times += 1) await others([`${'x'.repeat(257)}/1`], true)
    expect(asked).to.have.length(3)
  })
})

import { expect } from 'chai'
import { Batcher } from '../../../src/batcher.js'
import { MemoryStore } from '../../../src/store/memory/store.js'

const CHAT = 'shop/79990000011@c.us'

describe('editing stored settings', () => {
  let store: MemoryStore
  let batcher: Batcher
  beforeEach(() => {
    store = new MemoryStore()
    batcher = new Batcher({ store })
  })
  afterEach(() => batcher.close())

  const stored = async () => Object.fromEntries((await store.settings.all()).rules)
  const refused = (edit: Promise<unknown>) =>
    edit.then(
      () => 'accepted',
      error => `${error.name}: ${error.message}`,
    )

  it('sets rules beside those that the scope has, and stores them in the documented order', async () => {
    await batcher.settings.set('shop', { maxMessages: '7' })
    const edited = await batcher.settings.set('shop', { quietGapMs: 6000, holdTypes: 'voice,audio' })
    expect(edited).to.deep.equal({
      scope: 'shop',
      rules: { quietGapMs: 6000, maxMessages: 7, holdTypes: ['voice', 'audio'] },
      warnings: [],
    })
    expect(await stored()).to.deep.equal({ shop: '{"quietGapMs":6000,"maxMessages":7,"holdTypes":["voice","audio"]}' })
  })

  it('replaces the rules of a scope, and removes a scope that has none left', async () => {
    await batcher.settings.set('shop', { maxMessages: 7 })
    await batcher.settings.replace('shop', { batching: 'off' })
    expect(await stored()).to.deep.equal({ shop: '{"batching":false}' })
    await batcher.settings.replace('shop', {})
    expect(await stored()).to.deep.equal({})
    await batcher.settings.set('shop', { maxMessages: 7 })
    await batcher.settings.unset('shop', ['maxMessages'])
    expect(await stored()).to.deep.equal({})
  })

  it('unsets the rules that are named, or all', async () => {
    await batcher.settings.set(CHAT, { maxMessages: 7, quietGapMs: 6000, batching: false })
    expect((await batcher.settings.unset(CHAT, ['maxMessages', 'batching'])).rules).to.deep.equal({ quietGapMs: 6000 })
    expect((await batcher.settings.unset(CHAT)).rules).to.deep.equal({})
    expect(await stored()).to.deep.equal({})
  })

  for (const [what, edit, why] of [
    ['a value out of its bounds', { quietGapMs: 5 }, 'quietGapMs=5: must be a whole number from 10 to 3600000'],
    ['a misspelt name', { quietGap: 6000 }, 'quietGap=6000: there is no such rule, did you mean quietGapMs?'],
    ['the name of a variable', { LULL_QUIET_GAP_MS: '6' }, 'there is no such rule, did you mean quietGapMs?'],
    ['a contradiction to the process', { quietGapMs: 90_000 }, 'settings of shop: maxWaitMs=60000 is less than quiet'],
    ['what is no object', [], 'settings must be an object of rules'],
  ] as const)
    it(`refuses ${what} in one line`, async () => {
      const error = await refused(batcher.settings.set('shop', edit))
      expect(error)
        .to.match(/^RangeError: [^\n]*$/)
        .and.to.include(why)
      expect(await refused(batcher.settings.replace('shop', edit))).to.equal(error)
      expect(await stored()).to.deep.equal({})
    })

  it('refuses rules that contradict the scopes below', async () => {
    await batcher.settings.set('*', { maxWaitMs: 12_000 })
    await batcher.settings.set('shop', { quietGapMs: 11_000 })
    expect(await refused(batcher.settings.set('shop', { quietGapMs: 13_000 }))).to.include('maxWaitMs=12000 is less')
    expect(await refused(batcher.settings.set(CHAT, { maxWaitMs: 10_500 }))).to.include('quietGapMs=11000')
  })

  it('warns of each scope above that contradicts the change, and is not used any more', async () => {
    await batcher.settings.set(CHAT, { maxWaitMs: 15_000 })
    await batcher.settings.set('shop', { maxMessages: 7 })
    await batcher.settings.set('shopping/1', { maxWaitMs: 15_000 })
    const { warnings } = await batcher.settings.set('shop', { quietGapMs: 20_000 })
    expect(warnings).to.deep.equal([
      `the settings of ${CHAT} are not used any more: maxWaitMs=15000 is less than quietGapMs=20000: make it at least that`,
    ])
    expect((await batcher.settings.of(CHAT)).ignored).to.include('maxWaitMs=15000')
    for (let i = 0; i < 9; i += 1) await batcher.settings.set(`clinic/${i}`, { maxWaitMs: 15_000 })
    const many = (await batcher.settings.set('clinic', { quietGapMs: 20_000 })).warnings
    expect([many.length, many.at(-1)]).to.deep.equal([6, 'and those of 4 more scopes'])
  })

  it('allows a quiet gap that is longer than the TTL of a header', async () => {
    expect(store.rules.batchTtlMs).to.equal(60_000)
    await batcher.settings.set('shop', { quietGapMs: 90_000, maxWaitMs: 200_000 })
    await batcher.append(CHAT, { messageId: 'm1' })
    expect((await batcher.conversation(CHAT)).open?.dueInMs).to.be.within(85_000, 90_000)
  })

  for (const [scope, why] of [
    ['', 'the scope is missing: give * for all'],
    ['x'.repeat(1537), 'the scope has 1537 characters: use at most 1536'],
    ['shop\n', 'has control characters'],
    ['shop\u001b[2J', 'has control characters'],
    ['shop\ud800', 'has control characters'],
    ['shop/*', 'give the account alone, shop'],
    ['shop/', 'give the account alone, shop'],
  ] as const)
    it(`refuses the scope ${JSON.stringify(scope).slice(0, 20)}`, async () => {
      for (const edit of [
        batcher.settings.set(scope, { maxMessages: 7 }),
        batcher.settings.replace(scope, { maxMessages: 7 }),
        batcher.settings.unset(scope),
        batcher.settings.of(scope),
      ])
        expect(await refused(edit))
          .to.match(/^RangeError: /)
          .and.to.include(why)
    })

  it('unsets nothing where there is nothing, and says so', async () => {
    expect(await refused(batcher.settings.unset('shop'))).to.include('shop has no stored settings')
    await batcher.settings.set('shop', { maxMessages: 7 })
    expect(await refused(batcher.settings.unset('shop', ['quietGapMs']))).to.include(
      'quietGapMs is not set for shop: it has maxMessages',
    )
    expect(await refused(batcher.settings.unset('shop', ['quietGap']))).to.include('did you mean quietGapMs?')
  })

  it('keeps what another editor changes meanwhile', async () => {
    const names = [
      'quietGapMs',
      'maxWaitMs',
      'maxMessages',
      'maxBytes',
      'pauseMs',
      'holdMs',
      'holdMaxMs',
      'typingGapMs',
    ]
    await Promise.all(names.map(name => batcher.settings.set('shop', { [name]: 10_000 })))
    expect(Object.keys((await batcher.settings.of('shop')).rules)).to.have.members(names)
  })

  it('shows what holds for a conversation in the end, and which scope each rule comes from', async () => {
    await batcher.settings.set('*', { quietGapMs: 8000, maxMessages: 50 })
    await batcher.settings.set('shop', { quietGapMs: 6000 })
    await batcher.settings.set(CHAT, { batching: 'off' })
    const { rules, holds } = await batcher.settings.of(CHAT)
    expect(rules).to.deep.equal({ batching: false })
    expect(holds.slice(0, 4)).to.deep.equal([
      { name: 'quietGapMs', value: 6000, scope: 'shop' },
      { name: 'maxWaitMs', value: 60_000 },
      { name: 'maxMessages', value: 50, scope: '*' },
      { name: 'maxBytes', value: 262_144 },
    ])
    expect(holds.find(({ name }) => name === 'batching')).to.deep.equal({ name: 'batching', value: false, scope: CHAT })
    expect((await batcher.settings.of('shop')).holds[0]).to.deep.equal({
      name: 'quietGapMs',
      value: 6000,
      scope: 'shop',
    })
    expect((await batcher.settings.of('market')).holds[0]).to.deep.equal({
      name: 'quietGapMs',
      value: 8000,
      scope: '*',
    })
  })

  it('lists all scopes, * first and each account before its conversations, and says which are not used', async () => {
    await store.settings.put('shop', '{"tomorrowsRule":1}', undefined)
    await store.settings.put('!', '[', undefined)
    await batcher.settings.set(CHAT, { maxMessages: 7 })
    await batcher.settings.set('*', { maxMessages: 8 })
    const all = await batcher.settings.all()
    expect(all.map(({ scope }) => scope)).to.deep.equal(['*', '!', 'shop', CHAT])
    expect(all[2]?.ignored).to.include('tomorrowsRule=1: there is no such rule')
    expect(all[3]).to.deep.equal({ scope: CHAT, rules: { maxMessages: 7 } })
  })

  it('does not lose what a later version has stored: only a replacement or its removal ends it', async () => {
    await store.settings.put('shop', '{"tomorrowsRule":1}', undefined)
    expect(await refused(batcher.settings.set('shop', { maxMessages: 7 }))).to.include(
      'cannot be read (tomorrowsRule=1',
    )
    expect(await stored()).to.deep.equal({ shop: '{"tomorrowsRule":1}' })
    await batcher.settings.replace('shop', { maxMessages: 7 })
    expect(await stored()).to.deep.equal({ shop: '{"maxMessages":7}' })
  })

  it('is of the person’s conversation, whichever of their ids is given', async () => {
    await store.learn('waha', ['shop/79990000011@c.us', 'shop/12345@lid'])
    expect((await batcher.settings.set('shop/12345@lid', { maxMessages: 7 })).scope).to.equal(CHAT)
    expect((await batcher.settings.of('shop/12345@lid')).rules).to.deep.equal({ maxMessages: 7 })
  })

  it('ends with the conversation: what is forgotten has no settings', async () => {
    await batcher.settings.set(CHAT, { maxMessages: 7 })
    await batcher.settings.set('shop', { maxMessages: 8 })
    await batcher.append(CHAT, { messageId: 'm1' })
    await batcher.forget(CHAT)
    expect(await stored()).to.deep.equal({ shop: '{"maxMessages":8}' })
  })
})

import { expect } from 'chai'
import { type Serving, serve } from './serving.js'

const CHAT = 'shop/79990000011@c.us'
const PATH = `/settings/${encodeURIComponent(CHAT)}`
const QUERY = `/settings?scope=${encodeURIComponent(CHAT)}`

describe('API: settings', () => {
  let api: Serving
  beforeEach(async () => {
    api = await serve()
  })
  afterEach(() => api.close(0))

  const stored = async () => Object.fromEntries((await api.store.settings.all()).rules)

  for (const path of [PATH, QUERY])
    it(`replaces, shows and removes the rules of a scope at ${path}`, async () => {
      expect((await api.call('PUT', path, { quietGapMs: 6000, holdTypes: 'voice,audio' })).json).to.deep.equal({
        scope: CHAT,
        rules: { quietGapMs: 6000, holdTypes: ['voice', 'audio'] },
        warnings: [],
      })
      await api.call('PUT', path, { quietGapMs: 7000, batching: false })
      const { status, json } = await api.call('GET', path)
      expect([status, json]).to.have.deep.nested.property('[1].rules', { quietGapMs: 7000, batching: false })
      expect(json).to.have.deep.nested.property('holds[0]', { name: 'quietGapMs', value: 7000, scope: CHAT })
      expect((await api.call('DELETE', path)).json).to.deep.equal({ scope: CHAT, rules: {}, warnings: [] })
      expect((await api.call('DELETE', path)).status).to.equal(200)
      expect(await stored()).to.deep.equal({})
    })

  it('lists all scopes', async () => {
    await api.call('PUT', '/settings/*', { maxMessages: 7 })
    await api.call('PUT', '/settings/shop', { quietGapMs: 6000 })
    expect((await api.call('GET', '/settings')).json).to.deep.equal({
      settings: [
        { scope: '*', rules: { maxMessages: 7 } },
        { scope: 'shop', rules: { quietGapMs: 6000 } },
      ],
    })
  })

  it('shows a scope without rules as what holds for it', async () => {
    await api.call('PUT', '/settings/*', { maxMessages: 7 })
    const { json } = await api.call('GET', PATH)
    expect(json).to.deep.include({ scope: CHAT, rules: {} })
    expect(json).to.have.deep.nested.property('holds[2]', { name: 'maxMessages', value: 7, scope: '*' })
  })

  it('an empty object removes the scope', async () => {
    await api.call('PUT', PATH, { maxMessages: 7 })
    await api.call('PUT', PATH, {})
    expect(await stored()).to.deep.equal({})
  })

  it('names the scopes that contradict the change in a warning', async () => {
    await api.call('PUT', PATH, { maxWaitMs: 12_000 })
    const { json } = await api.call('PUT', '/settings/shop', { quietGapMs: 15_000 })
    expect(json).to.have.nested.property('warnings[0]').that.includes(`the settings of ${CHAT} are not used any more`)
    expect((await api.call('GET', PATH)).json)
      .to.have.property('ignored')
      .that.includes('maxWaitMs=12000')
  })

  it('refuses what cannot be stored with 400 and one line, and stores nothing', async () => {
    for (const [path, body, why] of [
      [PATH, { quietGapMs: 5 }, 'quietGapMs=5: must be a whole number from 10 to 3600000'],
      [PATH, { quietGap: 5 }, 'did you mean quietGapMs?'],
      [PATH, { quietGapMs: 90_000 }, 'maxWaitMs=60000 is less than quietGapMs=90000'],
      [PATH, [], 'settings must be an object of rules'],
      [PATH, '"x"', 'settings must be an object of rules'],
      [PATH, undefined, 'settings must be an object of rules'],
      [PATH, '{', 'the body is not JSON'],
      [PATH, '{"__proto__":{"quietGapMs":6000}}', 'there is no such rule'],
      ['/settings', { quietGapMs: 6000 }, 'the scope is missing'],
      ['/settings?scope=', { quietGapMs: 6000 }, 'the scope is missing'],
      ['/settings/a%00b', { quietGapMs: 6000 }, 'control characters'],
      [`/settings/${'x'.repeat(1537)}`, { quietGapMs: 6000 }, 'use at most 1536'],
      ['/settings/shop%2F*', { quietGapMs: 6000 }, 'give the account alone, shop'],
    ] as const) {
      const { status, json } = await api.call('PUT', path, body)
      expect(status, `${path} ${why}`).to.equal(400)
      expect(json).to.have.property('error').that.includes(why).and.does.not.match(/\n/)
    }
    expect((await api.call('DELETE', '/settings')).status).to.equal(400)
    expect(await stored()).to.deep.equal({})
  })

  it('a message that is appended afterwards goes by the new rules', async () => {
    await api.call('PUT', '/settings/shop', { quietGapMs: 30_000 })
    const { json } = await api.call('POST', `/conversations/${encodeURIComponent(CHAT)}/messages`, { messageId: 'm1' })
    expect(json).to.have.property('dueInMs').that.is.within(29_000, 30_000)
  })
})

/**
 * Guarantee **rules by scope**: stored settings are changed while the system runs, and every process goes by them within a
 * second.
 */
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import { type LullProcess, lull } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'

const CHAT = 'shop/79990000011@c.us'

describe('lull settings', function () {
  this.timeout(60_000)
  let env: Record<string, string>
  let batcher: Batcher
  const running: LullProcess[] = []

  beforeEach(async () => {
    const redis = await testRedis()
    const prefix = uniquePrefix()
    env = { REDIS_URL: redis, LULL_PREFIX: prefix }
    batcher = new Batcher({ redis, prefix })
  })

  afterEach(async () => {
    for (const command of running.splice(0)) await command.kill()
    await batcher.close()
  })

  const settings = async (...args: string[]) => {
    const command = await lull(['settings', ...args], env)
    running.push(command)
    const { code } = await command.exit
    return { code, stdout: command.stdout, stderr: command.stderr }
  }
  const said = (...stdout: string[]) => ({ code: 0, stdout, stderr: [] })

  it('stores, shows and removes the rules of a scope', async () => {
    expect((await settings()).stdout).to.deep.equal([
      'no stored settings: every conversation goes by the environment; lull settings set <scope> NAME=VALUE',
    ])
    expect(await settings('set', '*', 'quietGapMs=8000')).to.deep.equal(said('*: quietGapMs=8000'))
    expect(await settings('set', 'shop', 'maxWaitMs=30000', 'quietGapMs=6000')).to.deep.equal(
      said('shop: quietGapMs=6000 maxWaitMs=30000'),
    )
    await settings('set', CHAT, 'batching=off', 'holdTypes=voice,audio')
    expect(await settings()).to.deep.equal(
      said(
        '*                      quietGapMs=8000',
        'shop                   quietGapMs=6000 maxWaitMs=30000',
        `${CHAT}  batching=off holdTypes=voice,audio`,
      ),
    )
    const { stdout } = await settings(CHAT)
    expect(stdout.slice(0, 5)).to.deep.equal([
      `${CHAT}: batching=off holdTypes=voice,audio`,
      'what holds, and from which scope:',
      '  quietGapMs    6000         shop',
      '  maxWaitMs     30000        shop',
      '  maxMessages   100          environment',
    ])
    expect(stdout).to.include(`  batching      off          ${CHAT}`)
    expect(await settings('unset', 'shop', 'maxWaitMs')).to.deep.equal(said('shop: quietGapMs=6000'))
    expect(await settings('unset', 'shop')).to.deep.equal(said('shop: no stored settings any more'))
    expect((await batcher.settings.all()).map(({ scope }) => scope)).to.deep.equal(['*', CHAT])
  })

  it('prints one JSON object a line with --json', async () => {
    await batcher.settings.set('shop', { quietGapMs: 6000 })
    const [listed, ...more] = (await settings('--json')).stdout
    expect([JSON.parse(listed ?? ''), more]).to.deep.equal([{ scope: 'shop', rules: { quietGapMs: 6000 } }, []])
    const [one] = (await settings('shop', '--json')).stdout
    expect(JSON.parse(one ?? '').holds[0]).to.deep.equal({ name: 'quietGapMs', value: 6000, scope: 'shop' })
  })

  it('fails with one line that names the remedy, and stores nothing', async () => {
    for (const [args, why] of [
      [['set', 'shop', 'quietGap=6000'], 'quietGap=6000: there is no such rule, did you mean quietGapMs?'],
      [['set', 'shop', 'quietGapMs=5'], 'quietGapMs=5: must be a whole number from 10 to 3600000'],
      [['set', 'shop', 'quietGapMs=90000'], 'maxWaitMs=60000 is less than quietGapMs=90000: make it at least that'],
      [['set', '', 'quietGapMs=6000'], 'the scope is missing'],
      [['set', 'shop\u001b[2J', 'quietGapMs=6000'], 'the scope has control characters'],
      [['unset', 'shop'], 'shop has no stored settings: there is nothing to unset'],
      [['unset', 'shop', 'quietGap'], 'did you mean quietGapMs?'],
    ] as const) {
      const { code, stdout, stderr } = await settings(...args)
      expect([code, stdout, stderr.length], args.join(' ')).to.deep.equal([1, [], 1])
      expect(stderr[0]).to.include(why)
    }
    expect(await batcher.settings.all()).to.deep.equal([])
  })

  it('is a usage error without a value or a scope', async () => {
    for (const args of [['set'], ['set', 'shop'], ['set', 'shop', 'quietGapMs'], ['set', 'shop', '=5'], ['unset']])
      expect((await settings(...args)).code, args.join(' ')).to.equal(2)
  })

  it('warns of the scopes that contradict the change', async () => {
    await batcher.settings.set(CHAT, { maxWaitMs: 12_000 })
    const { code, stdout } = await settings('set', 'shop', 'quietGapMs=15000')
    expect([code, stdout[0]]).to.deep.equal([0, 'shop: quietGapMs=15000'])
    expect(stdout[1]).to.include(`warning: the settings of ${CHAT} are not used any more: maxWaitMs=12000 is less`)
    expect((await settings()).stdout[1]).to.include('(not used: maxWaitMs=12000 is less than quietGapMs=15000')
  })

  it('writes nothing to the terminal that acts on it, whatever another program has stored', async () => {
    await batcher.open()
    await batcher.store.settings.put('a\u001b[2Jb\nshop: quietGapMs=1', '{"x\u001b]0;":"\u202e"}', undefined)
    for (const { stdout } of [await settings(), await settings('--json')]) {
      expect(stdout).to.have.length(1)
      expect(stdout[0]).to.not.match(/[\p{Cc}\u202e]/u)
    }
  })
})

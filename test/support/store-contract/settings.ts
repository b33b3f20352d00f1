/** Rules that are stored by scope. */
import { expect } from 'chai'
import type { SettingsChange } from '../../../src/store/settings.js'
import { until } from '../wait.js'
import type { Make } from './checked.js'

export function settingsTests(make: Make): void {
  describe('stored settings', () => {
    it('are kept by scope, with a version that goes up with every change', async () => {
      const { store } = await make()
      const before = await store.settings.all()
      expect(before.rules.size).to.equal(0)
      expect(await store.settings.put('*', '{"quietGapMs":6000}', undefined)).to.equal(true)
      expect(await store.settings.put('shop', '{"maxMessages":5}', undefined)).to.equal(true)
      expect(await store.settings.put('*', undefined, '{"quietGapMs":6000}')).to.equal(true)
      const after = await store.settings.all()
      expect([...after.rules]).to.deep.equal([['shop', '{"maxMessages":5}']])
      expect(after.version).to.equal(before.version + 3)
    })

    it('are kept for a scope of any name', async () => {
      const { store } = await make()
      for (const scope of ['__proto__', 'constructor', ' ', 'a\u001fb', '7'])
        expect(await store.settings.put(scope, '{"quietGapMs":6000}', undefined), scope).to.equal(true)
      expect([...(await store.settings.all()).rules.keys()]).to.have.members([
        '__proto__',
        'constructor',
        ' ',
        'a\u001fb',
        '7',
      ])
    })

    it('are not changed by a writer who has not seen their last change', async () => {
      const { store } = await make()
      await store.settings.put('shop', '{"quietGapMs":6000}', undefined)
      expect(await store.settings.put('shop', '{"quietGapMs":7000}', undefined)).to.equal(false)
      expect(await store.settings.put('shop', '{"quietGapMs":7000}', '{"quietGapMs":5000}')).to.equal(false)
      expect((await store.settings.all()).rules.get('shop')).to.equal('{"quietGapMs":6000}')
    })

    it('are published as they change', async () => {
      const { store } = await make()
      const changes: SettingsChange[] = []
      let missed = 0
      const stop = await store.settings.follow({
        changed: change => void changes.push(change),
        missed: () => {
          missed += 1
        },
      })
      await until(() => missed > 0, { what: 'the subscription' })
      const { version } = await store.settings.all()
      await store.settings.put('shop', '{}', undefined)
      await store.settings.put('shop', undefined, '{}')
      await until(() => changes.length >= 2, { what: 'both changes' })
      expect(changes.map(({ scope, json, version }) => ({ scope, json, version }))).to.deep.equal([
        { scope: 'shop', json: '{}', version: version + 1 },
        { scope: 'shop', json: undefined, version: version + 2 },
      ])
      await stop()
    })
  })
}

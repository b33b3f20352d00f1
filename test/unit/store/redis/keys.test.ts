import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { Keys } from '../../../../src/store/redis/keys.js'

const NAMES = new URL('../../../../src/store/redis/lua/shared/names.lua', import.meta.url)

describe('the names in Redis', () => {
  it('are the same for the scripts as for everything else', () => {
    const lua = Object.fromEntries(
      [...readFileSync(NAMES, 'utf8').matchAll(/^local (\w+) = '(.+)'$/gm)].map(([, name, part]) => [name, part]),
    )
    const { expiring: _, prefix, ...names } = new Keys('p')
    const expected = Object.entries(names).map(([name, key]) => [
      name.replace(/[A-Z]/g, capital => `_${capital}`).toUpperCase(),
      (typeof key === 'function' ? key('') : key).slice(prefix.length),
    ])
    expect(lua).to.include(Object.fromEntries(expected))
    expect(lua['BATCH_DEAD']).to.equal('.batch-dead')
  })
})

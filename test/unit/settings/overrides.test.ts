import { expect } from 'chai'
import { rulesFrom } from '../../../src/rules.js'
import { OVERRIDES, overridesFrom, withOverrides } from '../../../src/settings/overrides.js'

describe('overrides', () => {
  it('hold what is given, and no defaults', () => {
    expect(overridesFrom({ quietGapMs: 6000, batching: false })).to.deep.equal({ quietGapMs: 6000, batching: false })
    expect(overridesFrom({})).to.deep.equal({})
  })

  it('read texts as the environment does', () => {
    expect(
      overridesFrom({ quietGapMs: '6000', batching: 'off', holdTypes: 'voice, audio', answering: 'supersede' }),
    ).to.deep.equal({ quietGapMs: 6000, batching: false, holdTypes: ['voice', 'audio'], answering: 'supersede' })
  })

  for (const [values, message] of [
    [{ quietGapMs: 5 }, 'quietGapMs=5: must be a whole number from 10 to 3600000'],
    [{ quietGapMs: '6s' }, 'quietGapMs=6s: must be a whole number from 10 to 3600000'],
    [{ quietGapMs: null }, 'quietGapMs=null: must be a whole number from 10 to 3600000'],
    [{ batching: 'maybe' }, 'batching=maybe: must be one of on, off'],
    [{ quietGap: 6000 }, 'quietGap=6000: there is no such rule, did you mean quietGapMs?'],
    [{ holdTypes: 'voice,smell' }, 'holdTypes=voice,smell: must be by comma any of '],
    [[], 'settings must be an object of rules'],
    ['quietGapMs=1', 'settings must be an object of rules'],
  ] as const)
    it(`refuse ${JSON.stringify(values)} with one line that names the bounds or the remedy`, () => {
      expect(() => overridesFrom(values)).to.throw(RangeError, message)
    })

  it('name an unknown rule that resembles none, with the rules that there are', () => {
    expect(() => overridesFrom({ somethingElseAltogether: 1 })).to.throw(OVERRIDES.join(', '))
  })

  it('are refused where they contradict the rules below them', () => {
    expect(() => withOverrides(rulesFrom(), { quietGapMs: 90_000 })).to.throw(
      'maxWaitMs=60000 is less than quietGapMs=90000',
    )
    expect(() => withOverrides(rulesFrom({ order: 'concurrent' }), { answering: 'supersede' })).to.throw('order=serial')
  })
})

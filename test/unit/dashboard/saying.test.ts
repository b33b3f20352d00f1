/** What a step of the history has to say on the page, in words. */
import { expect } from 'chai'

describe('page: what a step says', () => {
  let saying: (detail: Record<string, string>) => string

  before(async () => {
    // As the browser gets it, without types. Node before 21 has nothing of this name.
    if (!('navigator' in globalThis)) Object.defineProperty(globalThis, 'navigator', { value: { languages: [] } })
    const of = (name: string) => import(new URL(`../../../src/dashboard/${name}.js`, import.meta.url).href)
    const { language, switchLanguage } = await of('words')
    if (language() !== 'en') switchLanguage()
    saying = (await of('saying')).saying
  })

  it('is in words, with the ids last', () => {
    expect(saying({ ids: '["m1","m2"]', count: '2' })).to.equal('2 messages · m1, m2')
    expect(saying({ owner: 'lull.processor.a.1', reason: 'gap', count: '1', lateMs: '4' })).to.equal(
      'by lull.processor.a.1 · the quiet gap had ended · 1 message · 4 ms late',
    )
    expect(saying({ attempt: '1', delayMs: '1000', error: 'no' })).to.equal('attempt 1 · again in 1.00 s · no')
    expect(saying({ outcome: 'timeout' })).to.equal('not answered in time')
  })

  it('is all that there is where a later version or another hand has written it', () => {
    expect(saying({ ids: '{"a', colour: 'red', reason: 'whim' })).to.equal('whim · colour red · {"a')
    expect(saying({})).to.equal('')
  })
})

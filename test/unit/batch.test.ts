/** What a batch says of itself: here, the reasons of a release, which the page's own files list as well. */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { RELEASE_REASONS } from '../../src/batch.js'

const page = (file: string) => new URL(`../../src/dashboard/${file}`, import.meta.url)
const sorted = (names: Iterable<string>) => [...names].sort()

describe('release reasons', () => {
  const reasons = sorted(Object.keys(RELEASE_REASONS))

  before(() => {
    // The page's words look at the browser's languages. Node before 21 has no navigator.
    if (!('navigator' in globalThis)) Object.defineProperty(globalThis, 'navigator', { value: { languages: [] } })
  })

  it('the page says each in both of its languages, in English as a trace does', async () => {
    const { languages } = await import(page('words.js').href)
    expect(languages.en.reasons).to.deep.equal(RELEASE_REASONS)
    expect(sorted(Object.keys(languages.ru.reasons))).to.deep.equal(reasons)
  })

  it('the page’s chart shows each, in a colour of its own', async () => {
    const { REASONS } = await import(page('chart.js').href)
    expect(sorted(REASONS)).to.deep.equal(reasons)
    const classes = readFileSync(page('page.css'), 'utf8').matchAll(/^\.by-(\w+) \{/gm)
    expect(sorted(new Set(Array.from(classes, ([, name = '']) => name)))).to.deep.equal(reasons)
  })
})

/** What a batch says of itself: here, the reasons of a release, which the page's own files list as well. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { RELEASE_REASONS } from '../../src/batch.js'
import { RULE_REASONS } from '../../src/conversation-rules.js'

const page = (file: string) => new URL(`../../src/dashboard/${file}`, import.meta.url)
const sorted = (names: Iterable<string>) => [...names].sort()

describe('release reasons', () => {
  const reasons = sorted(Object.keys(RELEASE_REASONS))

  it('the page says each in all of its languages, in English as a trace does', async () => {
    for (const file of readdirSync(page('languages'))) {
      const { default: words } = await import(page(`languages/${file}`).href)
      expect(sorted(Object.keys(words.reasons)), file).to.deep.equal(reasons)
    }
    const { default: en } = await import(page('languages/en.js').href)
    expect(en.reasons).to.deep.equal(RELEASE_REASONS)
    expect(en.ruleReasons).to.deep.equal(RULE_REASONS)
  })

  it('the page’s chart shows each, in a colour of its own', async () => {
    const { REASONS } = await import(page('releases.js').href)
    expect(sorted(REASONS)).to.deep.equal(reasons)
    const classes = readFileSync(page('live/live.css'), 'utf8').matchAll(/^\.by-(\w+) \{/gm)
    expect(sorted(new Set(Array.from(classes, ([, name = '']) => name)))).to.deep.equal(reasons)
  })
})

/** What the documentation says of the settings. */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { KNOWN } from '../../../src/config/known.js'
import { providerTypes, ruleTypes } from '../../../src/config/option-types.js'
import { providerTable, settingsReference } from '../../../src/config/reference.js'

const document = (file: string) => readFileSync(new URL(`../../../docs/${file}`, import.meta.url), 'utf8')

describe('documented settings', () => {
  it('docs/settings.md is what the declarations say (npm run docs)', () => {
    expect(document('settings.md')).to.equal(settingsReference(KNOWN))
  })

  it('the types of the options are what the declarations say (npm run docs)', () => {
    expect(document('../src/rule-types.ts')).to.equal(ruleTypes(KNOWN))
    expect(document('../src/providers/provider-types.ts')).to.equal(providerTypes(KNOWN))
  })

  it('the table of providers in docs/webhooks.md is what the declarations say (npm run docs)', () => {
    expect(document('webhooks.md')).to.include(`-->\n\n${providerTable(KNOWN)}\n<!-- /providers -->`)
  })
})

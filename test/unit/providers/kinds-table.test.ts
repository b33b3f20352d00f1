/** Each kind of message that a provider is known to send, against what must come of it (test/support/kinds). */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import type { Item } from '../../../src/providers/provider.js'
import { providers } from '../../../src/providers/registry.js'
import type { KindCase } from '../../support/kinds/kind-case.js'
import { CASES, kindsTable, REASONS, reasonOf, reasonsList } from '../../support/kinds/kinds-table.js'

/** The item, with a message's fields among its own. */
function flat(item: Item | undefined): Record<string, unknown> {
  if (item?.kind !== 'message') return { ...item }
  const { message, raw: _, ...rest } = item
  return { ...rest, ...message }
}

function itemsOf({ provider, body }: KindCase): Item[] {
  const found = providers.named(provider)
  if (found === undefined) throw new Error(`no provider ${provider}`)
  return found.parse(body)
}

const titleOf = ({ kind, provider, form }: KindCase) => `${provider}: ${kind}${form === undefined ? '' : ` (${form})`}`

describe('providers: each kind that a provider sends is read or ignored for a reason', () => {
  for (const each of CASES)
    it(titleOf(each), () => {
      const items = itemsOf(each)
      expect(items).to.have.length(1)
      const item = flat(items[0])
      const { outcome } = each
      if ('ignored' in outcome) expect(item).to.include({ kind: 'ignored', reason: outcome.ignored })
      else if ('becomes' in outcome) expect(item).to.deep.include({ kind: outcome.becomes, ...outcome.fields })
      else {
        expect(item).to.deep.include({ kind: 'message', ...present(outcome.read) })
        expect(absentIn(outcome.read).filter(name => item[name] !== undefined)).to.deep.equal([])
      }
    })

  it('each reason is explained', () => {
    const reasons = CASES.flatMap(({ outcome }) => ('ignored' in outcome ? [reasonOf(outcome.ignored)] : []))
    expect(reasons.filter(reason => !Object.hasOwn(REASONS, reason))).to.deep.equal([])
  })

  it('the tables in docs/webhooks.md are what `npm run docs` writes', () => {
    const docs = readFileSync('docs/webhooks.md', 'utf8')
    expect(docs.includes(kindsTable()) && docs.includes(reasonsList()), 'run `npm run docs`').to.equal(true)
  })
})

const present = (fields: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

/** Fields that must not be there. */
const absentIn = (fields: Record<string, unknown>) => Object.keys(fields).filter(name => fields[name] === undefined)

/**
 * Guarantee **types that help**: an editor shows a docstring for everything that the package exports and for every
 * option and method of it, and every type that it shows can be imported.
 */
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { runNode } from '../support/processes.js'
import { PublicTypes } from '../support/types/public-types.js'

const BUILD_TIMEOUT_MS = 120_000

describe('the types of the package', () => {
  let dist: string
  let types: PublicTypes

  before(async function () {
    this.timeout(BUILD_TIMEOUT_MS)
    dist = await realpath(await mkdtemp(join(tmpdir(), 'lull-types-')))
    await runNode([fileURLToPath(new URL('../../scripts/declare.mjs', import.meta.url)), dist])
    types = new PublicTypes(join(dist, 'esm'))
  })
  after(() => rm(dist, { recursive: true, force: true }))

  it('can all be imported from the root', () => {
    expect(types.names).to.include.members(['Batcher', 'Batch', 'AppendResult', 'Store'])
    expect(types.hidden).to.deep.equal([])
  })

  it('have a docstring each, and so has every option and method', () => {
    const { documented } = types
    expect(documented.map(({ name }) => name)).to.include.members(['Batcher.append', 'RuleOptions', 'Rules.quietGapMs'])
    expect(documented.filter(({ doc }) => doc === '').map(({ name }) => name)).to.deep.equal([])
  })
})

import { expect } from 'chai'
import { endLeftOpen, track } from '../../support/open.js'

// With a top-level await mocha loads this file by import, and the root hooks by require.
await Promise.resolve()

describe('a test file with a top-level await', () => {
  it('is watched by the root hooks: what its tests leave open is known to be theirs', async () => {
    track('a server', async () => {})
    expect(await endLeftOpen('byTest')).to.deep.equal(['a server'])
  })
})

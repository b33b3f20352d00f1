import { expect } from 'chai'
import { until } from '../../support/wait.js'

describe('until', () => {
  it('resolves to what the condition returns as soon as that is neither false nor undefined', async () => {
    let calls = 0
    expect(await until(() => (++calls === 3 ? 'here' : undefined))).to.equal('here')
    expect(calls).to.equal(3)
  })

  it('rejects after its timeout, and names what it has waited for', async () => {
    const error = await until(() => false, { timeoutMs: 20, what: () => 'Godot' }).catch(error => error)
    expect(error.message).to.equal('waited 20 ms for Godot')
  })

  it('rejects with what the condition throws', async () => {
    const error = await until(() => Promise.reject(new Error('broken'))).catch(error => error)
    expect(error.message).to.equal('broken')
  })
})

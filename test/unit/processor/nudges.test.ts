import { expect } from 'chai'
import sinon from 'sinon'
import { Nudges } from '../../../src/processor/nudges.js'

const identity = { address: 'redis://127.0.0.1:6379', db: 0, prefix: 'rapid-fire', runId: 'r', version: '7.0.0' }
const nextDue = { kind: 'next-due', conversationId: 'c', batchId: 'b', dueInMs: 40, db: 0 } as const

describe('nudges', () => {
  const log = { debug: sinon.spy(), info: sinon.spy(), warn: sinon.spy(), error: sinon.spy() }
  const actions = { wake: sinon.spy(), due: sinon.spy(), expired: sinon.spy(), resubscribed: sinon.spy() }
  let nudges: Nudges

  beforeEach(() => {
    sinon.resetHistory()
    for (const spy of [...Object.values(log), ...Object.values(actions)]) spy.resetHistory()
    nudges = new Nudges(identity, log, actions)
  })

  it('next-due moves the timer and does not claim', () => {
    nudges.onEvent(nextDue)
    expect(actions.due.args).to.deep.equal([[40, 0]])
    expect(actions.wake.callCount).to.equal(0)
  })

  it('next-due from another database is logged once, with both numbers, and does not claim', () => {
    nudges.onEvent({ ...nextDue, db: 3 })
    nudges.onEvent({ ...nextDue, db: 3 })
    expect(actions.due.callCount).to.equal(0)
    expect(log.warn.callCount).to.equal(1)
    expect(log.warn.firstCall.args[0]).to.include({ theirDb: 3, ourDb: 0 })
    expect(log.warn.firstCall.args[1]).to.match(/database 3\b.*database 0\b/)
  })

  it('the expiry of a shadow key or a header is passed on, and does not claim by itself', () => {
    nudges.onEvent({ kind: 'expired', key: 'quiet', conversationId: 'c' })
    nudges.onEvent({ kind: 'expired', key: 'header', conversationId: 'd' })
    expect(actions.expired.args).to.deep.equal([['c'], ['d']])
    expect(actions.wake.callCount + actions.due.callCount).to.equal(0)
  })

  it('next-due and a subscription of one partition are for that partition alone', () => {
    nudges.onEvent({ ...nextDue, partition: 5 })
    nudges.onEvent({ kind: 'subscribed', partition: 6 })
    nudges.onEvent({ kind: 'subscribed', partition: 7 })
    expect(actions.due.args).to.deep.equal([[40, 5]])
    expect(actions.wake.args).to.deep.equal([[6], [7]])
    expect(actions.resubscribed.callCount).to.equal(0)
  })

  it('each subscription claims, and each after the first of its partition counts as a resubscription', () => {
    nudges.onEvent({ kind: 'subscribed' })
    nudges.onEvent({ kind: 'subscribed', partition: 3 })
    expect(actions.resubscribed.callCount).to.equal(0)
    nudges.onEvent({ kind: 'subscribed', partition: 3 })
    expect(actions.wake.args).to.deep.equal([[0], [3], [3]])
    expect(actions.resubscribed.args).to.deep.equal([[3]])
  })
})

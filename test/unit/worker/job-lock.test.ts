import { expect } from 'chai'
import sinon from 'sinon'
import { isStillOurs } from '../../../src/worker/job-lock.js'

const LOCK_MS = 30_000

describe('a job in hand', () => {
  const taken = (agoMs: number, extended: number) => ({
    processedOn: Date.now() - agoMs,
    extendLock: sinon.stub().resolves(extended),
  })

  it('is ours when it has just been taken, and Redis is not asked', async () => {
    const job = taken(5, 0)
    expect(await isStillOurs(job, 'token', LOCK_MS)).to.equal(true)
    expect(job.extendLock.callCount).to.equal(0)
  })

  it('that was taken long ago is ours only if its lock still is, which lasts from now on then', async () => {
    const ours = taken(LOCK_MS, 1)
    expect(await isStillOurs(ours, 'token', LOCK_MS)).to.equal(true)
    expect(ours.extendLock.args).to.deep.equal([['token', LOCK_MS]])
    expect(await isStillOurs(taken(LOCK_MS, 0), 'token', LOCK_MS)).to.equal(false)
  })

  it('is asked about too when the wall clock has stepped back meanwhile', async () => {
    expect(await isStillOurs(taken(-LOCK_MS, 0), 'token', LOCK_MS)).to.equal(false)
  })
})

import { expect } from 'chai'
import sinon from 'sinon'
import { isStillOurs } from '../../../src/worker/job-lock.js'

const LOCK_MS = 30_000

describe('the lock of a job', () => {
  const taken = (agoMs: number, extended: number) => ({
    processedOn: Date.now() - agoMs,
    extendLock: sinon.stub().resolves(extended),
  })

  it('is trusted without asking Redis if the job has just been taken', async () => {
    const job = taken(5, 0)
    expect(await isStillOurs(job, 'token', LOCK_MS)).to.equal(true)
    expect(job.extendLock.callCount).to.equal(0)
  })

  it('is asked for and renewed if the job was taken long ago', async () => {
    const ours = taken(LOCK_MS, 1)
    expect(await isStillOurs(ours, 'token', LOCK_MS)).to.equal(true)
    expect(ours.extendLock.args).to.deep.equal([['token', LOCK_MS]])
    expect(await isStillOurs(taken(LOCK_MS, 0), 'token', LOCK_MS)).to.equal(false)
  })

  it('is asked for if the wall clock has stepped back', async () => {
    expect(await isStillOurs(taken(-LOCK_MS, 0), 'token', LOCK_MS)).to.equal(false)
  })
})

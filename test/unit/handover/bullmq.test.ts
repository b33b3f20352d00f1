import { expect } from 'chai'
import { bullmq } from '../../../src/handover/bullmq.js'
import { silent } from '../../../src/logger.js'

describe('bullmq()', () => {
  it('an option out of its bounds is refused by its name and value', () => {
    expect(() => bullmq({ queue: 'a:b' })).to.throw(RangeError, 'queue=a:b')
    expect(() => bullmq({ answerAttempts: 0 })).to.throw(RangeError, 'answerAttempts=0')
    expect(() => bullmq({ jobRetentionMs: 1000 })).to.throw(RangeError, 'jobRetentionMs=1000')
    // @ts-expect-error a program without types
    expect(() => bullmq({ jobTexts: 'drop' })).to.throw(RangeError, "jobTexts=drop: it must be 'erase' or 'keep'")
  })

  it('opens nothing before it is started, and may be stopped before', async () => {
    await bullmq({ redis: () => expect.fail('opened') }).stop()
  })

  it('without a Redis its start fails, and says so', async () => {
    const start = bullmq().start({ log: silent, connectionName: 'x' }, { onAnswered() {}, onResumed() {} })
    expect(await start.catch(error => error.message)).to.match(/^bullmq\(\): redis is missing/)
  })
})

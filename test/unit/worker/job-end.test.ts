import { expect } from 'chai'
import { Superseded } from '../../../src/superseded.js'
import { jobResultOf } from '../../../src/worker/job-end.js'
import type { RunResult } from '../../../src/worker/run.js'

describe('the end of a job', () => {
  const COMPLETED: [what: string, result: RunResult, value: unknown][] = [
    ['its handler is done', { result: 'done' }, undefined],
    [
      'newer messages superseded it',
      { result: 'superseded', reason: new Superseded('b1'), isAbandoned: false },
      { superseded: true },
    ],
    ['it was superseded before it began', { result: 'not begun', state: 'superseded' }, { superseded: true }],
    ['its batch is not known any more', { result: 'not begun', state: 'unknown' }, { superseded: true }],
  ]
  for (const [what, result, value] of COMPLETED)
    it(`is a completion if ${what}`, () => expect(jobResultOf(result, 1000)).to.deep.equal(value))

  const FAILED: [what: string, result: RunResult, name: string, message: string][] = [
    ['a failed attempt if its handler rejects', { result: 'failed', error: new Error('no') }, 'Error', 'no'],
    [
      'a failed attempt if the answer timeout came while its commit waited',
      { result: 'abandoned', cut: 'timeout', isUncommitted: true },
      'Error',
      'not committed within 1000 ms',
    ],
    [
      'final if the answer timeout cut it',
      { result: 'abandoned', cut: 'timeout' },
      'UnrecoverableError',
      'not answered within 1000 ms',
    ],
    [
      'final if its answer had ended before',
      { result: 'not begun', state: 'answered' },
      'UnrecoverableError',
      'its answer has ended before: the conversation has gone on without it',
    ],
  ]
  for (const [what, result, name, message] of FAILED)
    it(`is ${what}`, () => {
      try {
        jobResultOf(result, 1000)
      } catch (error) {
        expect(error).to.include({ name, message })
        return
      }
      expect.fail('completed')
    })
})

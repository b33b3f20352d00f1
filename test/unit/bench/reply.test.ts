import { expect } from 'chai'
import { play, playWindow, type Way } from '../../../bench/replies/arithmetic.js'
import { sampleTurns, turnsOf } from '../../../bench/replies/turns.js'

const queue: Way = { gap: 10, work: 8, maxWait: 60, supersede: false, earlyStart: 10 }
const early: Way = { ...queue, supersede: true, earlyStart: 2 }
const withdraw: Way = { ...queue, supersede: true }

describe('the arithmetic of replies', () => {
  it('answers a single message after gap and work, or after the gap alone with early start', () => {
    expect(play([0], queue)).to.deep.equal({ reply: 18, answers: 1, runs: 1 })
    expect(play([0], early)).to.deep.equal({ reply: 10, answers: 1, runs: 1 })
  })

  it('starts the work once for messages that come within the early start', () => {
    expect(play([0, 1, 2.5], early)).to.deep.equal({ reply: 10, answers: 1, runs: 1 })
  })

  it('counts a withdrawn run, and no split, for a pause between early start and gap', () => {
    expect(play([0, 5], queue)).to.deep.equal({ reply: 18, answers: 1, runs: 1 })
    expect(play([0, 5], early)).to.deep.equal({ reply: 10, answers: 1, runs: 2 })
  })

  it('splits a turn at a pause longer than the gap, either way', () => {
    expect(play([0, 11], early)).to.deep.equal({ reply: 10, answers: 2, runs: 2 })
    expect(play([0, 11, 40], queue)).to.deep.equal({ reply: 18, answers: 3, runs: 3 })
  })

  it('makes a message wait for the running answer in `queue`, and then for its own gap', () => {
    // Its gap ends at 22, the answer at 18.
    expect(play([0, 12], queue)).to.deep.equal({ reply: 18, answers: 2, runs: 2 })
    // Work of 15 s: the answer ends at 25, the gap at 22, so the second answer is sent at 40.
    expect(play([0, 12], { ...queue, work: 15 })).to.deep.equal({ reply: 28, answers: 2, runs: 2 })
  })

  it('sends no answer before its work has ended, and until then a newer message withdraws it', () => {
    const long = { ...early, work: 15 }
    expect(play([0], long)).to.deep.equal({ reply: 17, answers: 1, runs: 1 })
    expect(play([0, 12], long)).to.deep.equal({ reply: 17, answers: 1, runs: 2 })
    expect(play([0, 18], long)).to.deep.equal({ reply: 17, answers: 2, runs: 2 })
    expect(play([0, 12], withdraw)).to.deep.equal({ reply: 18, answers: 1, runs: 2 })
  })

  it('answers a person who writes without end at the max wait', () => {
    // Until 148.5 s. The batches are due at 60 s, at 120 s and, by the gap, at 158.5 s.
    const endless = Array.from({ length: 100 }, (_, i) => i * 1.5)
    expect(play(endless, queue)).to.deep.equal({ reply: 18, answers: 3, runs: 3 })
    expect(play(endless, early)).to.include({ reply: 10, answers: 3 })
  })

  it('begins a fixed window at the first message, which later messages do not move', () => {
    const burst = { window: 10, work: 8, again: 0 }
    expect(playWindow([0], burst)).to.deep.equal({ reply: 18, answers: 1, runs: 1 })
    expect(playWindow([0, 9.5], burst)).to.deep.equal({ reply: 8.5, answers: 1, runs: 1 })
    expect(playWindow([0, 19], burst)).to.deep.equal({ reply: 18, answers: 2, runs: 2 })
  })

  it('takes what came during an answer at its end, or after another window', () => {
    expect(playWindow([0, 12], { window: 10, work: 8, again: 0 })).to.deep.equal({ reply: 14, answers: 2, runs: 2 })
    expect(playWindow([0, 12], { window: 10, work: 8, again: 10 })).to.deep.equal({ reply: 24, answers: 2, runs: 2 })
    // It comes in that window, 1 s before its end.
    expect(playWindow([0, 27], { window: 10, work: 8, again: 10 })).to.deep.equal({ reply: 9, answers: 2, runs: 2 })
  })
})

describe('the turns of the benchmark', () => {
  it('are cut at pauses over a minute, and begin at 0', () => {
    expect(turnsOf('0 6 67 68\n0\n')).to.deep.equal([[0, 6], [0, 1], [0]])
  })

  it('are the same sample each time, ascending, and as many of each set', async () => {
    const sample = await sampleTurns(50)
    expect(sample).to.have.length(150)
    expect(await sampleTurns(50)).to.deep.equal(sample)
    for (const turn of sample) {
      expect(turn[0]).to.equal(0)
      expect(turn.toSorted((a, b) => a - b)).to.deep.equal(turn)
    }
  })
})

import { expect } from 'chai'
import { check } from '../../chaos/checker.js'
import type { Disturbance, Evidence } from '../../chaos/evidence.js'
import type { HandlerEvent, RunResult } from '../../chaos/handler-log.js'
import { noInterventions } from '../../chaos/interventions.js'

/** Milliseconds. */
const rules = {
  ...{ quietGapMs: 300, maxWaitMs: 1500, batchTtlMs: 3000, maxMessages: 4, lockMs: 2000 },
  ...{ answering: 'supersede' as const, earlyStartMs: 80, holdMs: 400, holdMaxMs: 2500 },
}

interface Handled {
  batchId: string
  messages: number[]
  at: number
  /** When it asked for its commit; just before `commit` by default. */
  ask?: number
  /** How often it asked. */
  asked?: number
  commit?: number
  again?: boolean
  until?: number
  due?: number
  by?: string
  worker?: string
  result?: RunResult
}

/** Messages of one conversation, each sent at its time and accepted 5 ms later, and what the handlers logged. */
function evidence(sentAt: number[], handled: Handled[], changes: Partial<Evidence> = {}): Evidence {
  const messages = sentAt.map((at, i) => ({
    conversationId: 'c1',
    messageId: `c1-${i + 1}`,
    direct: false,
    together: 1,
    firstSentAtMs: at,
    acceptedAtMs: at + 5,
  }))
  const events = handled.flatMap((one, i): HandlerEvent[] => {
    const { batchId, at, commit, again = false, until, by = 'early', worker = 'worker-1' } = one
    const { ask = commit, asked = ask === undefined ? 0 : 1, result = 'done', due = at } = one
    const run = `run-${i}`
    const about = { worker, batchId, conversationId: 'c1', releasedBy: by, dueAtMs: due, releasedAtMs: at }
    return [
      { event: 'begin', run, atMs: at, ...about, messageIds: one.messages.map(n => `c1-${n}`) },
      ...Array.from({ length: asked }, () => ({ event: 'ask' as const, run, atMs: ask ?? at })),
      ...(commit === undefined ? [] : [{ event: 'commit' as const, run, atMs: commit, again }]),
      ...(until === undefined ? [] : [{ event: 'end' as const, run, atMs: until, result }]),
    ]
  })
  return {
    rules,
    sent: new Map([['c1', messages]]),
    flushes: [],
    interventions: noInterventions(),
    events,
    disturbances: [],
    ...changes,
  }
}

const kinds = (found: Evidence) => check(found).violations.map(({ kind }) => kind)

describe('the checker of a chaos run with `supersede`', () => {
  /** m1 starts early, m2 supersedes it, and both are committed when they are due. */
  const old: Handled = { batchId: 'a', messages: [1], at: 85, until: 210, result: 'superseded' }
  const newer: Handled = { batchId: 'b', messages: [1, 2], at: 285, commit: 505, until: 520 }

  it('finds nothing if every guarantee held, and counts what was in vain', () => {
    const verdict = check(evidence([0, 200], [old, newer]))
    expect(verdict.violations).to.deep.equal([])
    expect(verdict.commits).to.deep.include({ afresh: 1, again: 0, superseded: 1, wastedMs: 125 })
  })

  it('finds a message that was only in a superseded answer, or whose answer was never committed', () => {
    expect(kinds(evidence([0], [{ batchId: 'a', messages: [1], at: 85, until: 90, result: 'superseded' }]))).to.include(
      'lost',
    )
    expect(kinds(evidence([0], [{ batchId: 'a', messages: [1], at: 85, until: 400 }]))).to.include('lost')
  })

  it('finds a message in two committed batches', () => {
    const twice: Handled[] = [
      { batchId: 'a', messages: [1], at: 85, commit: 305, until: 310 },
      { batchId: 'b', messages: [1, 2], at: 385, commit: 605, until: 620 },
    ]
    expect(kinds(evidence([0, 306], twice))).to.include('committed twice')
  })

  it('finds a message twice in a superseded batch', () => {
    expect(kinds(evidence([0, 200], [{ ...old, messages: [1, 1] }, newer]))).to.include('duplicated')
  })

  it('finds a batch that two runs committed afresh, and a commit that wrongly is one once more', () => {
    const kill = { kind: 'kill', worker: 'worker-1', fromMs: 306, toMs: 900 }
    const both = (first: Partial<Handled>, again: boolean, disturbances: Disturbance[] = [kill]) => {
      const run: Handled = { batchId: 'a', messages: [1], at: 85, ...first }
      const second: Handled = {
        batchId: 'a',
        messages: [1],
        at: 2500,
        commit: 2510,
        until: 2520,
        again,
        worker: 'worker-2',
      }
      return evidence([0], [run, second], { disturbances })
    }
    expect(kinds(both({ commit: 305 }, false))).to.deep.equal(['committed twice'])
    expect(check(both({ commit: 305 }, true))).to.deep.include({ violations: [], again: 1 })
    // The first run was killed before it had its reply.
    expect(kinds(both({ ask: 305 }, true))).to.deep.equal([])
    expect(kinds(both({}, true))).to.deep.equal(['wrong again'])
  })

  it('allows a commit once more of the same run only if its reply may have been lost', () => {
    const run = { batchId: 'a', messages: [1], at: 85, ask: 305, commit: 900, until: 910, again: true }
    expect(kinds(evidence([0], [run]))).to.deep.equal(['wrong again'])
    const fault = (fromMs: number) => [{ kind: 'lose replies processors', fromMs, toMs: fromMs + 100 }]
    expect(kinds(evidence([0], [run], { disturbances: fault(1000) }))).to.deep.equal(['wrong again'])
    expect(kinds(evidence([0], [run], { disturbances: fault(400) }))).to.deep.equal([])
    expect(kinds(evidence([0], [{ ...run, asked: 2 }]))).to.deep.equal([])
  })

  it('finds a commit before the due time, by the clients’ clock and by the batch’s', () => {
    const at = (commit: number, due: number) =>
      kinds(evidence([0], [{ batchId: 'a', messages: [1], at: 85, commit, due, until: commit + 5 }]))
    expect(at(297, 0)).to.deep.equal(['committed early'])
    expect(at(305, 306)).to.deep.equal(['committed early'])
    expect(at(305, 305)).to.deep.equal([])
  })

  it('finds an early commit unless a client has flushed the conversation before', () => {
    const early: Handled[] = [{ batchId: 'a', messages: [1], at: 85, commit: 150, until: 160, due: 300 }]
    const flushedAt = (firstSentAtMs: number) => ({ flushes: [{ conversationId: 'c1', firstSentAtMs }] })
    expect(kinds(evidence([0], early, flushedAt(100)))).to.deep.equal([])
    expect(kinds(evidence([0], early, flushedAt(200)))).to.deep.equal(['committed early'])
  })

  it('finds a start before the early one, and an early start without supersede', () => {
    const run: Handled = { batchId: 'a', messages: [1], at: 70, commit: 305, until: 310 }
    expect(kinds(evidence([0], [run]))).to.deep.equal(['split'])
    const found = evidence([0], [{ ...run, at: 305 }])
    expect(kinds(found)).to.deep.equal([])
    expect(kinds({ ...found, rules: { ...rules, answering: 'queue' } })).to.deep.equal(['split'])
  })

  it('finds two committed answers of one conversation at once', () => {
    const both: Handled[] = [
      { batchId: 'a', messages: [1], at: 85, commit: 305, until: 900 },
      { batchId: 'b', messages: [2], at: 600, commit: 850, until: 860, worker: 'worker-2' },
    ]
    expect(kinds(evidence([0, 500], both))).to.deep.equal(['overlap'])
  })

  it('finds a batch that begins during a committed answer, even if it is never committed', () => {
    const both: Handled[] = [
      { batchId: 'a', messages: [1], at: 85, commit: 305, until: 900 },
      { batchId: 'b', messages: [2], at: 600, until: 620, result: 'superseded' },
      { batchId: 'c', messages: [2, 3], at: 910, commit: 950, until: 960 },
    ]
    expect(kinds(evidence([0, 500, 610], both))).to.deep.equal(['overlap'])
  })

  it('allows a superseded run that still works, or begins, while the newer answer is committed', () => {
    const late = (at: number): Handled => ({ ...old, at, until: 515 })
    expect(kinds(evidence([0, 200], [late(85), newer]))).to.deep.equal([])
    expect(kinds(evidence([0, 200], [newer, late(510)]))).to.deep.equal([])
  })

  it('finds committed answers out of order, and messages out of order in a superseded batch', () => {
    const swapped: Handled[] = [
      { batchId: 'b', messages: [2], at: 1400, commit: 1405, until: 1410 },
      { batchId: 'a', messages: [1], at: 1500, commit: 1505, until: 1510 },
    ]
    expect(kinds(evidence([0, 1000], swapped))).to.deep.equal(['out of order'])
    const inside: Handled[] = [
      { batchId: 'a', messages: [2, 1], at: 385, until: 390, result: 'superseded' },
      { batchId: 'b', messages: [1, 2, 3], at: 485, commit: 705, until: 710 },
    ]
    expect(kinds(evidence([0, 300, 400], inside))).to.deep.equal(['out of order'])
  })

  it('finds the messages of a superseded batch in different answers', () => {
    const torn: Handled[] = [
      { batchId: 'a', messages: [1, 2], at: 185, until: 190, result: 'superseded' },
      { batchId: 'b', messages: [1], at: 500, commit: 505, until: 510 },
      { batchId: 'c', messages: [2], at: 600, commit: 605, until: 610 },
    ]
    expect(kinds(evidence([0, 100], torn))).to.include('split')
  })

  describe('a message that was accepted before the answer was due, and is not in it', () => {
    const answer = (count: number): Handled => {
      const messages = Array.from({ length: count }, (_, i) => i + 1)
      return { batchId: 'a', messages, at: 100, commit: 320, until: 330 }
    }
    const others: Handled = { batchId: 'b', messages: [2], at: 600, commit: 640, until: 650, by: 'gap' }

    it('is found', () => {
      expect(kinds(evidence([0, 200], [answer(1), others]))).to.deep.equal(['split'])
    })

    it('is allowed if one batch cannot hold both, or it is direct', () => {
      const full = evidence([0, 5, 10, 15, 200], [answer(4), { ...others, messages: [5] }])
      expect(kinds(full)).to.deep.equal([])
      const direct = evidence([0, 200], [answer(1), { ...others, by: 'direct' }])
      for (const message of direct.sent.get('c1')?.slice(1) ?? []) message.direct = true
      expect(kinds(direct)).to.deep.equal([])
    })

    it('is allowed after a flush', () => {
      const flushes = [{ conversationId: 'c1', firstSentAtMs: 150 }]
      expect(kinds(evidence([0, 200], [answer(1), others], { flushes }))).to.deep.equal([])
    })
  })
})

import { expect } from 'chai'
import { check } from '../../chaos/checker.js'
import type { Disturbance, Evidence } from '../../chaos/evidence.js'
import type { HandlerEvent } from '../../chaos/handler-log.js'
import { noInterventions } from '../../chaos/interventions.js'
import { randomFrom } from '../../chaos/random.js'
import { scheduleFrom } from '../../chaos/schedule.js'
import type { Handover } from '../../chaos/settings.js'

/** Milliseconds: gap 300, max wait 1500, TTL 3000, cap 4, lock 2000. */
const rules = {
  ...{ quietGapMs: 300, maxWaitMs: 1500, batchTtlMs: 3000, maxMessages: 4, lockMs: 2000 },
  ...{ answering: 'queue' as const, earlyStartMs: 80, holdMs: 400, holdMaxMs: 2500 },
}

interface Handled {
  batchId: string
  messages: number[]
  at: number
  until?: number
  due?: number
  by?: string
  worker?: string
  result?: 'done' | 'failed' | 'cut'
}

/** Messages of one conversation, each sent at its time and accepted 5 ms later, and what the handlers reported. */
function evidence(sentAt: number[], handled: Handled[], disturbances: Disturbance[] = []): Evidence {
  const messages = sentAt.map((at, i) => ({
    conversationId: 'c1',
    messageId: `c1-${i + 1}`,
    direct: false,
    together: 1,
    firstSentAtMs: at,
    acceptedAtMs: at + 5,
  }))
  const events = handled.flatMap(
    ({ batchId, messages, at, until, due = at, by = 'gap', worker = 'worker-1', result }, i): HandlerEvent[] => [
      {
        event: 'begin',
        run: `run-${i}`,
        atMs: at,
        worker,
        batchId,
        conversationId: 'c1',
        releasedBy: by,
        dueAtMs: due,
        releasedAtMs: at,
        messageIds: messages.map(n => `c1-${n}`),
      },
      ...(until === undefined
        ? []
        : [{ event: 'end' as const, run: `run-${i}`, atMs: until, result: result ?? ('done' as const) }]),
    ],
  )
  return {
    rules,
    sent: new Map([['c1', messages]]),
    flushes: [],
    interventions: noInterventions(),
    events,
    disturbances,
  }
}

const kinds = (found: Evidence) => check(found).violations.map(({ kind }) => kind)

describe('the checker of the chaos run', () => {
  it('finds nothing if every guarantee held', () => {
    const found = evidence(
      [0, 100, 1000],
      [
        { batchId: 'a', messages: [1, 2], at: 405, until: 500 },
        { batchId: 'b', messages: [3], at: 1305, until: 1400 },
      ],
    )
    const verdict = check(found)
    expect(verdict.violations).to.deep.equal([])
    expect(verdict).to.include({ messages: 3, batches: 2, runs: 2, again: 0, excused: 0 })
  })

  it('finds an accepted message that was never handled, or never finished', () => {
    expect(kinds(evidence([0, 1000], [{ batchId: 'a', messages: [1], at: 305, until: 310 }]))).to.deep.equal(['lost'])
    expect(kinds(evidence([0], [{ batchId: 'a', messages: [1], at: 305 }]))).to.deep.equal(['lost'])
    expect(
      kinds(evidence([0], [{ batchId: 'a', messages: [1], at: 305, until: 310, result: 'failed' }])),
    ).to.deep.equal(['lost'])
  })

  it('finds a message that was never sent', () => {
    expect(kinds(evidence([0], [{ batchId: 'a', messages: [1, 2], at: 305, until: 310 }]))).to.include('invented')
  })

  it('finds a message in two batches, and one twice in a batch', () => {
    const twice = evidence(
      [0],
      [
        { batchId: 'a', messages: [1], at: 305, until: 310 },
        { batchId: 'b', messages: [1], at: 405, until: 410 },
      ],
    )
    expect(kinds(twice)).to.include('duplicated')
    expect(kinds(evidence([0], [{ batchId: 'a', messages: [1, 1], at: 305, until: 310 }]))).to.include('duplicated')
  })

  it('finds a batch that came again without a failure or a disturbance of its worker', () => {
    const again = (result: 'done' | 'failed', disturbances: Disturbance[]) =>
      check(
        evidence(
          [0],
          [
            { batchId: 'a', messages: [1], at: 305, until: 310, result },
            { batchId: 'a', messages: [1], at: 5000, until: 5010, worker: 'worker-2' },
          ],
          disturbances,
        ),
      )
    const kill = { kind: 'kill', worker: 'worker-1', fromMs: 308, toMs: 900 }
    expect(again('done', []).violations.map(({ kind }) => kind)).to.deep.equal(['duplicated'])
    expect(again('done', [{ ...kill, worker: 'worker-2', fromMs: 0, toMs: 100 }]).violations).to.have.length(1)
    expect(again('failed', [])).to.deep.include({ violations: [], again: 1 })
    expect(again('done', [kill])).to.deep.include({ violations: [], again: 1 })
  })

  it('finds messages out of order inside a batch and between batches', () => {
    const inside = evidence([0, 100], [{ batchId: 'a', messages: [2, 1], at: 405, until: 410 }])
    expect(kinds(inside)).to.include('out of order')
    const between = evidence(
      [0, 1000],
      [
        { batchId: 'b', messages: [2], at: 1400, until: 1410 },
        { batchId: 'a', messages: [1], at: 1500, until: 1510 },
      ],
    )
    expect(kinds(between)).to.deep.equal(['out of order'])
  })

  it('finds two answers of one conversation at once, unless a worker was away for as long as its lock', () => {
    const both: Handled[] = [
      { batchId: 'a', messages: [1], at: 305, until: 4000 },
      { batchId: 'b', messages: [2], at: 3500, due: 1305, until: 3600, worker: 'worker-2' },
    ]
    expect(kinds(evidence([0, 1000], both))).to.deep.equal(['overlap'])
    const frozen = (forMs: number) => [{ kind: 'freeze', worker: 'worker-1', fromMs: 400, toMs: 400 + forMs }]
    expect(kinds(evidence([0, 1000], both, frozen(500)))).to.deep.equal(['overlap'])
    expect(check(evidence([0, 1000], both, frozen(3000)))).to.deep.include({ violations: [], excused: 1 })
  })

  it('takes the run of a killed worker as ended at the kill', () => {
    const found = evidence(
      [0],
      [
        { batchId: 'a', messages: [1], at: 305 },
        { batchId: 'a', messages: [1], at: 2500, until: 2510, worker: 'worker-2' },
      ],
      [{ kind: 'kill', worker: 'worker-1', fromMs: 310, toMs: 900 }],
    )
    expect(check(found)).to.deep.include({ violations: [], again: 1, excused: 0 })
  })

  it('finds a batch that was released before its due time', () => {
    expect(kinds(evidence([0], [{ batchId: 'a', messages: [1], at: 250, until: 260 }]))).to.deep.equal(['split'])
  })

  it('finds a message that belonged to the previous batch', () => {
    const found = evidence(
      [0, 100],
      [
        { batchId: 'a', messages: [1], at: 305, until: 310 },
        { batchId: 'b', messages: [2], at: 405, until: 410 },
      ],
    )
    expect(kinds(found)).to.deep.equal(['split'])
  })

  it('finds a wrong reason of a release', () => {
    const released = (by: string) => kinds(evidence([0], [{ batchId: 'a', messages: [1], at: 400, until: 410, by }]))
    for (const by of ['maxMessages', 'direct', 'flush', 'recovery', 'maxBytes'])
      expect(released(by), by).to.include('split')
  })
})

describe('the schedule of a chaos run', () => {
  it('is the same for the same seed, and differs for another', () => {
    const schedule = (seed: number) => scheduleFrom(randomFrom(seed), 60_000, 'bullmq')
    expect(schedule(7)).to.deep.equal(schedule(7))
    expect(schedule(7)).to.not.deep.equal(schedule(8))
  })

  it('breaks only what takes part in the handover', () => {
    const targets = (handover: Handover) =>
      new Set(scheduleFrom(randomFrom(1), 600_000, handover).map(({ target }) => target.replace(/-\d$/, '')))
    expect([...targets('bullmq')]).to.include.members(['worker', 'workers', 'handover', 'processor', 'processors'])
    expect([...targets('http')])
      .to.include.members(['worker', 'handover'])
      .and.not.include('workers')
    expect([...targets('function')]).to.include.members(['processor', 'processors', 'api', 'redis'])
    for (const target of ['worker', 'workers', 'handover']) expect([...targets('function')]).not.to.include(target)
  })

  it('breaks no target twice at once', () => {
    const untilMs = new Map<string, number>()
    for (const { kind, target, atMs, forMs } of scheduleFrom(randomFrom(1), 600_000, 'bullmq')) {
      if (kind === 'disconnect') continue
      expect(untilMs.get(target) ?? 0, target).to.be.at.most(atMs)
      untilMs.set(target, atMs + forMs)
    }
  })
})

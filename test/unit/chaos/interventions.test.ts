import { expect } from 'chai'
import { check } from '../../chaos/checker.js'
import type { SentMessage } from '../../chaos/clients.js'
import type { Evidence } from '../../chaos/evidence.js'
import type { HandlerEvent } from '../../chaos/handler-log.js'
import {
  type Hold,
  type Interventions,
  kindOf,
  noInterventions,
  type Pause,
  type SettingsChange,
} from '../../chaos/interventions.js'

const rules = {
  ...{ quietGapMs: 300, maxWaitMs: 1500, batchTtlMs: 3000, maxMessages: 4, lockMs: 2000 },
  ...{ answering: 'queue' as const, earlyStartMs: 80, holdMs: 400, holdMaxMs: 2500 },
}

/** Conversations by what happens to them. */
const C = { settings: 'c1', collect: 'c4', hold: 'c7', drop: 'c10', plain: 'c2' }

interface Handled {
  batchId: string
  messages: number[]
  /** It was due, claimed and begun then. */
  at: number
  due?: number
  by?: string
}

function evidence(
  conversationId: string,
  sent: (number | (Partial<SentMessage> & { at: number }))[],
  handled: Handled[],
  interventions: Partial<Interventions> = {},
): Evidence {
  const messages = sent.map((one, i): SentMessage => {
    const { at, ...more } = typeof one === 'number' ? { at: one } : one
    const times = { firstSentAtMs: at, acceptedAtMs: at + 5 }
    return { conversationId, messageId: `${conversationId}-${i + 1}`, direct: false, together: 1, ...times, ...more }
  })
  const events = handled.flatMap(({ batchId, messages: numbers, at, due = at, by = 'gap' }): HandlerEvent[] => [
    {
      ...{ event: 'begin', run: batchId, atMs: at, worker: 'worker-1', batchId, conversationId, releasedBy: by },
      ...{ dueAtMs: due, releasedAtMs: at, messageIds: numbers.map(n => `${conversationId}-${n}`) },
    },
    { event: 'end', run: batchId, atMs: at + 5, result: 'done' },
  ])
  return {
    ...{ rules, sent: new Map([[conversationId, messages]]), flushes: [], events, disturbances: [] },
    interventions: { ...noInterventions(), ...interventions },
  }
}

const kinds = (found: Evidence) => check(found).violations.map(({ kind }) => kind)

describe('the checker of a chaos run with interventions', () => {
  it('knows what happens to a conversation', () => {
    for (const [kind, id] of Object.entries(C)) expect(kindOf(id)).to.equal(kind)
  })

  it('allows the shortest gap that can have been in force, and finds a batch before that', () => {
    const change = { scope: C.settings, rules: { quietGapMs: 150 }, askedAtMs: 1000, answeredAtMs: 1010 }
    const released = (sentAt: number, at: number, scope = C.settings) =>
      kinds(evidence(C.settings, [sentAt], [{ batchId: 'a', messages: [1], at }], { changes: [{ ...change, scope }] }))
    expect(released(2000, 2155)).to.deep.equal([])
    expect(released(2000, 2140)).to.deep.equal(['split'])
    expect(released(2000, 2155, '*')).to.deep.equal([])
    expect(released(2000, 2155, 'another')).to.deep.equal(['split'])
    // Before the change.
    expect(released(500, 655)).to.deep.equal(['split'])
  })

  it('no longer allows a rule that was replaced long ago', () => {
    const changes: SettingsChange[] = [
      { scope: '*', rules: { quietGapMs: 150 }, askedAtMs: 0, answeredAtMs: 10 },
      { scope: '*', rules: {}, askedAtMs: 1000, answeredAtMs: 1010 },
    ]
    const released = (sentAt: number, changed = changes) =>
      kinds(evidence(C.plain, [sentAt], [{ batchId: 'a', messages: [1], at: sentAt + 155 }], { changes: changed }))
    expect(released(5000)).to.deep.equal([])
    expect(released(20_000)).to.deep.equal(['split'])
    // The second one may not have been carried out.
    const unanswered = changes.map(({ answeredAtMs: _, ...change }) => change)
    expect(released(20_000, unanswered)).to.deep.equal([])
  })

  it('finds a batch that was claimed before its own due time', () => {
    expect(kinds(evidence(C.plain, [0], [{ batchId: 'a', messages: [1], at: 305, due: 310 }]))).to.deep.equal(['split'])
  })

  it('finds a message behind one that ends its batch, and a flush that nobody wanted', () => {
    const ends = (first: boolean, last: boolean) =>
      kinds(
        evidence(
          C.plain,
          [
            { at: 0, ends: first },
            { at: 10, ends: last },
          ],
          [{ batchId: 'a', messages: [1, 2], at: 20, by: 'flush' }],
        ),
      )
    expect(ends(false, true)).to.deep.equal([])
    expect(ends(false, false)).to.deep.equal(['split'])
    expect(ends(true, true)).to.deep.equal(['split'])
  })

  describe('a pause', () => {
    const pauseOf = (conversationId: string, keep: Pause['keep'], more: Partial<Pause> = {}): Pause => ({
      ...{ conversationId, keep, forMs: 2000, askedAtMs: 1000, answeredAtMs: 1005, untilMs: 3002, dropped: 0 },
      ...more,
    })

    it('during which a batch was claimed is found, unless its end was asked for or its answer was lost', () => {
      const during = (at: number, more: Partial<Pause> = {}) =>
        kinds(
          evidence(C.collect, [900], [{ batchId: 'a', messages: [1], at }], {
            pauses: [pauseOf(C.collect, 'collect', more)],
          }),
        )
      expect(during(1500)).to.deep.equal(['paused'])
      expect(during(3003)).to.deep.equal([])
      expect(during(1500, { resumeAskedAtMs: 1400 })).to.deep.equal([])
      expect(during(1500, { answeredAtMs: 1501 })).to.deep.equal([])
      const { askedAtMs, forMs, keep, conversationId } = pauseOf(C.collect, 'collect')
      const lost = [{ conversationId, keep, forMs, askedAtMs }]
      expect(kinds(evidence(C.collect, [900], [{ batchId: 'a', messages: [1], at: 1500 }], { pauses: lost }))).to.be
        .empty
    })

    it('that collects may take in direct messages that waited, and a batch has none otherwise', () => {
      const pauses = [pauseOf(C.collect, 'collect')]
      const direct = [{ at: 900, direct: true }]
      const claimedAt = (at: number) =>
        kinds(evidence(C.collect, direct, [{ batchId: 'a', messages: [1], at, due: at }], { pauses }))
      expect(claimedAt(3003)).to.deep.equal([])
      expect(kinds(evidence(C.collect, direct, [{ batchId: 'a', messages: [1], at: 1205 }]))).to.deep.equal(['split'])
    })

    it('that collects may make a batch larger than its cap, also of messages that waited before it', () => {
      // Four were sealed before the pause and waited behind an answer; the last one came after it.
      const sent = [600, 610, 620, 630, 640, 3100]
      const batch = [{ batchId: 'a', messages: [1, 2, 3, 4, 5, 6], at: 3110, by: 'maxMessages' }]
      expect(kinds(evidence(C.collect, sent, batch, { pauses: [pauseOf(C.collect, 'collect')] }))).to.deep.equal([])
      expect(kinds(evidence(C.collect, sent, batch))).to.deep.equal(['split'])
    })

    it('that collects loses nothing', () => {
      expect(kinds(evidence(C.collect, [1500], [], { pauses: [pauseOf(C.collect, 'collect')] }))).to.deep.equal([
        'lost',
      ])
    })

    it('that discards a message must not have it handed over', () => {
      const sent = [{ at: 1500, paused: 'yes' as const }]
      const pauses = [pauseOf(C.drop, 'drop')]
      expect(kinds(evidence(C.drop, sent, [], { pauses }))).to.deep.equal([])
      expect(kinds(evidence(C.drop, sent, [{ batchId: 'a', messages: [1], at: 3500 }], { pauses }))).to.include(
        'paused',
      )
    })

    it('discards no message whose answer says that it did not, and none that came later', () => {
      const lost = (sent: Partial<SentMessage> & { at: number }, more: Partial<Pause> = {}) =>
        kinds(evidence(C.drop, [sent], [], { pauses: [pauseOf(C.drop, 'drop', more)] }))
      expect(lost({ at: 1500, paused: 'no' })).to.deep.equal(['lost'])
      expect(lost({ at: 1500, paused: 'maybe' })).to.deep.equal([])
      expect(lost({ at: 4000, paused: 'maybe' })).to.deep.equal(['lost'])
      // It waited when the pause began.
      expect(lost({ at: 900, paused: 'no' })).to.deep.equal(['lost'])
      expect(lost({ at: 900, paused: 'no' }, { dropped: 1 })).to.deep.equal([])
    })

    it('moves the due time to its end, and a max wait further at most', () => {
      const due = (at: number) =>
        kinds(
          evidence(C.collect, [900], [{ batchId: 'a', messages: [1], at }], {
            pauses: [pauseOf(C.collect, 'collect')],
          }),
        )
      expect(due(4490)).to.deep.equal([])
      expect(due(4600)).to.deep.equal(['held'])
    })
  })

  describe('a hold', () => {
    const hold = (more: Partial<Hold> = {}): Hold => ({
      ...{ conversationId: C.hold, forMs: 1000, askedAtMs: 100, answeredAtMs: 105, ...more },
    })
    const claimedAt = (at: number, holds: Hold[], sent: (number | { at: number; voice: boolean })[] = [0]) =>
      kinds(evidence(C.hold, sent, [{ batchId: 'a', messages: [1], at }], { holds }))

    it('during which a batch was claimed is found, unless it was released or its answer was lost', () => {
      expect(claimedAt(500, [hold()])).to.deep.equal(['held'])
      expect(claimedAt(1105, [hold()])).to.deep.equal([])
      expect(claimedAt(500, [hold({ releaseAskedAtMs: 450 })])).to.deep.equal([])
      expect(claimedAt(500, [{ conversationId: C.hold, forMs: 1000, askedAtMs: 100 }])).to.deep.equal([])
    })

    it('ends with the longest hold, and the batch is due by then', () => {
      expect(claimedAt(2503, [hold({ forMs: 9000 })])).to.deep.equal([])
      expect(claimedAt(2520, [hold({ forMs: 9000 })])).to.deep.equal(['held'])
    })

    it('of a voice message keeps its batch', () => {
      expect(claimedAt(350, [], [{ at: 0, voice: true }])).to.deep.equal(['split'])
      expect(claimedAt(405, [], [{ at: 0, voice: true }])).to.deep.equal([])
    })

    it('is longer than the max wait only where conversations are held', () => {
      expect(kinds(evidence(C.plain, [0], [{ batchId: 'a', messages: [1], at: 1600 }]))).to.deep.equal(['held'])
    })
  })
})

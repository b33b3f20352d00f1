/** What a history says of its batches' lives: nothing that it does not show. */
import { expect } from 'chai'
import type { LifeRules } from '../../../src/history/draft.js'
import type { Life } from '../../../src/history/life.js'
import { livesOf } from '../../../src/history/lives.js'
import type { ConversationState, DeadBatch, HistoryEntry } from '../../../src/store/store.js'

const RULES: LifeRules = { quietGapMs: 3000, maxWaitMs: 60_000, order: 'serial' }

type Step = [atMs: number, step: string, batchId: string, detail?: Record<string, string>]

const historyOf = (steps: Step[]): HistoryEntry[] =>
  steps
    .map(([atMs, step, batchId, detail = {}], i) => ({
      id: `${atMs}-${i}`,
      atMs,
      step,
      batchId,
      conversationId: 'c',
      detail,
    }))
    .reverse()

const state = (given: Partial<ConversationState> = {}): ConversationState => ({
  conversationId: 'c',
  nowMs: 0,
  waiting: given.messages?.length ?? 0,
  messages: [],
  ...given,
})

const waiting = (batchId: string, ...times: number[]): ConversationState['messages'] =>
  times.map((receivedAtMs, i) => ({
    batchId,
    receivedAtMs,
    message: { messageId: `${batchId}m${i + 1}`, type: 'text' as const },
  }))

describe('lives', () => {
  const lives = (steps: Step[], nowMs: number, rules = RULES, now?: ConversationState) =>
    livesOf({ history: historyOf(steps), rules, nowMs, ...(now ? { state: now } : {}) })
  const phases = (life: Life | undefined): string[] =>
    (life?.phases ?? []).map(({ name, fromMs, toMs }) => `${name} ${fromMs}–${toMs}`)

  it('a batch that no processor claims is overdue, and held by no batch', () => {
    const at = (nowMs: number) => phases(lives([[0, 'opened', 'b1', { count: '1' }]], nowMs)[0])
    expect(at(2000)).to.deep.equal(['quietGap 0–2000'])
    expect(at(3500), 'its claim may be on its way').to.deep.equal(['quietGap 0–3000'])
    expect(at(15_800)).to.deep.equal(['quietGap 0–3000', 'overdue 3000–15800'])
  })

  it('a millisecond between its due time and the store’s is not a hold', () => {
    const steps: Step[] = [[1, 'opened', 'b1', { count: '1' }]]
    const open = { batchId: 'b1', count: 1, bytes: 2, firstAtMs: 0, lastAtMs: 0, dueAtMs: 3000, dueInMs: 0 }
    const reported = state({ messages: waiting('b1', 0), open, nowMs: 15_800, overdueForMs: 12_798 })
    const [life] = livesOf({ history: historyOf(steps), state: reported, rules: RULES, nowMs: 15_800 })
    expect(phases(life)).to.deep.equal(['quietGap 0–3000', 'overdue 3000–15800'])
  })

  it('a batch whose messages joined another one, as two conversations were one person’s, has ended as merged', () => {
    const steps: Step[] = [
      [0, 'opened', 'b1', { count: '1' }],
      [100, 'opened', 'b2', { count: '1' }],
      [200, 'merged', 'b1', { into: 'c', batch: 'b2' }],
      [200, 'merged', 'b2', { from: 'd', count: '1' }],
    ]
    const now = state({ messages: waiting('b2', 0, 100), nowMs: 300 })
    const [gone, stays] = lives(steps, 300, RULES, now)
    expect(gone).to.deep.include({ state: 'merged', endedAtMs: 200 })
    expect(stays).to.deep.include({ state: 'open' })
  })

  it('a batch that a merge moved under its own id goes on in the other conversation, and is not lost in the first', () => {
    const steps: Step[] = [
      [0, 'opened', 'b1', { count: '1' }],
      [100, 'sealed', 'b1', { reason: 'flush', count: '1' }],
      [200, 'merged', 'b1', { into: 'other' }],
    ]
    const there = { id: '300-9', atMs: 300, step: 'claimed', batchId: 'b1', conversationId: 'other', detail: {} }
    const rules = RULES
    const [before] = livesOf({ history: historyOf(steps), state: state({ nowMs: 250 }), rules, nowMs: 250 })
    expect(before?.state).to.equal('waiting')
    const [after] = livesOf({ history: [there, ...historyOf(steps)], rules, nowMs: 350 })
    expect(after).to.deep.include({ state: 'claimed', conversationId: 'other' })
  })

  it('a batch that waits behind an unanswered one is held, until that is answered', () => {
    const steps: Step[] = [
      [0, 'opened', 'b1'],
      [3002, 'claimed', 'b1', { reason: 'gap', count: '1', lateMs: '2' }],
      [3004, 'handed-over', 'b1'],
      [4000, 'opened', 'b2'],
    ]
    const held = ['quietGap 4000–7000', 'held 7000–20000']
    expect(phases(lives(steps, 20_000)[1])).to.deep.equal(held)
    const answered: Step[] = [...steps, [20_000, 'answered', 'b1']]
    expect(phases(lives(answered, 30_000)[1])).to.deep.equal([...held, 'overdue 20000–30000'])
    const claimed: Step[] = [...answered, [20_005, 'claimed', 'b2', { reason: 'gap', count: '1', lateMs: '4' }]]
    expect(phases(lives(claimed, 20_005)[1]).slice(0, 3)).to.deep.equal([
      'quietGap 4000–7000',
      'held 7000–20001',
      'waiting 20001–20005',
    ])
  })

  it('a batch that went by a rule of its conversation’s own is drawn by that rule, not by those of all', () => {
    const steps: Step[] = [
      [0, 'opened', 'b1'],
      [3002, 'claimed', 'b1', { reason: 'gap', count: '1', lateMs: '2' }],
      [3004, 'handed-over', 'b1'],
      [4000, 'opened', 'b2'],
      [20_000, 'answered', 'b1'],
      [20_005, 'claimed', 'b2', { reason: 'gap', count: '1', lateMs: '5', rule: 'quietGapMs=6000', scope: 'shop' }],
    ]
    const [, own] = lives(steps, 20_005)
    expect(own?.claimed?.rule).to.deep.equal({ name: 'quietGapMs', value: 6000, scope: 'shop' })
    expect(phases(own).slice(0, 2)).to.deep.equal(['quietGap 4000–10000', 'held 10000–20000'])
    expect(own?.dueAtMs).to.equal(10_000)
  })

  it('a batch that started early by a rule of its conversation’s own is due when its claim says', () => {
    const steps: Step[] = [
      [0, 'opened', 'b1'],
      [2000, 'claimed', 'b1', { reason: 'early', count: '1', lateMs: '0', dueInMs: '13000' }],
      [2004, 'handed-over', 'b1'],
    ]
    expect(lives(steps, 5000)[0]?.dueAtMs).to.equal(15_000)
  })

  it('in concurrent order the handover frees the next batch', () => {
    const steps: Step[] = [
      [0, 'opened', 'b1'],
      [3002, 'claimed', 'b1', { reason: 'gap', count: '1', lateMs: '2' }],
      [3004, 'handed-over', 'b1'],
      [4000, 'opened', 'b2'],
      [15_000, 'answered', 'b1'],
    ]
    expect(phases(lives(steps, 20_000, { ...RULES, order: 'concurrent' })[1])).to.deep.equal([
      'quietGap 4000–7000',
      'overdue 7000–20000',
    ])
  })

  it('a batch that was due by other rules than today’s has a quiet gap by its own times', () => {
    const [, life] = lives(
      [
        [0, 'opened', 'b0'],
        [10_001, 'claimed', 'b0', { reason: 'gap', count: '1', lateMs: '1' }],
        [10_002, 'handed-over', 'b0'],
        [12_000, 'answered', 'b0'],
        [20_000, 'opened', 'b1', { count: '1' }],
        [30_004, 'claimed', 'b1', { reason: 'gap', count: '1', lateMs: '4' }],
      ],
      30_004,
    )
    expect(phases(life)).to.deep.equal(['quietGap 20000–30000', 'waiting 30000–30004'])
  })

  it('an open batch has its messages and its due time from the state', () => {
    const now = state({
      open: { batchId: 'b1', count: 3, bytes: 0, firstAtMs: 0, lastAtMs: 8000, dueAtMs: 18_000, dueInMs: 0 },
      messages: waiting('b1', 0, 4000, 8000),
    })
    const at = (nowMs: number) => lives([[0, 'opened', 'b1', { count: '1' }]], nowMs, RULES, now)[0]
    expect(phases(at(15_000))).to.deep.equal(['collecting 0–8000', 'quietGap 8000–15000'])
    expect(phases(at(20_000))).to.deep.equal(['collecting 0–8000', 'quietGap 8000–18000', 'overdue 18000–20000'])
    expect(at(15_000)?.messages).to.deep.equal([
      { messageId: 'b1m1', atMs: 0 },
      { messageId: 'b1m2', atMs: 4000 },
      { messageId: 'b1m3', atMs: 8000 },
    ])
  })

  it('a drop ends every batch that waits', () => {
    const [first, second] = lives(
      [
        [0, 'opened', 'b1'],
        [100, 'sealed', 'b1', { reason: 'maxMessages', count: '100' }],
        [100, 'opened', 'b2'],
        [2000, 'dropped', 'b2', { count: '101' }],
      ],
      99_000,
    )
    expect([first?.endedAtMs, second?.endedAtMs]).to.deep.equal([2000, 2000])
    expect([first?.state, second?.state]).to.deep.equal(['dropped', 'dropped'])
    expect(phases(second)).to.deep.equal(['quietGap 100–2000'])
  })

  describe('waiting for the batch before', () => {
    const steps = (answeredAtMs: number, openedAtMs: number, claimedAtMs: number, lateMs: number): Step[] => [
      [0, 'opened', 'b1'],
      [3002, 'claimed', 'b1', { reason: 'gap', count: '1', lateMs: '2' }],
      [3004, 'handed-over', 'b1'],
      [openedAtMs, 'opened', 'b2'],
      [answeredAtMs, 'answered', 'b1'],
      [claimedAtMs, 'claimed', 'b2', { reason: 'gap', count: '1', lateMs: String(lateMs) }],
    ]

    it('is seen although the claim of many batches takes some milliseconds', () => {
      const [, life] = lives(steps(20_000, 4000, 20_012, 3), 20_012)
      expect(life?.waitedFor).to.equal('b1')
      expect(life?.dueAtMs).to.equal(7000)
    })

    it('is not inferred for a batch that became due just as another one was answered', () => {
      const [, life] = lives(steps(9001, 6000, 9004, 4), 9004)
      expect(life?.waitedFor).to.equal(undefined)
      expect(phases(life)[0]).to.equal('quietGap 6000–9000')
    })

    it('is not inferred from the late answer to a dead batch, which holds nothing', () => {
      const [, life] = lives(
        [
          [0, 'opened', 'b1'],
          [3002, 'claimed', 'b1', { reason: 'gap', count: '1', lateMs: '2' }],
          [3500, 'dead', 'b1', { attempt: '5', error: 'refused' }],
          [4000, 'opened', 'b2'],
          [9000, 'answered', 'b1', { outcome: 'completed', late: 'true' }],
          [9002, 'claimed', 'b2', { reason: 'gap', count: '1', lateMs: '2' }],
        ],
        9002,
      )
      expect(life?.waitedFor).to.equal(undefined)
    })

    it('names the batch that holds the conversation while it lasts', () => {
      const now = state({ messages: waiting('b2', 4000), heldBy: { batchId: 'b1', state: 'answering' } })
      const [, life] = lives(steps(0, 4000, 0, 0).slice(0, 4), 20_000, RULES, now)
      expect(life).to.include({ state: 'held', waitedFor: 'b1' })
      expect(life?.phases.at(-1)).to.deep.equal({ name: 'held', fromMs: 7000, toMs: 20_000, goesOn: true })
      expect(life).not.to.have.any.keys('wrong', 'changesAtMs')
    })
  })

  describe('where a batch is', () => {
    const opened: Step = [0, 'opened', 'b1', { count: '1', ids: '["b1m1"]' }]
    const claimed: Step = [3002, 'claimed', 'b1', { owner: 'p', reason: 'gap', count: '1', lateMs: '2' }]
    const only = (steps: Step[], nowMs: number, now?: ConversationState) => lives(steps, nowMs, RULES, now)[0]

    for (const [place, steps] of Object.entries<Step[]>({
      claimed: [opened, claimed],
      answering: [opened, claimed, [3004, 'handed-over', 'b1']],
      answered: [opened, claimed, [3004, 'handed-over', 'b1'], [4000, 'answered', 'b1', { outcome: 'completed' }]],
      dead: [opened, claimed, [4000, 'dead', 'b1', { attempt: '5', error: 'refused' }]],
      revoked: [opened, [1000, 'revoked', 'b1', { ids: '["b1m1"]' }]],
    }))
      it(`is ${place} by its last step`, () => {
        expect(only(steps, 5000)?.state).to.equal(place)
      })

    it('changes with time from open to waiting to overdue, at times that are named', () => {
      const read = (nowMs: number) => {
        const life = only([opened], nowMs)
        return [life?.state, life?.wrong?.kind, life?.changesAtMs]
      }
      expect(read(0)).to.deep.equal(['open', undefined, 3000])
      expect(read(3000)).to.deep.equal(['waiting', undefined, 5000])
      expect(read(5000)).to.deep.equal(['waiting', 'overdue', undefined])
    })

    it('is overdue for as long as the store says, whatever the rules of today are', () => {
      const now = state({ messages: waiting('b1', 0), overdueForMs: 59_000 })
      const life = only([opened], 60_000, now)
      expect(life).to.deep.include({ state: 'waiting', wrong: { kind: 'overdue', sinceMs: 1000 }, dueAtMs: 1000 })
    })

    it('is not held by a few milliseconds between the store’s clock and the reading’s', () => {
      const now = state({ messages: waiting('b1', 0), overdueForMs: 7000 })
      const life = lives([opened], 10_002, RULES, now)[0]
      expect(phases(life)).to.deep.equal(['quietGap 0–3000', 'overdue 3000–10002'])
    })

    it('is lost if it should wait and the store does not have it', () => {
      const life = only([opened], 60_000, state())
      expect(life).to.deep.include({ state: 'lost', wrong: { kind: 'lost' } })
      expect(life?.phases).to.deep.equal([{ name: 'quietGap', fromMs: 0, toMs: 3000 }])
      expect(only([opened], 60_000)?.state, 'without the state nothing is called lost').to.equal('waiting')
    })

    it('is not held by a batch that is lost', () => {
      const now = state({ messages: waiting('b2', 10_000) })
      const [first, second] = lives([opened, [10_000, 'opened', 'b2']], 20_000, RULES, now)
      expect([first?.state, second?.state, second?.wrong?.kind]).to.deep.equal(['lost', 'waiting', 'overdue'])
    })

    it('is still open if one of its messages was revoked and another one waits', () => {
      const now = state({ messages: waiting('b1', 500) })
      const life = only([opened, [1000, 'revoked', 'b1', { ids: '["b1m0"]' }]], 1500, now)
      expect(life?.state).to.equal('open')
    })
  })

  it('a redriven batch has a phase dead, and in that time neither handover nor quiet gap', () => {
    const [life] = lives(
      [
        [0, 'opened', 'b1'],
        [3002, 'claimed', 'b1', { reason: 'gap', count: '1', lateMs: '2' }],
        [4000, 'nacked', 'b1', { attempt: '1', delayMs: '1000', error: 'refused' }],
        [5000, 'reclaimed', 'b1', { attempt: '2' }],
        [6000, 'dead', 'b1', { attempt: '2', error: 'refused again' }],
        [60_000, 'redriven', 'b1', { count: '1' }],
        [60_003, 'claimed', 'b1', { reason: 'gap', count: '1', lateMs: '3' }],
        [60_010, 'handed-over', 'b1'],
        [61_000, 'answered', 'b1', { outcome: 'completed' }],
      ],
      99_000,
    )
    expect(phases(life)).to.deep.equal([
      'quietGap 0–3000',
      'waiting 3000–3002',
      'handover 3002–6000',
      'dead 6000–60000',
      'waiting 60000–60003',
      'handover 60003–60010',
      'answering 60010–61000',
    ])
    expect(life).to.deep.include({ state: 'answered', attempts: 1, error: 'refused again', endedAtMs: 61_000 })
    expect(life?.claimed?.atMs).to.equal(3002)
  })

  it('a dead batch that was discarded is dropped, also if the history knows no earlier step', () => {
    const discarded: Parameters<typeof lives>[0][number] = [60_000, 'discarded', 'b1', { count: '1', by: 'lull.dead' }]
    const [life] = lives(
      [
        [0, 'opened', 'b1'],
        [3000, 'claimed', 'b1', { reason: 'gap', count: '1', lateMs: '0' }],
        [6000, 'dead', 'b1', { attempt: '1', error: 'refused' }],
        discarded,
      ],
      99_000,
    )
    expect(life).to.deep.include({ state: 'dropped', endedAtMs: 60_000, error: 'refused' })
    expect(phases(life).at(-1)).to.equal('dead 6000–60000')
    expect(lives([discarded], 99_000)[0]).to.deep.include({ state: 'dropped' })
  })

  it('a dead batch that the history has forgotten is known from the store', () => {
    const batch: DeadBatch['batch'] = {
      version: 1,
      batchId: 'b1',
      conversationId: 'c',
      chatId: 'c',
      isGroup: false,
      provider: 'generic',
      messages: [{ messageId: 'm1', type: 'text', receivedAtMs: 1000 }],
      text: '',
      firstAtMs: 1000,
      lastAtMs: 1000,
      dueAtMs: 4000,
      releasedAtMs: 4002,
      releasedBy: 'gap',
    }
    const dead = { batchId: 'b1', conversationId: 'c', attempts: 5, error: 'refused', diedAtMs: 9000, batch }
    const [life] = livesOf({ history: [], dead: [dead], rules: RULES, nowMs: 10_000 })
    expect(life).to.deep.include({ state: 'dead', attempts: 5, error: 'refused', isCut: true })
    expect(life?.messages).to.deep.equal([{ messageId: 'm1', atMs: 1000 }])
  })

  it('stay the same through JSON', () => {
    const all = lives(
      [
        [0, 'edited', 'b0'],
        [0, 'opened', 'b1', { count: '2', ids: '["m1"]' }],
      ],
      100,
    )
    expect(JSON.parse(JSON.stringify(all))).to.deep.equal(all)
  })

  describe('of answers that newer messages supersede', () => {
    const arrivals = (firstAtMs: number, at: number[]) => ({
      ids: JSON.stringify(at.map((_, i) => `m${i + 1}`)),
      at: JSON.stringify(at),
      firstAtMs: String(firstAtMs),
    })
    const early = (count: number, at: number[]) => ({
      owner: 'p',
      reason: 'early',
      count: String(count),
      lateMs: '0',
      ...arrivals(0, at),
    })
    const STEPS: Step[] = [
      [0, 'opened', 'b1', { count: '1', ids: '["m1"]' }],
      [500, 'claimed', 'b1', early(1, [0])],
      [501, 'handed-over', 'b1', { owner: 'p' }],
      [900, 'opened', 'b2', { count: '2', ids: '["m1"]', supersedes: 'b1' }],
      [900, 'superseded', 'b1', { count: '1', by: 'b2' }],
      [1400, 'claimed', 'b2', early(2, [0, 900])],
      [1401, 'handed-over', 'b2', { owner: 'p' }],
      [3900, 'committed', 'b2'],
      [4100, 'answered', 'b2', { outcome: 'completed' }],
    ]

    it('name what superseded a batch, and end with that', () => {
      const [first] = lives(STEPS, 5000)
      expect(first).to.deep.include({ state: 'superseded', supersededBy: 'b2', endedAtMs: 900, dueAtMs: 3000 })
      expect(phases(first)).to.deep.equal(['quietGap 0–500', 'handover 500–501', 'answering 501–900'])
    })

    it('begin, for the batch that replaced it, when it did, with the messages at their own times', () => {
      const [, second] = lives(STEPS, 5000)
      expect(second).to.deep.include({ supersedes: ['b1'], firstAtMs: 900, lastAtMs: 900, committedAtMs: 3900 })
      expect(second?.messages).to.deep.equal([
        { messageId: 'm1', atMs: 0 },
        { messageId: 'm2', atMs: 900 },
      ])
      expect(phases(second)).to.deep.equal([
        'quietGap 900–1400',
        'handover 1400–1401',
        'answering 1401–3900',
        'committed 3900–4100',
      ])
      expect(second?.dueAtMs).to.equal(3900)
    })

    it('keep the max wait of the first message', () => {
      const [, second] = lives(STEPS.slice(0, 6), 5000, { ...RULES, maxWaitMs: 3500 })
      expect(second?.dueAtMs).to.equal(3500)
    })

    it('are committed while the answer is sent, also where a function is handed the batch at its end', () => {
      const [, second] = lives(STEPS.slice(0, 8), 4000)
      expect(second?.state).to.equal('committed')
      const ofFunction = STEPS.filter(([, step]) => step !== 'handed-over')
      const [, after] = lives([...ofFunction.slice(0, 6), [4099, 'handed-over', 'b2', { owner: 'p' }]], 4100)
      expect(after?.state).to.equal('committed')
      const [, again] = lives([...ofFunction.slice(0, 6), [4000, 'nacked', 'b2', { error: 'no', attempt: '1' }]], 4100)
      expect(again?.state).to.equal('claimed')
    })

    it('name nothing where the messages were discarded', () => {
      const [first] = lives([...STEPS.slice(0, 3), [900, 'superseded', 'b1', { count: '1' }]], 5000)
      expect(first).to.include({ state: 'superseded' })
      expect(first).not.to.have.property('supersededBy')
    })
  })
})

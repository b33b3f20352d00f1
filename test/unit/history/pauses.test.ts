/** What a history says of pauses, and of the batches that collected during them. */
import { expect } from 'chai'
import type { LifeRules } from '../../../src/history/draft.js'
import type { Life } from '../../../src/history/life.js'
import { livesOf } from '../../../src/history/lives.js'
import { pausesOf } from '../../../src/history/pauses.js'
import { livesOfConversation, lostBatches, recentLives } from '../../../src/history/reading.js'
import { rulesFrom } from '../../../src/rules.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import type { HistoryEntry } from '../../../src/store/store.js'

const RULES: LifeRules = { quietGapMs: 3000, maxWaitMs: 60_000, order: 'serial' }
const CHAT = 'shop/79990000011@c.us'

type Step = [atMs: number, step: string, batchId: string, detail?: Record<string, string>]

/** Oldest first. */
const historyOf = (steps: Step[]): HistoryEntry[] =>
  steps.map(([atMs, step, batchId, detail = {}], i) => ({
    id: `${atMs}-${i}`,
    atMs,
    step,
    batchId,
    conversationId: CHAT,
    detail,
  }))

const pause = (atMs: number, untilMs: number, keep: string, batchId = ''): Step => [
  atMs,
  'pause',
  batchId,
  { untilMs: String(untilMs), keep, by: 'lull.pause.vm.1' },
]
const paused = (atMs: number, batchId: string, ...ids: string[]): Step => [
  atMs,
  'paused',
  batchId,
  { count: String(ids.length), ids: JSON.stringify(ids) },
]
const resumed = (atMs: number, batchId = ''): Step => [atMs, 'resumed', batchId, { by: 'lull.resume.vm.2' }]

describe('pauses in a history', () => {
  const pauses = (steps: Step[], nowMs: number) => pausesOf(historyOf(steps), nowMs)
  const lives = (steps: Step[], nowMs: number) => livesOf({ history: historyOf(steps).reverse(), rules: RULES, nowMs })
  const phases = (life: Life | undefined): string[] =>
    (life?.phases ?? []).map(({ name, fromMs, toMs }) => `${name} ${fromMs}–${toMs}`)

  it('have the messages that came and were dropped, and go on', () => {
    const steps = [pause(1000, 9000, 'drop'), paused(2000, 'p1', 'm1', 'm2'), paused(3000, 'p2', 'm3')]
    const [one, ...others] = pauses(steps, 5000)
    expect(others).to.deep.equal([])
    expect(one).to.deep.include({ fromMs: 1000, untilMs: 9000, keep: 'drop', by: 'lull.pause.vm.1', dropped: 3 })
    expect(one?.messages).to.deep.equal([
      { messageId: 'm1', atMs: 2000 },
      { messageId: 'm2', atMs: 2000 },
      { messageId: 'm3', atMs: 3000 },
    ])
    expect(one).to.not.have.any.keys('endedAtMs', 'resumedBy')
    expect(one?.steps.map(({ step }) => step)).to.deep.equal(['pause', 'paused', 'paused'])
  })

  it('end by their time, or earlier with a resume', () => {
    const [first, second] = pauses([pause(1000, 9000, 'drop'), pause(20_000, 29_000, 'drop'), resumed(21_000)], 50_000)
    expect(first).to.include({ endedAtMs: 9000 }).and.not.have.property('resumedBy')
    expect(second).to.include({ endedAtMs: 21_000, resumedBy: 'lull.resume.vm.2' })
  })

  it('that are prolonged or shortened are one', () => {
    const [one, ...others] = pauses([pause(1000, 9000, 'drop'), pause(5000, 7000, 'collect')], 6000)
    expect(others).to.deep.equal([])
    expect(one).to.include({ fromMs: 1000, untilMs: 7000, keep: 'collect' })
  })

  it('are known by their dropped messages if the history does not reach back to their beginning', () => {
    expect(pauses([paused(2000, 'p1', 'm1')], 5000)[0])
      .to.include({ fromMs: 2000, dropped: 1 })
      .and.not.have.any.keys('untilMs', 'endedAtMs')
  })

  it('are no batches, nor are the messages that they dropped', () => {
    const steps = [pause(1000, 9000, 'drop'), paused(2000, 'p1', 'm1'), resumed(3000)]
    expect(lives(steps, 5000)).to.deep.equal([])
    const batch: Step[] = [
      [0, 'opened', 'b1', { count: '1', ids: '["m0"]' }],
      [999, 'dropped', 'b1', { count: '1', by: 'lull.pause.vm.1' }],
    ]
    expect(lives([...batch, ...steps], 5000).map(({ batchId, state }) => [batchId, state])).to.deep.equal([
      ['b1', 'dropped'],
    ])
  })

  it('that collect are a phase of the batch, which their end releases', () => {
    const steps: Step[] = [
      [0, 'opened', 'b1', { count: '1', ids: '["m1"]' }],
      pause(1000, 20_000, 'collect', 'b1'),
      [
        20_003,
        'claimed',
        'b1',
        { reason: 'gap', count: '2', lateMs: '3', ids: '["m1","m2"]', at: '[0,5000]', firstAtMs: '0' },
      ],
    ]
    const [life] = lives(steps, 30_000)
    expect(life).to.include({ pauseEndedAtMs: 20_000, dueAtMs: 20_000 })
    expect(phases(life)).to.deep.equal([
      'collecting 0–5000',
      'paused 5000–20000',
      'waiting 20000–20003',
      'handover 20003–30000',
    ])
    expect(life?.steps.map(({ step }) => step)).to.deep.equal(['opened', 'pause', 'appended', 'claimed'])
  })

  it('that end within the quiet gap of the last message do not release the batch', () => {
    const steps: Step[] = [
      pause(0, 20_000, 'collect'),
      [19_000, 'opened', 'b1', { count: '1', ids: '["m1"]' }],
      [
        22_000,
        'claimed',
        'b1',
        { reason: 'gap', count: '1', lateMs: '0', ids: '["m1"]', at: '[0]', firstAtMs: '19000' },
      ],
    ]
    const [life] = lives(steps, 22_000)
    expect(life).to.not.have.property('pauseEndedAtMs')
    expect(phases(life)).to.deep.equal(['paused 19000–20000', 'quietGap 20000–22000'])
  })

  it('that collect put off the due time of a batch whose state is not known, but not of one that was flushed', () => {
    const steps: Step[] = [pause(0, 20_000, 'collect'), [1000, 'opened', 'b1', { count: '1', ids: '["m1"]' }]]
    const [open] = lives(steps, 15_000)
    expect(open).to.include({ state: 'open', dueAtMs: 20_000 }).and.not.have.property('wrong')
    expect(open?.phases).to.deep.equal([{ name: 'paused', fromMs: 1000, toMs: 15_000, goesOn: true }])
    const [flushed] = lives([...steps, [2000, 'sealed', 'b1', { reason: 'flush', count: '1' }]], 15_000)
    expect(flushed?.wrong).to.deep.equal({ kind: 'overdue', sinceMs: 2000 })
  })

  describe('of a store', () => {
    let store: MemoryStore
    let clock: number
    beforeEach(() => {
      clock = 1_795_490_000_000
      store = new MemoryStore({ ...rulesFrom({ quietGapMs: 3000 }), now: () => clock })
    })
    const append = (messageId: string) =>
      store.append({ conversationId: CHAT, messages: [{ messageId, type: 'text' }] })
    const claim = () => store.claim({ owner: 'lull.processor.vm.3', maxBatches: 10, maxBytes: 1e6 })

    it('leave no batch that counts as lost, overdue or dropped twice', async () => {
      await append('m1')
      clock += 10
      await store.pause(CHAT, { forMs: 5000, keep: 'drop' })
      await append('m2')
      await store.resume(CHAT)
      clock += 1000
      await store.pause(CHAT, { forMs: 500_000, keep: 'collect' })
      await append('m3')
      const { lives, pauses } = await livesOfConversation(store, CHAT, 10)
      expect(lives.map(({ state, count, wrong }) => [state, count, wrong])).to.deep.equal([
        ['open', 1, undefined],
        ['dropped', 1, undefined],
      ])
      expect(pauses.map(({ keep, dropped, collected }) => [keep, dropped, collected])).to.deep.equal([
        ['collect', 0, 1],
        ['drop', 1, 0],
      ])
      expect(pauses[1]?.messages.map(({ messageId }) => messageId)).to.deep.equal(['m2'])
      expect(await lostBatches(store, await store.history({ limit: 100 }))).to.deep.equal([])
      expect((await recentLives(store, 10)).lives).to.have.length(2)
    })

    it('release what they collected by their end', async () => {
      await store.pause(CHAT, { forMs: 5000, keep: 'collect' })
      await append('m1')
      clock += 5000
      expect((await claim()).batches).to.have.length(1)
      const [life] = (await livesOfConversation(store, CHAT, 10)).lives
      const [one] = (await livesOfConversation(store, CHAT, 10)).pauses
      expect(life?.pauseEndedAtMs).to.equal(one?.endedAtMs)
    })

    it('make one batch of all that waits, with each message once', async () => {
      await append('m1')
      clock += 1000
      await store.flush(CHAT)
      await append('m2')
      clock += 1000
      await store.pause(CHAT, { forMs: 500_000, keep: 'collect' })
      await append('m3')
      const { lives } = await livesOfConversation(store, CHAT, 10)
      expect(lives.map(({ state, count }) => [state, count])).to.deep.equal([
        ['open', 3],
        ['superseded', 1],
      ])
      expect(lives[0]?.messages.map(({ messageId }) => messageId)).to.deep.equal(['m1', 'm2', 'm3'])
    })

    it('make a batch that was deleted by another program lost', async () => {
      await append('m1')
      await store.pause(CHAT, { forMs: 500_000, keep: 'collect' })
      const state = await store.conversation(CHAT)
      const history = await store.history({ conversationId: CHAT, limit: 10 })
      const emptied = { ...state, waiting: 0, messages: [] }
      const { open: _, ...withoutOpen } = emptied
      const lives = livesOf({ history, state: withoutOpen, rules: store.rules, nowMs: state.nowMs })
      expect(lives.map(life => life.state)).to.deep.equal(['lost'])
    })
  })
})

/** What the page says that a batch's time went on: nothing that its history does not show. */
import { expect } from 'chai'

// As the browser gets it: without types.
const { addWaiting, livesOf, phasesOf } = await import(new URL('../../../src/dashboard/lives.js', import.meta.url).href)

const RULES = { quietGapMs: 3000, maxWaitMs: 60_000, order: 'serial' }

type Step = [atMs: number, step: string, batchId: string, detail?: Record<string, string>]

describe('page: lives', () => {
  const lives = (steps: Step[], rules = RULES) =>
    livesOf(
      steps
        .map(([atMs, step, batchId, detail = {}]) => ({ atMs, step, batchId, conversationId: 'c', detail }))
        .reverse(),
      rules,
    )
  const phases = (life: unknown, nowMs: number): string[] =>
    phasesOf(life, nowMs).map(
      ({ name, fromMs, toMs }: { name: string; fromMs: number; toMs: number }) => `${name} ${fromMs}–${toMs}`,
    )

  it('a batch that nobody takes is overdue, and not held by one that never was', () => {
    const [life] = lives([[0, 'opened', 'b1', { count: '1' }]])
    expect(phases(life, 2000)).to.deep.equal(['phaseQuiet 0–2000'])
    expect(phases(life, 3500), 'its claim may be on its way').to.deep.equal(['phaseQuiet 0–3000'])
    expect(phases(life, 15_800)).to.deep.equal(['phaseQuiet 0–3000', 'phaseOverdue 3000–15800'])
  })

  it('a batch that waits behind an unanswered one is held, until that is answered', () => {
    const steps: Step[] = [
      [0, 'opened', 'b1'],
      [3002, 'claimed', 'b1', { reason: 'gap', count: '1', lateMs: '2' }],
      [3004, 'handed-over', 'b1'],
      [4000, 'opened', 'b2'],
    ]
    const held = ['phaseQuiet 4000–7000', 'phaseHeld 7000–20000']
    expect(phases(lives(steps)[1], 20_000)).to.deep.equal(held)
    const answered: Step[] = [...steps, [20_000, 'answered', 'b1']]
    expect(phases(lives(answered)[1], 30_000)).to.deep.equal([...held, 'phaseOverdue 20000–30000'])
    const claimed: Step[] = [...answered, [20_005, 'claimed', 'b2', { reason: 'gap', count: '1', lateMs: '4' }]]
    expect(phases(lives(claimed)[1], 20_005)).to.deep.equal([
      'phaseQuiet 4000–7000',
      'phaseHeld 7000–20001',
      'phaseLate 20001–20005',
    ])
  })

  it('in concurrent order the handover frees the next one', () => {
    const steps: Step[] = [
      [0, 'opened', 'b1'],
      [3002, 'claimed', 'b1', { reason: 'gap', count: '1', lateMs: '2' }],
      [3004, 'handed-over', 'b1'],
      [4000, 'opened', 'b2'],
      [15_000, 'answered', 'b1'],
    ]
    expect(phases(lives(steps, { ...RULES, order: 'concurrent' })[1], 20_000)).to.deep.equal([
      'phaseQuiet 4000–7000',
      'phaseOverdue 7000–20000',
    ])
  })

  it('a batch that waited by other rules than today’s waited for silence', () => {
    const [, life] = lives([
      [0, 'opened', 'b0'],
      [10_001, 'claimed', 'b0', { reason: 'gap', count: '1', lateMs: '1' }],
      [10_002, 'handed-over', 'b0'],
      [12_000, 'answered', 'b0'],
      [20_000, 'opened', 'b1', { count: '1' }],
      [30_004, 'claimed', 'b1', { reason: 'gap', count: '1', lateMs: '4' }],
    ])
    expect(phases(life, 30_004)).to.deep.equal(['phaseQuiet 20000–30000', 'phaseLate 30000–30004'])
  })

  it('what the history does not say of a batch that waits is asked for: its messages, and when it is due', () => {
    const all = lives([[0, 'opened', 'b1', { count: '1' }]])
    addWaiting(all, {
      open: { batchId: 'b1', count: 3, dueAtMs: 18_000 },
      messages: [0, 4000, 8000].map(receivedAtMs => ({ batchId: 'b1', receivedAtMs })),
    })
    expect(phases(all[0], 15_000)).to.deep.equal(['phaseCollect 0–8000', 'phaseQuiet 8000–15000'])
    expect(phases(all[0], 20_000)).to.deep.equal([
      'phaseCollect 0–8000',
      'phaseQuiet 8000–18000',
      'phaseOverdue 18000–20000',
    ])
  })

  it('what is discarded takes with it all that waits', () => {
    const [first, second] = lives([
      [0, 'opened', 'b1'],
      [100, 'sealed', 'b1', { reason: 'maxMessages', count: '100' }],
      [100, 'opened', 'b2'],
      [2000, 'dropped', 'b2', { count: '101' }],
    ])
    expect([first.droppedMs, second.droppedMs]).to.deep.equal([2000, 2000])
    expect(phases(second, 99_000)).to.deep.equal(['phaseQuiet 100–2000'])
  })
})

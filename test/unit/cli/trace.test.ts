/** What `lull trace` and `lull watch` print for a history. */
import { expect } from 'chai'
import { linesOf, stateLine, summaryLine } from '../../../src/cli/show/life.js'
import { plain } from '../../../src/cli/show/paint.js'
import { pauseLines } from '../../../src/cli/show/pause.js'
import { duration, saying, zone } from '../../../src/cli/show/words.js'
import { lineFor } from '../../../src/cli/watch.js'
import { livesOf as read } from '../../../src/history/lives.js'
import { pausesOf } from '../../../src/history/pauses.js'
import { rulesFrom } from '../../../src/rules.js'
import type { ConversationState, HistoryEntry } from '../../../src/store/store.js'

const START_MS = 1_795_490_000_000
const OWNER = 'lull.processor.shop1.4712.0bc41f'

let sequence = 0
const entry = (afterMs: number, step: string, batchId: string, detail: Record<string, string> = {}): HistoryEntry => ({
  id: `${START_MS + afterMs}-${sequence++}`,
  atMs: START_MS + afterMs,
  step,
  conversationId: 'shop/79990000011@c.us',
  batchId,
  detail,
})

const livesOf = (history: HistoryEntry[], state?: ConversationState) =>
  read({ history, rules: rulesFrom(), nowMs: START_MS + 60_000, ...(state ? { state } : {}) })

/** Two batches; the second one was due while the first was being answered. Newest first, as the store returns them. */
const HISTORY = [
  entry(0, 'opened', 'b1', { count: '1', ids: '["wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI0QzE4RDI1"]' }),
  entry(1005, 'appended', 'b1', { count: '2', ids: '["m2"]' }),
  entry(11_006, 'claimed', 'b1', { owner: OWNER, reason: 'gap', count: '2', lateMs: '1' }),
  entry(11_010, 'handed-over', 'b1', { owner: OWNER }),
  entry(12_000, 'opened', 'b2', { count: '1', ids: '["m3"]' }),
  entry(30_000, 'answered', 'b1', { outcome: 'completed' }),
  entry(30_002, 'claimed', 'b2', { owner: OWNER, reason: 'maxWait', count: '1', lateMs: '2' }),
].reverse()

describe('trace', () => {
  it('shows which processor claimed each batch, when, why then, and what it had waited for', () => {
    const [first, second] = livesOf(HISTORY)
    expect(first?.claimed).to.deep.equal({ by: OWNER, atMs: START_MS + 11_006, reason: 'gap', lateMs: 1 })
    expect(first?.waitedFor).to.equal(undefined)
    expect(second?.claimed).to.deep.equal({ by: OWNER, atMs: START_MS + 30_002, reason: 'maxWait', lateMs: 2 })
    expect(second?.waitedFor).to.equal('b1')
  })

  it('fits into 80 columns, with the answer first, then each step, its time and its distance from the one before', () => {
    const lines = livesOf(HISTORY).flatMap(life => linesOf(life, plain))
    expect(lines.filter(line => line.length > 80)).to.deep.equal([])
    expect(lines[1]).to.equal(`  claimed by ${OWNER}`)
    expect(lines[2]).to.match(/^ {2}at \d\d:\d\d:\d\d\.\d{3} because the quiet gap had ended \(gap\), 1 ms late$/)
    expect(lines.some(line => /\+1\.00 s|\+1\.01 s/.test(line) && line.includes('appended'))).to.equal(true)
    expect(lines.some(line => line.includes('it waited for batch b1'))).to.equal(true)
  })

  it('says what the open batch waits for, and that the person is typing', () => {
    const state: ConversationState = {
      conversationId: 'a',
      nowMs: START_MS,
      waiting: 1,
      messages: [{ batchId: 'b1', receivedAtMs: START_MS, message: { messageId: 'v1', type: 'voice' } }],
      isTyping: true,
      typedAgoMs: 900,
      holds: [
        { key: 'invoice', inMs: 5000 },
        { key: 'v1', inMs: 14_000, ofMessage: true },
      ],
    }
    expect(stateLine(state)).to.equal(
      'now: 1 message waits; is typing; waits for invoice, at most 5.00 s more; ' +
        'waits for the text of a voice note, at most 14.0 s more',
    )
  })

  it('has words for holds and typing', () => {
    const words = (step: string, detail: Record<string, string>) => saying(entry(0, step, 'b1', detail))
    expect(words('held', { key: '"m1"', forMs: '20000' })).to.equal('waits for the text of message m1, at most 20.0 s')
    expect(words('unheld', { key: 'invoice' })).to.equal('no longer waits for invoice')
    expect(words('extended', { byMs: '-2000' })).to.equal('the typing has ended: due 2.00 s earlier')
  })

  it('names the rule of its conversation’s own that released a batch, and the scope of that rule', () => {
    const steps = (reason: string, rule: string, scope: string) =>
      livesOf(
        [
          entry(0, 'opened', 'b1', { count: '1' }),
          entry(6001, 'claimed', 'b1', { owner: OWNER, reason, count: '1', lateMs: '1', rule, scope }),
        ].reverse(),
      ).flatMap(life => linesOf(life, plain))
    for (const [reason, rule, scope, why] of [
      ['gap', 'quietGapMs=6000', 'shop', 'the quiet gap of 6 s (shop) had ended (gap)'],
      ['gap', 'typingGapMs=4500', '*', 'nobody had typed for 4.50 s (*) (gap)'],
      ['maxWait', 'maxWaitMs=90000', 'hook', 'the max wait of 1 min 30 s (hook) was reached (maxWait)'],
      ['early', 'earlyStartMs=2000', 'caller', 'it started before its due time, after 2 s (caller) (early)'],
    ] as const) {
      const lines = steps(reason, rule, scope)
      expect(lines.join('\n')).to.include(`because ${why}, 1 ms late`)
      expect(lines.join(' ').replace(/\s+/g, ' ')).to.include(`${rule} of ${scope}, 1 message`)
    }
    expect(steps('gap', 'tomorrowsRule=7', 'shop').join('\n')).to.include('because the quiet gap had ended (gap)')
    expect(steps('gap', 'quietGapMs=6000', 'a\u001b[2J$&').join('\n')).to.include('(a [2J$&)')
  })

  it('names the cap of its conversation’s own that sealed a batch', () => {
    const lines = livesOf(
      [
        entry(0, 'opened', 'b1', { count: '2' }),
        entry(1, 'sealed', 'b1', { reason: 'maxMessages', count: '2', rule: 'maxMessages=2', scope: 'shop' }),
        entry(2, 'claimed', 'b1', { owner: OWNER, reason: 'maxMessages', count: '2', lateMs: '1' }),
      ].reverse(),
    ).flatMap(life => linesOf(life, plain))
    expect(lines.join('\n')).to.include('because it held 2 messages, as many as a batch may (shop) (maxMessages)')
    expect(lines.join(' ').replace(/\s+/g, ' ')).to.include('maxMessages, maxMessages=2 of shop, 2 messages')
  })

  it('says that no processor has claimed a batch, or that it was discarded', () => {
    const waiting = livesOf([entry(0, 'opened', 'b1', { count: '1' })])
    expect(waiting.flatMap(life => linesOf(life, plain))[1]).to.equal('  no processor has claimed it yet')
    const dropped = livesOf([entry(5, 'dropped', 'b1', { count: '1', by: 'lull.drop.x.1' }), entry(0, 'opened', 'b1')])
    expect(dropped.flatMap(life => linesOf(life, plain))[1]).to.equal('  discarded before a processor claimed it')
  })

  describe('of a pause', () => {
    const pause = (keep: string, afterMs = 0) =>
      entry(afterMs, 'pause', '', { untilMs: String(START_MS + 600_000), keep, by: 'lull.pause.vm.1.0bc41f' })
    const linesAt = (nowMs: number, ...steps: HistoryEntry[]) =>
      pausesOf(steps, START_MS + nowMs).flatMap(one => pauseLines(one, plain))
    const TIME = String.raw`\d\d:\d\d:\d\d`

    it('says who took over, until when, and what became of the messages that came', () => {
      const paused = entry(1000, 'paused', 'p1', { count: '3', ids: '["m1","m2","m3"]' })
      const lines = linesAt(2000, pause('drop'), paused)
      expect(lines[0]).to.match(/^pause {2}\d{4}-\d\d-\d\d, UTC/)
      expect(lines[1]).to.match(new RegExp(`^  from ${TIME} until ${TIME} by pause\\.vm\\.1, and goes on$`))
      expect(lines[2]).to.equal('  3 messages came and were dropped')
      expect(lines[3]).to.match(new RegExp(`  pause +until ${TIME}, what comes is dropped,`))
      expect(lines.find(line => line.includes('  paused '))).to.match(/3 messages dropped$/)
      expect(lines.filter(line => line.length > 80)).to.deep.equal([])
    })

    it('says that it has ended, by itself or by whom', () => {
      expect(linesAt(700_000, pause('collect'))[1]).to.match(new RegExp(`^  from ${TIME} until ${TIME} by pause.vm.1$`))
      expect(linesAt(700_000, pause('collect'))[2]).to.equal('  no message came')
      const resumed = entry(5000, 'resumed', '', { by: 'lull.api.vm.2.0bc41f' })
      expect(linesAt(700_000, pause('drop'), resumed)[1]).to.match(/ by pause\.vm\.1, ended by api\.vm\.2$/)
    })

    it('says of a batch that the end of the pause released it', () => {
      const lines = livesOf([
        entry(600_001, 'claimed', 'b1', { owner: OWNER, reason: 'gap', count: '1', lateMs: '1' }),
        entry(1000, 'opened', 'b1', { count: '1' }),
        pause('collect'),
      ]).flatMap(life => linesOf(life, plain))
      expect(lines[2]).to.match(/ because the pause had ended \(gap\), 1 ms late$/)
    })

    it('is said of its conversation now', () => {
      const paused = { untilMs: START_MS + 60_000, inMs: 60_000, keep: 'drop' } as const
      const state = { conversationId: 'c', nowMs: START_MS, waiting: 0, messages: [], paused }
      expect(stateLine(state)).to.equal('now: paused for 1 min more')
    })
  })

  it('says that a batch joined another one, and where the messages of one person’s other id went and came from', () => {
    const into = entry(5, 'merged', 'b1', { into: 'shop/1@c.us', batch: 'b2' })
    const lines = livesOf([into, entry(0, 'opened', 'b1')]).flatMap(life => linesOf(life, plain))
    expect(lines[1]).to.equal('  its messages joined another batch: two conversations of one person were merged')
    expect(saying(into)).to.equal('into shop/1@c.us, as both are one person, joined batch b2')
    const from = entry(5, 'merged', 'b2', { from: 'shop/2@lid', count: '1' })
    expect(saying(from)).to.equal('1 message of shop/2@lid, as both are one person')
  })

  describe('of an answer that newer messages superseded', () => {
    const early = (count: string, at: string) => ({
      owner: OWNER,
      reason: 'early',
      count,
      lateMs: '1',
      ids: '["m1","m2"]',
      at,
      firstAtMs: String(START_MS),
    })
    const SUPERSEDED = [
      entry(0, 'opened', 'b1', { count: '1', ids: '["m1"]' }),
      entry(2001, 'claimed', 'b1', early('1', '[0]')),
      entry(5000, 'opened', 'b2', { count: '2', ids: '["m1"]', supersedes: 'b0 b1' }),
      entry(5000, 'superseded', 'b1', { count: '1', by: 'b2' }),
      entry(7001, 'claimed', 'b2', early('2', '[0,5000]')),
      entry(15_000, 'committed', 'b2'),
      entry(15_900, 'answered', 'b2', { outcome: 'completed' }),
    ].reverse()

    it('says which batch has its messages, and shows its early start as provisional', () => {
      const [first] = livesOf(SUPERSEDED)
      const lines = linesOf(first!, plain)
      expect(lines[2]).to.match(/ because it started before its due time \(early\), 1 ms late$/)
      expect(lines[3]).to.equal('  it was superseded: batch b2 has its messages')
      expect(lines.join('\n')).to.match(/claimed {6}early \(provisional\), 1 message/)
      expect(lines.at(-1)).to.match(/\+3\.00 s {2}superseded {3}1 message, now in batch b2$/)
      expect(lines.filter(line => line.length > 80)).to.deep.equal([])
    })

    it('says what the next batch replaced, how many messages came back, and when it was committed', () => {
      const [, second] = livesOf(SUPERSEDED)
      const lines = linesOf(second!, plain)
      expect(lines[1]).to.equal('  it replaced batch b1')
      const opened = / {15}opened {7}with 2 messages, 1 of them back from\n +batch b1\n {16}m1\n {16}m2$/
      expect(lines.slice(4, 8).join('\n')).to.match(opened)
      expect(lines.join('\n')).to.match(/\+8\.00 s {2}committed {4}its answer may be sent\n/)
      expect(lines.filter(line => line.length > 80)).to.deep.equal([])
    })

    it('says that the messages were discarded where a drop superseded it', () => {
      const [life] = livesOf([entry(9, 'superseded', 'b1', { count: '1' }), ...SUPERSEDED.slice(-2)])
      expect(linesOf(life!, plain)[3]).to.equal('  it was superseded: its messages were discarded')
      expect(saying(life!.steps.at(-1)!)).to.equal('1 message, discarded')
    })
  })

  it('says that messages are gone only if they should wait and the store does not have them', () => {
    const [opened, sealed] = [entry(0, 'opened', 'b1'), entry(1, 'sealed', 'b1', { reason: 'flush' })]
    const [dropped, later] = [entry(2, 'dropped', 'b0'), entry(3, 'opened', 'b2')]
    const state = { conversationId: opened.conversationId, nowMs: 0, waiting: 0, messages: [] }
    const there = { batchId: 'b1', receivedAtMs: START_MS, message: { messageId: 'm1', type: 'text' as const } }
    const isGone = (history: HistoryEntry[], now: ConversationState | undefined) =>
      livesOf(history, now)[0]?.state === 'lost'
    expect(isGone([opened], state)).to.equal(true)
    expect(isGone([sealed, opened], state)).to.equal(true)
    expect(isGone([later, opened], { ...state, waiting: 1, messages: [{ ...there, batchId: 'b2' }] })).to.equal(true)
    expect(isGone([opened], undefined)).to.equal(false)
    expect(isGone([opened], { ...state, waiting: 1, messages: [there] })).to.equal(false)
    expect(isGone([opened], { ...state, waiting: 2000, messages: [there, there] })).to.equal(false)
    expect(isGone([opened], { ...state, heldBy: { batchId: 'b1', state: 'claimed' } })).to.equal(false)
    expect(isGone([dropped, sealed, opened], state)).to.equal(false)
    const [life] = livesOf([opened], state)
    expect(linesOf(life!, plain).slice(1, 4)).to.deep.equal([
      '  no processor claimed it',
      '  its messages are gone: something other than Lull deleted them',
      '  lull doctor lists the clients that may have done it',
    ])
  })

  it('says until when messages wait, or for how long they have been overdue', () => {
    const state = { conversationId: 'c1', nowMs: 0, waiting: 1, messages: [] }
    expect(stateLine(state, -1500)).to.equal('now: 1 message waits, due in 1.50 s')
    expect(stateLine(state, 3)).to.equal('now: 1 message waits, due in 0 ms')
    expect(stateLine(state, 12_000)).to.equal(
      'now: 1 message waits, and has been due for 12.0 s: does a processor run? lull doctor',
    )
    expect(stateLine({ ...state, waiting: 0 })).to.equal('now: nothing waits')
    expect(stateLine({ ...state, heldBy: { batchId: 'b0', state: 'answering' } })).to.equal(
      'now: 1 message waits; batch b0 is being answered',
    )
  })

  it('keeps its columns apart, however long a step took', () => {
    const history = [
      entry(0, 'opened', 'b1'),
      entry(3_599_000, 'redriven', 'b1'),
      entry(3_599_000 + 249 * 3_600_000, 'claimed', 'b1'),
    ].reverse()
    const lines = livesOf(history).flatMap(life => linesOf(life, plain))
    expect(lines.find(line => line.includes('redriven'))).to.match(/\d \+59 min 59 s {2}redriven/)
    expect(lines.find(line => line.includes('claimed'))).to.match(/\d +\+249 h {2}claimed/)
  })

  it('removes control characters from ids and errors, so that they cannot move the terminal’s cursor', () => {
    const evil = entry(0, 'nacked', 'b1', { attempt: '1', delayMs: '1000', error: 'no \u001b[2J today\nsecond line' })
    const text = [...livesOf([evil]).flatMap(life => linesOf(life, plain)), lineFor(evil, plain, undefined)].join('\n')
    expect(text).not.to.include('\u001b')
    expect(text).not.to.include('second line')
  })

  it('lists the last batch of a conversation in one line, with what is wrong with it', () => {
    const [waiting] = livesOf([entry(0, 'opened', 'b1', { count: '2' })])
    const line = (life: typeof waiting) => life && summaryLine(life, START_MS + 60_000, plain)
    expect(line(waiting)).to.match(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} {2}shop\/79990000011@c\.us {5}overdue for 50\.0 s, 2 messages$/,
    )
    expect(line(livesOf(HISTORY)[0])).to.match(/ {2}answered \(completed\), 2 messages$/)
  })

  it('shows a step of a later version with all its details', () => {
    expect(lineFor(entry(0, 'teleported', 'b1', { to: 'mars' }), plain, undefined)).to.match(/teleported .* to mars$/)
  })
})

describe('watch', () => {
  const [claimed] = HISTORY
  if (!claimed) throw new Error('no step')

  it('fits a step into 80 columns, and into one line without a terminal', () => {
    for (const each of HISTORY)
      for (const line of lineFor(each, plain, 80).split('\n')) expect(line.length).to.be.at.most(80)
    expect(lineFor(claimed, plain, undefined)).to.match(
      /^\d\d:\d\d:\d\d\.\d{3} {2}claimed {6}shop\/79990000011@c\.us {2}maxWait, 1 message, 2 ms late, by processor\.shop1\.4712$/,
    )
  })

  it('cuts nothing off in 80 columns: ids can be copied, and count and lateness precede the processor', () => {
    const [first, second] = lineFor(claimed, plain, 80).split('\n')
    expect(first?.slice(14)).to.equal('claimed      shop/79990000011@c.us  maxWait, 1 message,')
    expect(second?.trim()).to.equal('2 ms late, by processor.shop1.4712')
    const conversationId = 'a-shop-with-a-long-name/120363041234567890@g.us'
    const lines = lineFor({ ...claimed, conversationId }, plain, 80).split('\n')
    expect(lines.map(line => line.trim().replace(/^.*claimed +/, ''))).to.deep.equal([
      conversationId,
      'maxWait, 1 message, 2 ms late,',
      'by processor.shop1.4712',
    ])
  })
})

describe('durations', () => {
  it('are exact below ten seconds, and short above', () => {
    const shown = [0, 4, 999, 1005, 12_345, 61_000, 3_600_000, 7_860_000].map(duration)
    expect(shown).to.deep.equal(['0 ms', '4 ms', '999 ms', '1.00 s', '12.3 s', '1 min 1 s', '1 h', '2 h 11 min'])
  })
})

describe('zones', () => {
  const { TZ } = process.env
  afterEach(() => {
    if (TZ === undefined) delete process.env['TZ']
    else process.env['TZ'] = TZ
  })

  for (const [name, shown] of Object.entries({
    UTC: 'UTC',
    'Europe/Moscow': 'UTC+3',
    'Asia/Kolkata': 'UTC+5:30',
    'America/St_Johns': 'UTC-3:30',
  }))
    it(`${name} in November is ${shown}`, () => {
      process.env['TZ'] = name
      expect(zone(START_MS)).to.equal(shown)
      const [life] = livesOf([entry(0, 'opened', 'b1')])
      expect(linesOf(life!, plain)[0]).to.match(new RegExp(`^batch b1 {2}2026-11-2\\d, ${shown.replace('+', '\\+')}$`))
    })
})

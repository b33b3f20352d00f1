/** What a commit does in one run of the work, and what is counted of commits and superseded runs. */
import { expect } from 'chai'
import { Batcher } from '../../../src/batcher.js'
import { RulesInUse } from '../../../src/conversation-rules.js'
import { Commits } from '../../../src/handover/commits.js'
import { type RuleOptions, rulesFrom } from '../../../src/rules.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { type CommitResult, ForeignKey, StoreUnavailable, type SupersedeListener } from '../../../src/store/store.js'
import { Superseded } from '../../../src/superseded.js'
import { until } from '../../support/wait.js'

const NEVER_MS = 60_000
const CHAT = '79990000011@c.us'
const EARLY = { answering: 'supersede', quietGapMs: 250, earlyStartMs: 20 } as const

describe('commits', () => {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function counting(rules: RuleOptions = EARLY) {
    const store = new MemoryStore(rules)
    const counted: string[] = []
    const wastedMs: number[] = []
    const waitedMs: (number | undefined)[] = []
    const commits = new Commits(store, {
      observer: {
        superseded: when => void counted.push(`superseded ${when}`),
        committed: (outcome, ms) => {
          counted.push(outcome)
          waitedMs.push(ms)
        },
        runWasted: ms => void wastedMs.push(ms),
      },
    })
    closing.push(
      () => store.close(),
      () => commits.stop(),
    )
    await store.open()
    await commits.start()
    const say = (messageId: string) =>
      store.append({ conversationId: CHAT, messages: [{ messageId, type: 'text', text: messageId }] })
    const claim = async () => {
      let batchId = ''
      await until(
        async () => {
          const { batches } = await store.claim({ owner: 'p', maxBatches: 1, maxBytes: 1000 })
          batchId = batches[0]?.batchId ?? ''
          return batchId !== ''
        },
        { what: 'the early start' },
      )
      return batchId
    }
    return { store, commits, counted, wastedMs, waitedMs, say, claim }
  }

  it('count a commit as go with its wait, and that of the next run as again', async () => {
    const { commits, counted, waitedMs, wastedMs, say, claim } = await counting()
    await say('m1')
    const batchId = await claim()
    for (const _run of ['first', 'second']) {
      const { commit, end } = commits.answering(batchId, () => {})
      await commit()
      end()
    }
    expect(counted).to.deep.equal(['go', 'again'])
    expect(waitedMs[0]).to.be.above(50)
    expect(waitedMs[1]).to.be.below(50)
    expect(wastedMs).to.deep.equal([])
  })

  it('resolve to the same, and count it once, if one run commits several times', async () => {
    const { commits, counted, say, claim } = await counting({ ...EARLY, quietGapMs: 60 })
    await say('m1')
    const { commit, end } = commits.answering(await claim(), () => {})
    expect(await Promise.all([commit(), commit()])).to.deep.equal([{ again: false }, { again: false }])
    expect(await commit()).to.deep.equal({ again: false })
    end()
    expect(counted).to.deep.equal(['go'])
  })

  describe('are refused with the cause, which the error says:', () => {
    const refusalOf = async (commits: Commits, batchId: string) => {
      const { commit, end } = commits.answering(batchId, () => {})
      const error: unknown = await commit().catch(thrown => thrown)
      end()
      if (!(error instanceof Superseded)) throw new Error(`not refused: ${String(error)}`)
      return { by: error.by, message: error.message }
    }

    it('the batch that superseded it', async () => {
      const { commits, say, claim } = await counting()
      await say('m1')
      const batchId = await claim()
      await say('m2')
      const second = await claim()
      expect(await refusalOf(commits, batchId)).to.deep.equal({
        by: second,
        message: `batch ${batchId} was superseded by batch ${second}: its answer must not be sent`,
      })
    })

    it('its messages were dropped or forgotten', async () => {
      const { store, commits, say, claim } = await counting()
      let messages = 0
      for (const discard of [() => store.drop(CHAT), () => store.forget(CHAT)]) {
        messages += 1
        await say(`m${messages}`)
        const batchId = await claim()
        await discard()
        expect(await refusalOf(commits, batchId)).to.deep.equal({
          by: undefined,
          message: `batch ${batchId} is gone, its messages were dropped or forgotten: its answer must not be sent`,
        })
      }
    })

    it('it has been answered', async () => {
      const { store, commits, say, claim } = await counting()
      await say('m1')
      const batchId = await claim()
      await store.answered(batchId, 'completed')
      expect(await refusalOf(commits, batchId)).to.deep.equal({
        by: undefined,
        message: `batch ${batchId} has been answered: another answer must not be sent`,
      })
    })

    it('it is not known, as its conversation was forgotten after its commit', async () => {
      const { store, commits, say, claim } = await counting({ ...EARLY, earlyStartMs: 0, quietGapMs: 20 })
      await say('m1')
      const batchId = await claim()
      await store.commit(batchId)
      await store.forget(CHAT)
      expect(await refusalOf(commits, batchId)).to.deep.equal({
        by: undefined,
        message: `batch ${batchId} is not known: it ended long ago, or was forgotten or discarded: its answer must not be sent`,
      })
    })

    it('the batch that superseded it, also if the notice of that was missed', async () => {
      const { store, say, claim } = await counting()
      await say('m1')
      const batchId = await claim()
      await say('m2')
      const second = await claim()
      let reason: Superseded | undefined
      const unsubscribed = new Commits(store)
      const run = unsubscribed.answering(batchId, thrown => {
        reason = thrown
      })
      expect(await run.holdState()).to.equal('superseded')
      run.end()
      expect(reason?.by).to.equal(second)
    })
  })

  it('count a batch that is superseded while its handler works as running, and a commit after it as refused', async () => {
    const { commits, counted, wastedMs, say, claim } = await counting()
    await say('m1')
    const { commit, end } = commits.answering(await claim(), () => {})
    await say('m2')
    await until(() => counted.length > 0, { what: 'the notice' })
    expect(await commit().catch(({ code }) => code)).to.equal('ERR_SUPERSEDED')
    end()
    expect(counted).to.deep.equal(['superseded running', 'superseded'])
    expect(wastedMs).to.have.lengthOf(1)
  })

  it('count a batch that is superseded while it waits in commit as due, and waste no time of the wait', async () => {
    const { store, commits, counted, wastedMs, say, claim } = await counting({ ...EARLY, quietGapMs: 5000 })
    await say('m1')
    const { commit, end } = commits.answering(await claim(), () => {})
    const startedAtMs = performance.now()
    const commitAtMs = performance.now()
    const committing = commit().catch(({ code }) => code)
    await until(() => performance.now() - commitAtMs > 100, { what: 'some wait' })
    await store.drop(CHAT)
    expect(await committing).to.equal('ERR_SUPERSEDED')
    end()
    expect(counted).to.deep.equal(['superseded due', 'superseded'])
    expect(wastedMs[0]).to.be.below(performance.now() - startedAtMs - 50)
  })

  it('count a superseded batch once, and the time of each of its runs', async () => {
    const { commits, counted, wastedMs, say, claim } = await counting()
    await say('m1')
    const batchId = await claim()
    const runs = [commits.answering(batchId, () => {}), commits.answering(batchId, () => {})]
    await say('m2')
    await until(() => wastedMs.length === 2, { what: 'the notices' })
    for (const { end } of runs) end()
    expect(counted).to.deep.equal(['superseded running'])
  })

  it('count a refusal of an unknown or answered batch as that, and nothing as superseded', async () => {
    const { store, commits, counted, wastedMs, say, claim } = await counting()
    const unknown = commits.answering('never', () => {})
    expect(await unknown.commit().catch(({ code }) => code)).to.equal('ERR_SUPERSEDED')
    await say('m1')
    const batchId = await claim()
    await store.answered(batchId, 'timeout')
    const answered = commits.answering(batchId, () => {})
    expect(await answered.commit().catch(({ code }) => code)).to.equal('ERR_SUPERSEDED')
    expect(counted).to.deep.equal(['unknown', 'answered'])
    expect(wastedMs).to.deep.equal([])
  })

  it('of a batcher count when they are granted or refused, and not while the due time has not come', async () => {
    const { store, say, claim } = await counting({ ...EARLY, quietGapMs: 150 })
    const counted: unknown[] = []
    const batcher = new Batcher({ store, observer: { committed: (...args) => void counted.push(args) } })
    await say('m1')
    const batchId = await claim()
    expect((await batcher.commit(batchId)).state).to.equal('wait')
    await until(async () => (await batcher.commit(batchId)).state === 'go', { what: 'the due time' })
    await batcher.commit(batchId)
    await batcher.commit('never')
    expect(counted).to.deep.equal([['go'], ['again'], ['unknown']])
  })

  it('count nothing in queue mode', async () => {
    const { commits, counted, say, claim } = await counting({ quietGapMs: 20 })
    await say('m1')
    const { commit } = commits.answering(await claim(), () => {})
    expect(await commit()).to.deep.equal({ again: false })
    expect(counted).to.deep.equal([])
  })
})

describe('commits of one run', () => {
  let listener: SupersedeListener
  let questions: ((result: CommitResult) => void)[]
  let refusals: ((error: Error) => void)[]
  let commits: Commits

  beforeEach(async () => {
    questions = []
    refusals = []
    commits = new Commits({
      rules: rulesFrom({ answering: 'supersede' }),
      rulesInUse: new RulesInUse({ answering: 'supersede' }),
      commit: () =>
        new Promise((resolve, reject) => {
          questions.push(resolve)
          refusals.push(reject)
        }),
      holdState: async () => 'held',
      followSuperseded: async given => {
        listener = given
        return async () => {}
      },
    })
    await commits.start()
  })

  const run = (onSuperseded = (_: Superseded) => {}) => commits.answering('b1', onSuperseded)
  const asked = (times: number) => until(() => questions.length === times, { what: `question ${times}` })
  const errorOf = (promise: Promise<unknown>) => promise.then(() => undefined).catch((error: unknown) => error)

  it('give all calls of one run the same answer, and ask the store once', async () => {
    const answering = run()
    const first = answering.commit()
    const second = answering.commit()
    questions[0]?.({ state: 'go' })
    expect(await Promise.all([first, second])).to.deep.equal([{ again: false }, { again: false }])
    expect(await answering.commit()).to.deep.equal({ again: false })
    expect(questions).to.have.lengthOf(1)
    answering.end()
  })

  it('ask again after a notice that came while the store was asked', async () => {
    const answering = run()
    const committed = answering.commit()
    listener.moved({ conversationId: 'c1', batchId: 'b1', dueInMs: 0 })
    questions[0]?.({ state: 'wait', waitMs: NEVER_MS })
    await asked(2)
    questions[1]?.({ state: 'go' })
    expect(await committed).to.deep.equal({ again: false })
    answering.end()
  })

  it('reject at once if the batch was superseded while the store was asked', async () => {
    const reasons: Superseded[] = []
    const answering = run(reason => reasons.push(reason))
    const error = errorOf(answering.commit())
    listener.superseded({ conversationId: 'c1', batchId: 'b1', by: 'b2' })
    questions[0]?.({ state: 'wait', waitMs: NEVER_MS })
    expect(await error).to.be.instanceOf(Superseded)
    expect(reasons).to.deep.equal([await error])
    answering.end()
  })

  it('reject a commit that still waits when its run ends, with the reason of the end', async () => {
    const answering = run()
    const error = errorOf(answering.commit())
    questions[0]?.({ state: 'wait', waitMs: NEVER_MS })
    await new Promise(setImmediate)
    answering.end(new Error('the lease was lost'))
    expect(await error).to.have.property('message', 'the lease was lost')
    expect(questions).to.have.lengthOf(1)
  })

  it('wait for a store that is away, and are granted when it is back', async () => {
    const answering = run()
    const committed = answering.commit()
    refusals[0]?.(new StoreUnavailable('connection', 'away'))
    await asked(2)
    questions[1]?.({ state: 'go' })
    expect(await committed).to.deep.equal({ again: false })
    answering.end()
  })

  it('reject with the reason of the end, if the run ends while the store is away', async () => {
    const answering = run()
    const error = errorOf(answering.commit())
    refusals[0]?.(new StoreUnavailable('connection', 'away'))
    await new Promise(setImmediate)
    answering.end(new Error('the worker is stopping'))
    expect(await error).to.have.property('message', 'the worker is stopping')
    expect(questions).to.have.lengthOf(1)
  })

  it('reject at once for an error of the store that is no outage', async () => {
    const answering = run()
    const error = errorOf(answering.commit())
    refusals[0]?.(new ForeignKey('a foreign key'))
    expect(await error).to.be.instanceOf(ForeignKey)
    answering.end()
  })

  it('end no process by a rejection that nobody awaits', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    const answering = run()
    answering.commit()
    questions[0]?.({ state: 'superseded', by: 'b2' })
    await new Promise(resolve => setTimeout(resolve, 5))
    process.off('unhandledRejection', note)
    expect(unhandled).to.deep.equal([])
    answering.end()
  })
})

describe('commits where some conversations have a rule of their own', () => {
  let asked: string[]
  let followed: number
  let refusals: number
  const rulesInUse = () => new RulesInUse({ answering: 'queue' })
  const commitsOn = (inUse: RulesInUse) =>
    new Commits({
      rules: rulesFrom(),
      rulesInUse: inUse,
      commit: async batchId => {
        asked.push(batchId)
        return { state: 'go' }
      },
      holdState: async () => 'held',
      followSuperseded: async () => {
        followed += 1
        if (followed <= refusals) throw new StoreUnavailable('connection', 'no Redis')
        return async () => {}
      },
    })

  beforeEach(() => {
    asked = []
    followed = 0
    refusals = 0
  })

  it('ask the store about their batches alone, and subscribe for the first of them', async () => {
    const commits = commitsOn(rulesInUse())
    await commits.start()
    await commits.answering('b1', () => {}).commit()
    expect([asked, followed]).to.deep.equal([[], 0])
    expect([commits.asksAbout(undefined), commits.asksAbout('supersede')]).to.deep.equal([false, true])
    for (const batchId of ['b2', 'b3']) await commits.answering(batchId, () => {}, 'supersede').commit()
    expect([asked, followed]).to.deep.equal([['b2', 'b3'], 1])
    await commits.stop()
  })

  it('subscribe when a scope begins to supersede, and try again if that is refused', async () => {
    refusals = 1
    const inUse = rulesInUse()
    const commits = commitsOn(inUse)
    await commits.start()
    inUse.add({ answering: 'supersede' })
    inUse.add({ answering: 'supersede' })
    await until(() => followed === 2, { what: 'the second subscription' })
    await commits.stop()
  })

  it('do not subscribe any more when they have stopped', async () => {
    const inUse = rulesInUse()
    const commits = commitsOn(inUse)
    await commits.start()
    await commits.stop()
    inUse.add({ answering: 'supersede' })
    expect(followed).to.equal(0)
  })
})

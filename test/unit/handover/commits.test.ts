/** What is counted of commits and superseded runs: each once, whoever runs the work. */
import { expect } from 'chai'
import { Commits } from '../../../src/handover/commits.js'
import type { RuleOptions } from '../../../src/rules.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { until } from '../../support/wait.js'

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
      superseded: when => void counted.push(`superseded ${when}`),
      committed: (outcome, ms) => {
        counted.push(outcome)
        waitedMs.push(ms)
      },
      runWasted: ms => void wastedMs.push(ms),
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

  it('count a commit as go with its wait, and as again the next time', async () => {
    const { commits, counted, waitedMs, wastedMs, say, claim } = await counting()
    await say('m1')
    const { commit, end } = commits.answering(await claim(), () => {})
    await commit()
    await commit()
    end()
    expect(counted).to.deep.equal(['go', 'again'])
    expect(waitedMs[0]).to.be.above(50)
    expect(waitedMs[1]).to.be.below(50)
    expect(wastedMs).to.deep.equal([])
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

  it('count nothing in queue mode', async () => {
    const { commits, counted, say, claim } = await counting({ quietGapMs: 20 })
    await say('m1')
    const { commit } = commits.answering(await claim(), () => {})
    expect(await commit()).to.deep.equal({ again: false })
    expect(counted).to.deep.equal([])
  })
})

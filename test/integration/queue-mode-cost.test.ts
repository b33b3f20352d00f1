/**
 * What `answering: 'queue'`, the default, costs: nothing for the other mode, counted before there was one and lowered
 * since. And what the other mode costs.
 */
import { expect } from 'chai'
import { rulesFrom } from '../../src/rules.js'
import { RedisStore } from '../../src/store/redis/store.js'
import type { Store } from '../../src/store/store.js'
import { monitor } from '../support/monitor.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { append, CHAT, claim, claimOne, direct, OTHER } from '../support/store-contract/messages.js'
import { until } from '../support/wait.js'

/** Commands in the scripts of each transition. */
const COMMANDS: Record<string, number> = {
  'append, and open a batch': 16,
  'append to an open batch': 10,
  'extend an open batch': 11,
  'edit a message': 9,
  'flush a batch': 13,
  'claim a batch': 20,
  'append while it is claimed': 15,
  'extend while it is claimed': 10,
  'refuse it': 12,
  'claim it again': 17,
  'acknowledge it': 11,
  'append while it is answered': 11,
  'edit too late': 10,
  'revoke too late': 11,
  'revoke a message': 16,
  'drop behind it': 8,
  'flush nothing': 7,
  'append behind it': 16,
  'end its answer': 18,
  'end it again': 7,
  'append a direct message': 15,
  'claim a direct batch': 19,
  'let it die': 12,
  'redrive it': 12,
  'claim nothing more': 24,
  'forget a conversation': 28,
}

/** Every transition, in states that a newer message could change in the other mode. */
const WORK: Record<string, (store: Store, known: { batchId: string; lease: number }) => Promise<unknown>> = {
  'append, and open a batch': store => append(store, CHAT, 'm1'),
  'append to an open batch': store => append(store, CHAT, 'm2'),
  'extend an open batch': store => store.extend(CHAT, 700_000),
  'edit a message': store => store.edit({ conversationId: CHAT, messageId: 'm1', text: 'better' }),
  'flush a batch': store => store.flush(CHAT),
  'claim a batch': async (store, known) => Object.assign(known, await claimOne(store)),
  'append while it is claimed': store => append(store, CHAT, 'm3'),
  'extend while it is claimed': store => store.extend(CHAT, 700_000),
  'refuse it': (store, { batchId, lease }) => store.nack({ batchId, lease, delayMs: 0, counts: true, error: 'no' }),
  'claim it again': async (store, known) => Object.assign(known, await claimOne(store)),
  'acknowledge it': (store, { batchId }) => store.ack([batchId]),
  'append while it is answered': store => append(store, CHAT, 'm4'),
  'edit too late': store => store.edit({ conversationId: CHAT, messageId: 'm1', text: 'late' }),
  'revoke too late': store => store.revoke(CHAT, 'm1'),
  'revoke a message': store => store.revoke(CHAT, 'm4'),
  'drop behind it': store => store.drop(CHAT),
  'flush nothing': store => store.flush(CHAT),
  'append behind it': store => append(store, CHAT, 'm5'),
  'end its answer': (store, { batchId }) => store.answered(batchId, 'completed'),
  'end it again': (store, { batchId }) => store.answered(batchId, 'completed', CHAT),
  'append a direct message': store => direct(store, OTHER, 'd1'),
  'claim a direct batch': async (store, known) => Object.assign(known, await claimOne(store)),
  'let it die': (store, { batchId, lease }) => store.nack({ batchId, lease, delayMs: 0, counts: true, error: 'no' }),
  'redrive it': (store, { batchId }) => store.redrive(batchId),
  'claim nothing more': async store => {
    await claim(store)
    await claim(store)
  },
  'forget a conversation': store => store.forget(OTHER),
}

describe('answering: queue', () => {
  it('costs not one Redis command for superseding', async () => {
    const url = await testRedis()
    const rules = rulesFrom({ quietGapMs: 600_000, maxWaitMs: 3_600_000, batchTtlMs: 1_200_000, maxAttempts: 2 })
    const store = new RedisStore({ redis: url, prefix: uniquePrefix(), rules })
    await store.open()
    const known = { batchId: '', lease: 0 }
    const counted: Record<string, number> = {}
    try {
      for (const [name, work] of Object.entries(WORK)) {
        if (name === 'let it die') {
          await store.nack({ ...known, delayMs: 0, counts: true, error: 'no' })
          Object.assign(known, await claimOne(store))
        }
        counted[name] = await commandsOf(url, store, () => work(store, known))
      }
    } finally {
      await store.close()
    }
    expect(counted).to.deep.equal(COMMANDS)
  })
})

/** Commands in the scripts of one life that is superseded once. In brackets: in `queue`. */
const SUPERSEDING: Record<string, number> = {
  'append, and open a batch': 16, // (16)
  'claim it': 19, // (19)
  'acknowledge it': 12, // (11) its messages are kept
  'append, and supersede it': 31, // takes its messages back, and ends it
  'claim both': 19,
  'acknowledge both': 12,
  'commit them': 7, // (0)
  'end their answer': 11, // (10) remembered for a commit that comes late
}

describe('answering: supersede', () => {
  it('costs a few commands more for each batch, and those that take a superseded batch back', async () => {
    const url = await testRedis()
    const store = new RedisStore({
      redis: url,
      prefix: uniquePrefix(),
      rules: rulesFrom({ answering: 'supersede', quietGapMs: 20 }),
    })
    await store.open()
    let batchId = ''
    const isDue = () => until(async () => (await store.totals()).oldestDueAgeMs > 0, { what: 'the quiet gap' })
    const take = async () => {
      ;({ batchId } = await claimOne(store))
    }
    const life: Record<string, () => Promise<unknown>> = {
      'append, and open a batch': () => append(store, CHAT, 'm1'),
      'claim it': take,
      'acknowledge it': () => store.ack([batchId]),
      'append, and supersede it': () => append(store, CHAT, 'm2'),
      'claim both': take,
      'acknowledge both': () => store.ack([batchId]),
      'commit them': () => store.commit(batchId),
      'end their answer': () => store.answered(batchId, 'completed'),
    }
    const counted: Record<string, number> = {}
    try {
      for (const [name, work] of Object.entries(life)) {
        if (name.startsWith('claim')) await isDue()
        counted[name] = await commandsOf(url, store, work)
      }
    } finally {
      await store.close()
    }
    expect(counted).to.deep.equal(SUPERSEDING)
  })
})

/** How many commands on this store's keys its scripts run during `work`. */
async function commandsOf(url: string, store: RedisStore, work: () => Promise<unknown>): Promise<number> {
  const watching = await monitor(url)
  await work()
  await watching.stop()
  const ours = `"${store.keys.prefix}`
  return watching.lines.filter(line => line.startsWith('[0 lua]') && line.includes(ours)).length
}

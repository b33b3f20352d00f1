/** Claimed batches that newer messages can supersede, for the contract's tests. */
import type { RuleOptions } from '../../../src/rules.js'
import type { Make } from './checked.js'
import { append, CHAT, claimOne } from './messages.js'

/** A batch is due after 300 ms of silence, and is handed out after 40. */
export const EARLY = { answering: 'supersede', quietGapMs: 300, earlyStartMs: 40 } as const
/** A batch is due, and handed out, after 40 ms of silence. */
export const AT_GAP = { answering: 'supersede', quietGapMs: 40 } as const
/** A batch is handed out after 40 ms of silence, and not due during a test. */
export const LONG = { ...EARLY, quietGapMs: 600_000, maxWaitMs: 3_600_000, batchTtlMs: 1_200_000 } as const

export const provisional = (make: Make) => ({
  /** Appends, waits for the early start and claims. */
  async early(rules: RuleOptions = {}, ...messageIds: string[]) {
    const underTest = await make({ ...EARLY, ...rules })
    await append(underTest.store, CHAT, ...(messageIds.length > 0 ? messageIds : ['m1']))
    await underTest.pass(EARLY.earlyStartMs + 1)
    return { ...underTest, first: await claimOne(underTest.store) }
  },

  /** Appends, waits for the quiet gap and claims. */
  async atGap(rules: RuleOptions = {}) {
    const underTest = await make({ ...AT_GAP, ...rules })
    await append(underTest.store, CHAT, 'm1')
    await underTest.pass(AT_GAP.quietGapMs + 1)
    return { ...underTest, first: await claimOne(underTest.store) }
  },
})

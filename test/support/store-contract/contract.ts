/**
 * The contract of a store, as tests that run on any store. `MemoryStore` runs them on a clock that the tests move,
 * `RedisStore` on a real Redis in real time. So no test depends on how long a call takes: tests wait by the store's
 * clock, and compute expected times from times that the store returned.
 *
 * A store of several partitions keeps it too. What the contract says of several conversations at once (which of them a
 * claim takes first, what a merge does with batches) holds within a partition: those tests use `neighbours`.
 *
 * After every transition the invariants of `src/store/store.ts` are checked (`checked.ts`).
 */
import type { RuleOptions } from '../../../src/rules.js'
import { accountTests } from './accounts.js'
import { aliasTests } from './aliases.js'
import { answerTests } from './answers.js'
import { appendTests } from './appending.js'
import { checked, type Make, type StoreUnderTest } from './checked.js'
import { claimTests } from './claiming.js'
import { correctionTests } from './correcting.js'
import { eventTests } from './events.js'
import { forgettingTests } from './forgetting.js'
import { heldMessageTests } from './held-messages.js'
import { holdingBackTests } from './holding-back.js'
import { holdingBackCornerTests } from './holding-back-corners.js'
import { leaseTests } from './leases.js'
import { ownMessageTests } from './own-messages.js'
import { ownRulesTests } from './own-rules.js'
import { peopleTests } from './people.js'
import { readTests } from './reads.js'
import { settingsTests } from './settings.js'
import { supersedeTests } from './superseding.js'
import { supersedingConditionTests } from './superseding-conditions.js'
import { supersedingStateTests } from './superseding-states.js'

const ALL = [
  appendTests,
  ownRulesTests,
  holdingBackTests,
  holdingBackCornerTests,
  ownMessageTests,
  heldMessageTests,
  claimTests,
  leaseTests,
  answerTests,
  supersedeTests,
  supersedingConditionTests,
  supersedingStateTests,
  peopleTests,
  correctionTests,
  forgettingTests,
  aliasTests,
  accountTests,
  settingsTests,
  readTests,
  eventTests,
]

/** @param tests a part of it, for a store that differs from another one in little */
export function storeContract(
  name: string,
  makeStore: (rules: RuleOptions) => Promise<StoreUnderTest>,
  tests: readonly ((make: Make) => void)[] = ALL,
): void {
  describe(`${name} keeps the contract of a store`, () => {
    const made: StoreUnderTest[] = []
    const make: Make = async (rules = {}) => {
      const underTest = await makeStore(rules)
      made.push(underTest)
      return checked(underTest)
    }
    afterEach(async () => {
      for (const underTest of made.splice(0)) await underTest.close()
    })

    for (const test of tests) test(make)
  })
}

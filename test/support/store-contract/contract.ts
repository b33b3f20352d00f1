/**
 * The contract of a store, as tests that run on any store. `MemoryStore` runs them on a clock that the tests move,
 * `RedisStore` on a real Redis in real time. So no test depends on how long a call takes: tests wait by the store's
 * clock, and compute expected times from times that the store returned.
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

export function storeContract(name: string, makeStore: (rules: RuleOptions) => Promise<StoreUnderTest>): void {
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

    appendTests(make)
    ownRulesTests(make)
    holdingBackTests(make)
    holdingBackCornerTests(make)
    ownMessageTests(make)
    heldMessageTests(make)
    claimTests(make)
    leaseTests(make)
    answerTests(make)
    supersedeTests(make)
    supersedingConditionTests(make)
    supersedingStateTests(make)
    peopleTests(make)
    correctionTests(make)
    forgettingTests(make)
    aliasTests(make)
    accountTests(make)
    settingsTests(make)
    readTests(make)
    eventTests(make)
  })
}

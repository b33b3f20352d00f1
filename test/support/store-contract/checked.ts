/**
 * Wraps a store: checks the four invariants after every transition, and counts messages. Each accepted message is still
 * there, was dropped, or left with a batch that was acknowledged or answered.
 */
import { expect } from 'chai'
import type { RuleOptions } from '../../../src/rules.js'
import type { Snapshot } from '../../../src/store/memory/conversations.js'
import type { Store } from '../../../src/store/store.js'

export interface StoreUnderTest {
  store: Store
  /** Resolves when `ms` have passed by the store's clock. */
  pass(ms: number): Promise<void>
  /** All batches and messages of these conversations, by their ids. */
  snapshot(conversationIds: string[]): Promise<Snapshot>
  close(): Promise<void>
}

/** Makes a store with these rules. It is closed after the test. */
export type Make = (rules?: RuleOptions) => Promise<StoreUnderTest>

const TRANSITIONS = new Set([
  'append',
  'extend',
  'hold',
  'release',
  'pause',
  'resume',
  'claim',
  'renew',
  'ack',
  'nack',
  'giveBack',
  'checkNow',
  'checkAllNow',
  'workerStarted',
  'answered',
  'flush',
  'commit',
  'drop',
  'forget',
  'edit',
  'revoke',
  'redrive',
  'discardDead',
  'pauseByMessage',
  'sent',
  'merge',
])

export function checked(underTest: StoreUnderTest): StoreUnderTest {
  const { store } = underTest
  const conversationIds = new Set<string>()
  let kept = 0
  let last: Snapshot = { conversations: [], claimed: [], answering: [], dead: [] }

  const check = async (transition: string, args: unknown[], result: unknown) => {
    const first = args[0]
    if (transition === 'append') conversationIds.add(field(first, 'conversationId'))
    if (transition === 'merge') for (const id of args) conversationIds.add(String(id))
    const now = await underTest.snapshot([...conversationIds])
    if (transition === 'append') kept += Number(field(result, 'accepted')) - discardedBy(result)
    if (transition === 'pause' || (transition === 'pauseByMessage' && typeof result === 'object'))
      kept -= Number(field(result, 'dropped'))
    if (transition === 'drop') kept -= Number(result)
    if (transition === 'revoke' && result === 'revoked') kept -= 1
    if (transition === 'forget') kept -= Number(field(result, 'messages')) + deadOf(first, last)
    if (transition === 'discardDead') kept -= goneWith([first].flat(), last, now)
    if (transition === 'ack' || transition === 'answered' || transition === 'commit')
      kept -= goneWith([first].flat(), last, now)
    expectInvariants(now, store.rules.order === 'serial')
    expect(messagesIn(now), `messages in the store after ${transition}`).to.equal(kept)
    last = now
  }

  const checking = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return async (...args: unknown[]) => {
        const result: unknown = await Reflect.apply(value, target, args)
        if (typeof name === 'string' && TRANSITIONS.has(name)) await check(name, args, result)
        return result
      }
    },
  })
  return { ...underTest, store: checking }
}

function expectInvariants({ conversations, claimed, answering, dead }: Snapshot, serial: boolean): void {
  for (const { conversationId, waiting, header, dueAtMs, heldBy } of conversations) {
    const name = JSON.stringify(conversationId)
    const ways = Number(dueAtMs !== undefined) + Number(heldBy !== undefined)
    if (waiting.length > 0) expect(ways, `${name} has messages: due or held, never both`).to.equal(1)
    else expect(dueAtMs, `${name} has no messages: not due`).to.equal(undefined)

    const holders = [...claimed, ...answering].filter(batch => batch.conversationId === conversationId)
    expect(
      holders.map(({ batchId }) => batchId),
      `${name} is held by the batch that is claimed or being answered`,
    ).to.deep.equal(heldBy === undefined ? [] : [heldBy])

    const runs = waiting.filter((batchId, i) => batchId !== waiting[i - 1])
    expect(runs, `the list of ${name} is runs by batch`).to.deep.equal([...new Set(runs)])
    if (header) {
      expect(header.batchId, `the header of ${name} describes the last run`).to.equal(runs.at(-1))
      const count = waiting.filter(batchId => batchId === header.batchId).length
      expect(header.count, `the count of ${name} is exact`).to.equal(count)
    }
  }
  if (!serial) expect(answering, 'nothing is being answered in concurrent order').to.deep.equal([])
  const places = [...claimed, ...answering, ...dead].map(({ batchId }) => batchId)
  const everywhere = [...places, ...conversations.flatMap(({ waiting }) => [...new Set(waiting)])]
  expect(everywhere, 'a batch is in one place').to.have.lengthOf(new Set(everywhere).size)
}

/** A batch whose messages the store keeps, as newer ones may supersede it. */
const isKept = <Of extends { count?: number }>(batch: Of): batch is Of & { count: number } => batch.count !== undefined

const messagesIn = ({ conversations, claimed, answering, dead }: Snapshot) =>
  conversations.reduce((sum, { waiting }) => sum + waiting.length, 0) +
  counted(claimed) +
  counted(dead) +
  counted(answering.filter(isKept))

const counted = (batches: { count: number }[]) => batches.reduce((sum, { count }) => sum + count, 0)

/** Messages that a pause has discarded: they are in no batch. */
const discardedBy = (result: unknown) =>
  Reflect.get(Object(result), 'batchId') === undefined ? Number(Reflect.get(Object(result), 'paused') ?? 0) : 0

/** Messages of a conversation's dead batches. */
const deadOf = (conversationId: unknown, { dead }: Snapshot) =>
  counted(dead.filter(batch => batch.conversationId === conversationId))

/** Messages of those of `batchIds` that left the store between two snapshots. */
function goneWith(batchIds: unknown[], before: Snapshot, after: Snapshot): number {
  const keptIn = ({ claimed, dead, answering }: Snapshot) => [...claimed, ...dead, ...answering.filter(isKept)]
  const there = new Set(keptIn(after).map(({ batchId }) => batchId))
  return counted(keptIn(before).filter(({ batchId }) => batchIds.includes(batchId) && !there.has(batchId)))
}

function field(value: unknown, name: string): string {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${name} of ${String(value)}`)
  return String(Reflect.get(value, name))
}

/**
 * The model test's random commands, made by fast-check. They name a batch by how many claims ago it was taken, and a
 * message by whether it is new, so that a sequence stays valid when fast-check makes it shorter.
 */
import fc from 'fast-check'
import type { OwnRules } from '../../../src/conversation-rules.js'
import { type RuleOptions, rulesFrom } from '../../../src/rules.js'

export const CHATS = ['a', 'b', 'c/😀', '\ue000x']
/** Of a store that is divided. Of the conversations above, partition 0 has none, and partition 2 has two. */
export const PARTITIONS = 4
export const OWNERS = ['processor-1', 'processor-2']

/** A command names one of this many batches, the last that were claimed. */
const BATCHES_BACK = 8

const op = <const Name extends string>(name: Name) => fc.constant(name)
const chat = fc.constantFrom(...CHATS)
const owner = fc.constantFrom(...OWNERS)
/** 0 is the batch that was claimed last, which most commands can change. */
const back = fc.oneof(fc.constant(0), fc.nat(BATCHES_BACK - 1))

const key = fc.constantFrom('transcript', 'upload "a"')
const ownId = fc.constantFrom('own-1', 'own-2', 'own-3')

const MESSAGES_BACK = 30
/** 1 is the message that was made last. */
const earlier = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: MESSAGES_BACK }))

const message = fc.record({
  /** 0: a new message; else a repeated id, of a message so many before. */
  repeats: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: earlier }),
  /** A voice note, whose text is still to come. */
  isVoice: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  letters: fc.nat(60),
  sentAgoMs: fc.option(fc.integer({ min: 0, max: 5000 }), { nil: undefined }),
})

/** Rules of the conversation: mostly none. */
const ownRules = fc.oneof(
  { weight: 5, arbitrary: fc.constant(undefined) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Omit<OwnRules, 'scopes'>>(
      { quietGapMs: 500 },
      { quietGapMs: 4000, maxWaitMs: 20_000 },
      { maxMessages: 3, maxBytes: 300 },
      { answering: 'queue' },
      { answering: 'supersede', earlyStartMs: 0 },
      { answering: 'supersede', earlyStartMs: 200 },
      { typingGapMs: 300 },
      { holdTypes: ['voice'], holdMs: 2000, holdMaxMs: 9000 },
    ),
  },
)

const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: op('append'),
      chat,
      messages: fc.array(message, { minLength: 1, maxLength: 7 }),
      flush: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      own: ownRules,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: op('direct'), chat, messages: fc.array(message, { minLength: 1, maxLength: 3 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: op('typing'),
      chat,
      worthMs: fc.constantFrom(0, 10, 1000, 1500, 3000, 100_000),
      typingGapMs: fc.constantFrom(0, 0, 400),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: op('claim'),
      owner,
      maxBatches: fc.constantFrom(1, 2, 10),
      maxBytes: fc.constantFrom(1, 300, 1_000_000),
      /** Absent: in all partitions. */
      partition: fc.option(fc.nat(PARTITIONS - 1), { nil: undefined, freq: 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: op('crash') }) },
  { weight: 1, arbitrary: fc.record({ op: op('renew'), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 4, arbitrary: fc.record({ op: op('ack'), back, count: fc.constantFrom(1, 1, 3) }) },
  {
    weight: 3,
    arbitrary: fc.record({ op: op('nack'), back, delayMs: fc.constantFrom(0, 500, 5000), counts: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ op: op('giveBack'), owner, keeps: back }) },
  { weight: 1, arbitrary: fc.record({ op: op('checkNow'), back, named: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ op: op('workerStarted'), back, workerAttempt: fc.constantFrom('1', '2') }) },
  { weight: 4, arbitrary: fc.record({ op: op('answered'), back, named: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ op: op('commit'), back }) },
  { weight: 1, arbitrary: fc.record({ op: op('flush'), chat }) },
  { weight: 1, arbitrary: fc.record({ op: op('drop'), chat }) },
  { weight: 1, arbitrary: fc.record({ op: op('hold'), chat, key, forMs: fc.constantFrom(1, 800, 3000, 60_000) }) },
  { weight: 1, arbitrary: fc.record({ op: op('release'), chat, key }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: op('pause'),
      chat,
      forMs: fc.constantFrom(1, 700, 5000, 60_000),
      keep: fc.constantFrom<'drop' | 'collect'>('drop', 'collect'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: op('resume'), chat }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: op('ownMessage'),
      chat,
      messageId: ownId,
      forMs: fc.constantFrom(1, 700, 5000, 60_000),
      keep: fc.constantFrom<'drop' | 'collect'>('drop', 'collect'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: op('sent'), chat, messageIds: fc.array(ownId, { maxLength: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ op: op('edit'), chat, repeats: earlier, letters: fc.nat(60) }) },
  // 0 is a message that has not come yet.
  { weight: 2, arbitrary: fc.record({ op: op('revoke'), chat, repeats: fc.oneof(fc.constant(0), earlier) }) },
  { weight: 2, arbitrary: fc.record({ op: op('redrive'), back, count: fc.constantFrom(1, 1, 2) }) },
  { weight: 1, arbitrary: fc.record({ op: op('discardDead'), back }) },
  { weight: 1, arbitrary: fc.record({ op: op('forget'), chat: fc.constantFrom(...CHATS.slice(0, 2)) }) },
  { weight: 2, arbitrary: fc.record({ op: op('merge'), chat, into: chat }) },
  { weight: 1, arbitrary: fc.record({ op: op('loseHeader'), chat }) },
  { weight: 1, arbitrary: fc.record({ op: op('look'), chat }) },
  {
    weight: 7,
    arbitrary: fc.record({ op: op('pass'), ms: fc.constantFrom(0, 1, 300, 999, 1000, 1001, 2500, 4000, 10_000) }),
  },
)

export type Command = typeof command extends fc.Arbitrary<infer Made> ? Made : never

export const commands = fc.array(command, { minLength: 1, maxLength: 60, size: 'max' })

/** Small numbers, so that a few commands reach every cap, wait, lease and attempt. */
export const rules = fc
  .record({
    maxWaitMs: fc.constantFrom(2500, 6000),
    batchTtlMs: fc.constantFrom(1001, 3000, 8000),
    maxMessages: fc.constantFrom(2, 4, 50),
    maxBytes: fc.constantFrom(200, 1000, 100_000),
    dedupeMs: fc.constantFrom(1000, 5000, 50_000),
    maxAgeMs: fc.constantFrom(0, 3000),
    leaseMs: fc.constantFrom(500, 3000),
    maxAttempts: fc.constantFrom(1, 2, 3),
    way: fc.constantFrom<Pick<RuleOptions, 'order' | 'answering' | 'earlyStartMs'>>(
      { order: 'serial' },
      { order: 'concurrent' },
      { order: 'serial', answering: 'supersede' },
      { order: 'serial', answering: 'supersede', earlyStartMs: 300 },
    ),
    answerTimeoutMs: fc.constantFrom(100, 2000, 20_000),
    typingGapMs: fc.constantFrom(0, 0, 300),
    holdTypes: fc.constantFrom<('voice' | 'audio')[]>([], ['voice']),
    holdMs: fc.constantFrom(500, 4000),
    holdMaxMs: fc.constantFrom(0, 9000),
  })
  .map(({ way, ...some }) => rulesFrom({ quietGapMs: 1000, ...some, ...way }))

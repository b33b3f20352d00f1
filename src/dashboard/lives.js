/**
 * The lives of a conversation's batches, from the history: the same reading as `lull trace`. The rules are today's, and a
 * batch may be of other days: what its steps say themselves comes first. Nothing is called the cause of a wait that the history
 * does not show.
 */
import { OVERDUE_MS } from './model.js'

const ROUNDING_MS = 10
/** More of one conversation do not wait for each other. */
const LIVES_BEFORE = 100

/** @param history newest first @returns oldest first, each with its steps in order, and the lives `before` it */
export function livesOf(history, rules) {
  const lives = new Map()
  for (const entry of history.toReversed()) {
    const life = lives.get(entry.batchId) ?? newLife(entry, [...lives.values()].slice(-LIVES_BEFORE))
    lives.set(entry.batchId, life)
    life.steps.push(entry)
    read(life, entry, rules)
    // With it goes all that waits, which has no step of its own.
    if (entry.step === 'dropped') for (const one of lives.values()) if (isWaiting(one)) drop(one, entry.atMs)
  }
  return [...lives.values()]
}

const newLife = ({ batchId, conversationId }, before) => ({ batchId, conversationId, before, freedMs: [], steps: [] })

/**
 * What the history does not tell of batches that no one has claimed: when each message came, and when the open one is due.
 * @param state of the conversation, as the API answers
 */
export function addWaiting(lives, { open, messages = [] }) {
  for (const life of lives) {
    if (!isWaiting(life)) continue
    const times = messages.flatMap(({ batchId, receivedAtMs }) => (batchId === life.batchId ? [receivedAtMs] : []))
    if (times.length > 0) life.arrivals = times.map((atMs, i) => ({ atMs, count: i + 1 }))
    if (open?.batchId !== life.batchId) continue
    life.dueMs = open.dueAtMs
    life.count = open.count
  }
}

function read(life, { step, atMs, detail }, rules) {
  switch (step) {
    case 'opened':
      life.firstMs ??= atMs
      life.arrivals = [{ atMs, count: Number(detail.count ?? 1) }]
      life.dueMs = dueOf(life, atMs, rules)
      break
    case 'appended': {
      life.arrivals ??= []
      life.firstMs ??= atMs
      life.arrivals.push({ atMs, count: Number(detail.count ?? 1) })
      life.dueMs = dueOf(life, atMs, rules)
      break
    }
    case 'extended':
      life.dueMs = (life.dueMs ?? atMs) + Number(detail.byMs ?? 0)
      break
    case 'sealed':
      life.dueMs = atMs
      break
    case 'claimed':
      life.claimed ??= { atMs, by: detail.owner ?? '', reason: detail.reason ?? '', lateMs: Number(detail.lateMs ?? 0) }
      life.count = Number(detail.count ?? 0)
      life.freeMs = undefined
      if (detail.reason === 'gap' && life.count > arrived(life)) fillIn(life, rules)
      break
    case 'handed-over':
      life.handedOverMs ??= atMs
      endHold(life, atMs, rules.order !== 'serial')
      break
    case 'answered':
      life.answeredMs ??= atMs
      life.outcome ??= detail.outcome
      endHold(life, atMs)
      break
    case 'dead':
      life.deadMs = atMs
      life.error = detail.error ?? ''
      endHold(life, atMs)
      break
    case 'redriven':
      life.freeMs = undefined
      break
  }
}

/** @param isFree whether the next batch need not wait any more; if that is as the rules are now, they may have been others */
function endHold(life, atMs, isFree = true) {
  life.freedMs.push(atMs)
  if (isFree) life.freeMs ??= atMs
}

function drop(life, atMs) {
  life.droppedMs = atMs
  endHold(life, atMs)
}

/** Nobody has claimed it so far. */
export const isWaiting = ({ claimed, droppedMs }) => (claimed ?? droppedMs) === undefined

const arrived = ({ arrivals }) => arrivals?.at(-1)?.count ?? 0

/** Where the history has not each arrival: the last one was a quiet gap before the batch could go. */
function fillIn(life, { quietGapMs }) {
  const lastMs = life.claimed.atMs - life.claimed.lateMs - quietGapMs
  if (life.firstMs === undefined || lastMs < life.firstMs) return
  life.arrivals.push({ atMs: lastMs, count: life.count })
  life.dueMs = lastMs + quietGapMs
}

const dueOf = ({ firstMs }, atMs, { quietGapMs, maxWaitMs }) => Math.min(atMs + quietGapMs, firstMs + maxWaitMs)

/** What a life was spent on, in order: { name, fromMs, toMs }. @param nowMs where it has not ended */
export function phasesOf(life, nowMs) {
  const phases = []
  const add = (name, fromMs, toMs) => {
    if (toMs > fromMs) phases.push({ name, fromMs, toMs })
  }
  const firstMs = life.firstMs ?? life.steps[0].atMs
  const endMs = life.claimed?.atMs ?? life.droppedMs ?? nowMs
  const lastMs = Math.min(life.arrivals?.at(-1)?.atMs ?? firstMs, endMs)
  const { dueMs, couldGoMs } = life.claimed ? dueOfClaimed(life) : dueOfWaiting(life, endMs)
  add('phaseCollect', firstMs, lastMs)
  add('phaseQuiet', lastMs, dueMs)
  add('phaseHeld', Math.max(dueMs, lastMs), couldGoMs)
  if (!life.claimed) {
    // Until its claim has been heard of, nothing is wrong.
    if (endMs - couldGoMs > OVERDUE_MS) add('phaseOverdue', Math.max(couldGoMs, lastMs), endMs)
    return phases
  }
  add('phaseLate', couldGoMs, endMs)
  const handedOver = life.handedOverMs ?? life.deadMs ?? life.answeredMs ?? nowMs
  add('phaseHandover', endMs, handedOver)
  if (life.handedOverMs !== undefined) add('phaseAnswer', handedOver, life.answeredMs ?? nowMs)
  return phases
}

/**
 * It could go from when it was claimed, but for its lateness. That was when it was due, whatever the rules were then; unless it
 * could go just as a batch before it was done with: then it had been due before.
 */
function dueOfClaimed({ claimed, dueMs, before }) {
  const couldGoMs = claimed.atMs - claimed.lateMs
  const isFreedThen = before.some(({ freedMs }) => freedMs.some(atMs => Math.abs(atMs - couldGoMs) <= ROUNDING_MS))
  const isHeld = isFreedThen && couldGoMs - (dueMs ?? couldGoMs) > ROUNDING_MS
  return { dueMs: isHeld ? dueMs : couldGoMs, couldGoMs }
}

/** It can go when it is due and all before it are done with. */
function dueOfWaiting({ dueMs = Number.POSITIVE_INFINITY, before }, endMs) {
  const freeMs = Math.max(...before.map(({ freeMs = endMs }) => freeMs), dueMs)
  return { dueMs: Math.min(dueMs, endMs), couldGoMs: Math.min(freeMs, endMs) }
}

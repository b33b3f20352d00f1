/** The lives of a conversation's batches, from the history alone: the same reading as `lull trace`. */

const ROUNDING_MS = 10

/** @param history newest first @returns oldest first, each with its steps in order */
export function livesOf(history, rules) {
  const lives = new Map()
  for (const entry of history.toReversed()) {
    const life = lives.get(entry.batchId) ?? { batchId: entry.batchId, conversationId: entry.conversationId, steps: [] }
    lives.set(entry.batchId, life)
    life.steps.push(entry)
    read(life, entry, rules)
  }
  return [...lives.values()]
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
      if (detail.reason === 'gap' && life.count > arrived(life)) fillIn(life, rules)
      break
    case 'handed-over':
      life.handedOverMs ??= atMs
      break
    case 'answered':
      life.answeredMs ??= atMs
      life.outcome ??= detail.outcome
      break
    case 'dead':
      life.deadMs = atMs
      life.error = detail.error ?? ''
      break
    case 'dropped':
      life.droppedMs = atMs
      break
  }
}

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
  const firstMs = life.firstMs ?? life.steps[0].atMs
  const end = life.claimed?.atMs ?? life.droppedMs ?? nowMs
  const lastMs = Math.min(life.arrivals?.at(-1)?.atMs ?? firstMs, end)
  // From when it could go: claimed, but for its lateness.
  let couldGoMs = life.claimed ? end - life.claimed.lateMs : end
  const dueMs = Math.min(life.dueMs ?? couldGoMs, couldGoMs)
  const add = (name, fromMs, toMs) => {
    if (toMs > fromMs) phases.push({ name, fromMs, toMs })
  }
  add('phaseCollect', firstMs, lastMs)
  add('phaseQuiet', lastMs, dueMs)
  // The steps' times are a few milliseconds from the ones that count.
  if (couldGoMs - dueMs > ROUNDING_MS) add('phaseHeld', Math.max(dueMs, lastMs), couldGoMs)
  else couldGoMs = Math.min(dueMs, couldGoMs)
  if (!life.claimed) return phases
  add('phaseLate', couldGoMs, end)
  const handedOver = life.handedOverMs ?? life.deadMs ?? life.answeredMs ?? nowMs
  add('phaseHandover', end, handedOver)
  if (life.handedOverMs !== undefined) add('phaseAnswer', handedOver, life.answeredMs ?? nowMs)
  return phases
}

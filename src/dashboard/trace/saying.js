/** A step's details in words, as `lull trace` prints them. */
import { because, ruleIn } from '../because.js'
import { duration, when } from '../formats.js'
import { waitedFor } from '../waits.js'
import { counted, keeping, outcome, reason, t } from '../words.js'

/** Of any step, in the order in which they are said. */
const SAYING = {
  untilMs: ms => t('stepUntil', when(Number(ms))),
  keep: keeping,
  owner: name => t('stepBy', name),
  by: name => t('stepBy', name),
  reason,
  into: name => t('stepInto', name),
  from: name => t('stepFrom', name),
  batch: id => t('stepJoined', id),
  count: number => counted('message', Number(number)),
  lateMs: ms => t('stepLate', duration(Number(ms))),
  dueInMs: ms => t('dueIn', duration(Number(ms))),
  byMs: ms => t(Number(ms) < 0 ? 'stepShorter' : 'stepLonger', duration(Math.abs(Number(ms)))),
  attempt: number => t('stepAttempt', number),
  delayMs: ms => t('stepAgain', duration(Number(ms))),
  outcome,
  error: text => text,
  late: () => t('stepTooLate'),
}

/** What a hold waits for, with the message's id. */
const heldFor = (key = '') => (key.startsWith('"') ? `${waitedFor(key)} (${listIn(key).join()})` : key)

/** Why a batch is released: by a rule of its own, if the step names one. */
function released(all) {
  const own = ruleIn(all)
  if (!own) return { detail: all, said: [] }
  const { reason: key, rule: _, scope: __, ...detail } = all
  return { detail, said: [because(key, own)] }
}

/** Of steps that are said in words of their own, from their details. */
const OF_STEP = {
  claimed: released,
  sealed: released,
  opened: ({ supersedes, back, at: _, firstAtMs: __, ...detail }) => {
    const last = supersedes?.split(' ').at(-1)
    if (last === undefined) return { detail, said: [] }
    return { detail, said: [back === undefined ? t('stepInPlace', last) : t('stepBack', back, last)] }
  },
  superseded: ({ by, ...detail }) => ({ detail, said: [by ? t('stepNowIn', by) : t('stepDiscarded')] }),
  held: ({ key, forMs, ...detail }) => ({ detail, said: [t('stepHeld', heldFor(key), duration(Number(forMs)))] }),
  unheld: ({ key, ...detail }) => ({ detail, said: [t('stepUnheld', heldFor(key))] }),
  committed: detail => ({ detail, said: [t('stepCommitted')] }),
}

/**
 * Unknown details, of a later version perhaps, stay as they are; ids come last: they are long.
 * @param step of the history
 */
export function saying({ step, detail: { ids, ...all } }) {
  const { detail, said: ofStep } = OF_STEP[step]?.(all) ?? { detail: all, said: [] }
  const said = Object.keys(SAYING).flatMap(name => (Object.hasOwn(detail, name) ? [SAYING[name](detail[name])] : []))
  const others = Object.keys(detail).filter(name => !Object.hasOwn(SAYING, name))
  const asItIs = others.map(name => `${name} ${detail[name]}`)
  return [...said, ...ofStep, ...asItIs, listIn(ids).join(', ')].filter(Boolean).join(' · ')
}

function listIn(text = '[]') {
  try {
    return [JSON.parse(text)].flat()
  } catch {
    // Not written by Lull.
    return [text]
  }
}

/** What a step of the history has to say beside its name, in words: as `lull trace` does in the terminal. */
import { counted, duration, outcome, reason, t } from './words.js'

/** In this order. */
const SAYING = {
  owner: name => t('stepBy', name),
  by: name => t('stepBy', name),
  reason,
  count: number => counted('message', Number(number)),
  lateMs: ms => t('stepLate', duration(Number(ms))),
  byMs: ms => t('stepLonger', duration(Number(ms))),
  attempt: number => t('stepAttempt', number),
  delayMs: ms => t('stepAgain', duration(Number(ms))),
  outcome,
  error: text => text,
  late: () => t('stepTooLate'),
}

/** @param detail of the step; what is not Lull's, or of a later version, stays as it is; ids come last: they are long */
export function saying({ ids, ...detail }) {
  const said = Object.keys(SAYING).flatMap(name => (Object.hasOwn(detail, name) ? [SAYING[name](detail[name])] : []))
  const others = Object.keys(detail).filter(name => !Object.hasOwn(SAYING, name))
  const asItIs = others.map(name => `${name} ${detail[name]}`)
  return [...said, ...asItIs, listIn(ids).join(', ')].filter(Boolean).join(' · ')
}

function listIn(text = '[]') {
  try {
    return [JSON.parse(text)].flat()
  } catch {
    // Whoever wrote it, it was not Lull.
    return [text]
  }
}

/** What keeps a batch from its due time, by the steps of its history: signs of typing and holds. */
import { countdown } from './formats.js'
import { t } from './words.js'

/** A sign of typing is worth as long, if no message comes and the typing does not end. */
const TYPING_MS = 12_000

/** Nothing: { typingUntilMs, holds } with holds as [key, when it ends]. */
export const NO_WAITS = { typingUntilMs: 0, holds: [] }

const ENDS_TYPING = ['opened', 'appended', 'sealed', 'claimed', 'dropped']

/** @param waits before the step @returns what is waited for after it */
export function waitsAfter(waits, { step, atMs, detail }) {
  const { key } = detail
  const others = () => waits.holds.filter(([other]) => other !== key)
  if (step === 'extended') return { ...waits, typingUntilMs: Number(detail.byMs) > 0 ? atMs + TYPING_MS : 0 }
  if (step === 'held') return { ...waits, holds: [...others(), [key, atMs + Number(detail.forMs)]] }
  if (step === 'unheld') return { ...waits, holds: others() }
  return ENDS_TYPING.includes(step) ? { ...waits, typingUntilMs: 0 } : waits
}

/** @param steps of a life, oldest first */
export const waitsBy = steps => steps.reduce(waitsAfter, NO_WAITS)

/** Texts: `is typing …`, `waits for the text of a message, at most 14 s more`. */
export function waitTexts({ typingUntilMs, holds }, now) {
  const held = holds.filter(([, endsMs]) => endsMs > now)
  return [
    ...(typingUntilMs > now ? [t('isTyping')] : []),
    ...held.map(([key, endsMs]) => t('waitsFor', waitedFor(key), countdown(endsMs - now))),
  ]
}

/** What a hold waits for, by its key: a message's is its id as JSON. */
export const waitedFor = key => (key.startsWith('"') ? t('textOfMessage') : key)

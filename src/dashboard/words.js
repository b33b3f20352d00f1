/**
 * The page's words in the language in use: sentences with values, counted words, and the words for the API's own terms.
 */

let code = 'en'
let words = {}
let plurals = new Intl.PluralRules(code)

/** @param name a BCP 47 language, `ru` @param table what its file in languages/ exports */
export function speak(name, table) {
  code = name
  words = table
  plurals = new Intl.PluralRules(code)
}

export const language = () => code

/** The words for `key`, with `{0}`, `{1}` … replaced. */
export const t = (key, ...values) => fill(words[key] ?? key, values)

/** A list of words. */
export const list = key => words[key]

/** `4 messages`: `what` names the plural forms. */
export function counted(what, number) {
  const forms = words[what]
  const form = forms[plurals.select(number)] ?? forms.other
  return fill(form, [number.toLocaleString(code)])
}

/** Why a webhook was refused. */
export const rejection = key => words.rejections[key] ?? key

/** What becomes of messages during a pause. */
export const keeping = key => words.keeps[key] ?? key

/** How the work on a batch ended. */
export const outcome = key => words.outcomes[key] ?? key

/** Why a batch was released. */
export const reason = key => words.reasons[key] ?? key

/** The same, by a rule of its own: see `reasons` and `ruleReasons` of a language. @param shown its value in words */
export const ruleReason = (name, shown, scope) => fill(words.ruleReasons[name] ?? `${name} {0} ({1})`, [shown, scope])

/** The state of a batch, or what is wrong with it: the API's `state`, or the kind of its `wrong`. */
export const lifeState = key => words.states[key] ?? key

/** What a batch spent its time on: the name of a phase. */
export const phaseName = key => words.phases[key] ?? key

const fill = (text, values) => text.replace(/\{(\d)\}/g, (_, i) => String(values[i] ?? ''))

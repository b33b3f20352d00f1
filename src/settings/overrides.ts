/**
 * Overrides: the rules that a scope, a hook or a caller sets, and no others. They have the names, the bounds and the
 * error lines of the settings that they override.
 */
import { z } from 'zod'
import { meantBy } from '../config/meant.js'
import { type AnySettings, type Declared, declaredIn } from '../config/setting.js'
import { messageRules } from '../conversation-rules.js'
import type { ConversationSettings, Rules } from '../rule-types.js'
import { checkTogether, rulesSchema } from '../rules.js'
import { shapeOf } from '../shape-of.js'

const settings = z.object({ ...rulesSchema.shape, ...messageRules })
const { shape } = settings

/** Without the defaults: what is not given is not overridden. */
export const overridesShape = shapeOf<Overrides>()(
  z
    .strictObject({
      quietGapMs: shape.quietGapMs.unwrap(),
      maxWaitMs: shape.maxWaitMs.unwrap(),
      maxMessages: shape.maxMessages.unwrap(),
      maxBytes: shape.maxBytes.unwrap(),
      typingGapMs: shape.typingGapMs.unwrap(),
      earlyStartMs: shape.earlyStartMs.unwrap(),
      answering: shape.answering.unwrap(),
      batching: shape.batching.unwrap(),
      onOwnMessage: shape.onOwnMessage.unwrap(),
      pauseMs: shape.pauseMs.unwrap(),
      paused: shape.paused.unwrap(),
      holdTypes: shape.holdTypes.unwrap(),
      holdMs: shape.holdMs.unwrap(),
      holdMaxMs: shape.holdMaxMs.unwrap(),
    })
    .partial(),
)

/** Some of a conversation's rules. */
export type Overrides = Partial<ConversationSettings>

export type { ConversationSettings }

/** By the rule's name; a text is read as the environment's. */
const declared: ReadonlyMap<string, Declared> = new Map(
  declaredIn(settings).filter(([name]) => Object.hasOwn(overridesShape.shape, name)),
)

/** The names that may be set, in the order in which they are documented. */
export const OVERRIDES = overridesShape.keyof().options

/** A rule that a scope, a hook or a caller may set. */
export type OverrideName = keyof ConversationSettings

/** Their declarations, with the defaults. */
export const overrideSettings: AnySettings = { shape: Object.fromEntries(OVERRIDES.map(name => [name, shape[name]])) }

/**
 * @param values by the rule's name; a value may also be the text that its environment variable would have
 * @throws {RangeError} one line: the name, its value, its bounds; or the name that was probably meant
 */
export function overridesFrom(values: unknown): Overrides {
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw new RangeError('settings must be an object of rules, such as {"quietGapMs":6000}')
  const given: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue
    const { fromText } = declared.get(name) ?? unknownRule(name, value)
    given[name] = typeof value === 'string' && fromText ? fromText(value.trim()) : value
  }
  const parsed = overridesShape.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const name = String(issue?.path[0])
  throw new RangeError(`${shown(name, Reflect.get(values, name))}: ${declared.get(name)?.bounds ?? issue?.message}`)
}

/** The rules of `base` and these together. @throws {RangeError} one line, if they contradict each other */
export function withOverrides<Base extends Rules>(
  base: Base,
  { batching: _, onOwnMessage: __, ...rules }: Overrides,
): Base {
  const all = { ...base, ...defined(rules) }
  // A gap that is longer than the header's TTL is no contradiction: the store makes such a header live longer.
  checkTogether({ ...all, batchTtlMs: Math.max(all.batchTtlMs, all.quietGapMs + 1) })
  return all
}

const defined = <Values extends object>(values: Values) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))

/** The name that was probably meant: one with few other letters, or the rule of an environment variable. */
function meant(name: string): string | undefined {
  for (const [rule, { variable }] of declared) if (variable === name) return rule
  return meantBy(name, OVERRIDES)
}

/** @throws {RangeError} one line, for a name that is no rule's */
export function overrideName(name: string): OverrideName {
  return OVERRIDES.find(known => known === name) ?? unknownRule(name)
}

function unknownRule(name: string, value?: unknown): never {
  const meantName = meant(name)
  throw new RangeError(
    `${value === undefined ? name.slice(0, LONGEST_SHOWN) : shown(name, value)}: there is no such rule${meantName ? `, did you mean ${meantName}?` : `; there are ${OVERRIDES.join(', ')}`}`,
  )
}

const LONGEST_SHOWN = 80

function shown(name: string, value: unknown): string {
  const text = typeof value === 'string' && /^[\x21-\x7e]*$/.test(value) ? value : JSON.stringify(value)
  return `${name.slice(0, LONGEST_SHOWN)}=${text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text}`
}

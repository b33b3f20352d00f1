/** Why a batch was released, in words: by a rule of all conversations, or by one of its conversation's own. */
import { numberText, round } from './formats.js'
import { reason, ruleReason } from './words.js'

/** @param rule one of its own: `{ name, value, scope }` */
export function because(key, rule) {
  if (!rule) return reason(key)
  const { name, value, scope } = rule
  return ruleReason(name, name.endsWith('Ms') ? round(value) : numberText(value), scope)
}

/** The rule that a step's detail names, `quietGapMs=6000` of `shop`; `undefined` without one. */
export function ruleIn({ rule = '', scope }) {
  const [, name, value] = /^(\w+)=(\d+)$/.exec(rule) ?? []
  return name === undefined || scope === undefined ? undefined : { name, value: Number(value), scope }
}

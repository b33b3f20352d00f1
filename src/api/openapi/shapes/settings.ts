/** Stored rules as the API takes and shows them. */
import { z } from 'zod'
import { declaredIn } from '../../../config/setting.js'
import { messageRules } from '../../../conversation-rules.js'
import { rulesSchema } from '../../../rules.js'
import type { Edited, Held, ScopeView } from '../../../settings/edit.js'
import { OVERRIDES, type Overrides, overridesShape } from '../../../settings/overrides.js'
import type { StoredScope } from '../../../settings/snapshot.js'
import { shapeOf } from '../../../shape-of.js'

// Each rule has the words of docs/settings.md, wherever it is documented.
for (const [name, { meaning }] of declaredIn(z.object({ ...rulesSchema.shape, ...messageRules }))) {
  const rule = OVERRIDES.find(each => each === name)
  if (rule) z.globalRegistry.add(overridesShape.shape[rule], { description: meaning })
}

export const newRules = overridesShape.meta({ id: 'NewRules' })

/** Open: a later version may have more rules. */
export const rules = shapeOf<Overrides>()(z.object(overridesShape.shape)).meta({ id: 'Rules' })

const ignored = z.string().optional().describe('Why the rules of the scope are not used')

const scope = shapeOf<StoredScope>()(z.object({ scope: z.string(), rules, ignored })).meta({ id: 'Scope' })

const { answering, onOwnMessage, paused, holdTypes } = overridesShape.shape
const words = z.enum([...answering.unwrap().options, ...onOwnMessage.unwrap().options, ...paused.unwrap().options])

const held = shapeOf<Held>()(
  z.object({
    name: z.enum(OVERRIDES),
    value: z.union([z.number(), z.boolean(), words, holdTypes.unwrap()]),
    scope: z.string().optional().describe("Where it comes from; absent: the settings of the API's process"),
  }),
)

export const scopes = z.object({ settings: z.array(scope).describe('`*` first') })

export const scopeView = shapeOf<ScopeView>()(
  z.object({ scope: z.string(), rules, ignored, holds: z.array(held).describe('Every rule, and where it comes from') }),
).meta({ id: 'ScopeView' })

export const edited = shapeOf<Edited>()(
  z.object({
    scope: z.string(),
    rules,
    warnings: z.array(z.string()).describe('Scopes whose rules contradict the new ones, and are not used any more'),
  }),
).meta({ id: 'EditedScope' })

/**
 * JSON Schema from zod shapes. A shape with an `id` in its metadata becomes a named schema that others refer to.
 */
import { z } from 'zod'
import { filledText, id, LONGEST_ID, text, time } from './providers/fields.js'

export type JsonSchema = Record<string, unknown>

/** What a client sends (`input`), or gets (`output`). */
export type Direction = 'input' | 'output'

/**
 * What the lenient readers of webhook fields take; anything else counts as absent. By their definitions, which copies
 * with a description share.
 */
const READ: ReadonlyMap<unknown, JsonSchema> = new Map<unknown, JsonSchema>([
  [id.def, { type: ['string', 'integer'], maxLength: LONGEST_ID }],
  [text.def, { type: 'string' }],
  [filledText.def, { type: 'string' }],
  [time.def, { type: ['number', 'string'] }],
])

export class JsonSchemas {
  /** Those with a name. */
  readonly named: Record<string, JsonSchema> = {}

  /** @param at where named schemas are to be found: `#/components/schemas/` */
  constructor(private readonly at: string) {}

  of(shape: z.ZodType, io: Direction): JsonSchema {
    const converted: unknown = z.toJSONSchema(shape, { io, override: plain })
    const { $schema: _, '~standard': __, $defs = {}, ...schema } = this.moved(converted)
    for (const [name, one] of Object.entries(z.record(z.string(), z.record(z.string(), z.unknown())).parse($defs))) {
      const { id: ___, ...rest } = one
      const known = this.named[name]
      if (known && JSON.stringify(known) !== JSON.stringify(rest))
        throw new TypeError(`two different schemas have the name ${name}: the ${io} one needs another`)
      this.named[name] = rest
    }
    return schema
  }

  private moved(converted: unknown): JsonSchema {
    const json = JSON.stringify(converted).replaceAll('"$ref":"#/$defs/', `"$ref":"${this.at}`)
    return z.record(z.string(), z.unknown()).parse(JSON.parse(json))
  }
}

/**
 * Objects stay open unless they are strict: later versions may add fields. The bounds that every whole number has in
 * JavaScript say nothing. A list that TypeScript may not change is `readOnly` to zod; to OpenAPI a client may not send
 * such a field.
 */
function plain({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: z.core.JSONSchema.BaseSchema }) {
  Object.assign(jsonSchema, READ.get(zodSchema._zod.def))
  const { def } = zodSchema._zod
  if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties
  delete jsonSchema.readOnly
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
}

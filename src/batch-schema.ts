/** JSON Schema of the handed-over batch, for receivers in any language: docs/batch.schema.json. */
import { batchShape } from './batch-shape.js'
import { type JsonSchema, JsonSchemas } from './json-schema.js'

export function batchSchema(): JsonSchema {
  const schemas = new JsonSchemas('#/$defs/')
  schemas.of(batchShape, 'output')
  const { Batch, ...others } = schemas.named
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: "Lull's batch, version 1",
    ...Batch,
    $defs: others,
  }
}

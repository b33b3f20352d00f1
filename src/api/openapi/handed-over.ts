/** The POST that Lull sends to `LULL_HANDOVER_URL`: OpenAPI calls a request in this direction a webhook. */
import { batchShape } from '../../batch-shape.js'
import type { JsonSchema, JsonSchemas } from '../../json-schema.js'

const HEADERS = {
  'webhook-id': "The batch's id, the same at every attempt",
  'webhook-timestamp': 'When this attempt was sent: seconds since 1970',
  'webhook-signature':
    'With LULL_HANDOVER_SECRET only: signs the two above and the body, as Standard Webhooks (https://www.standardwebhooks.com) specify',
  'lull-attempt': 'The number of this attempt: 1 for the first one, and again for the first one after a redrive',
}
const OPTIONAL = 'webhook-signature'

const RESPONSES = {
  200: 'The batch is answered',
  202: 'The batch is taken: `POST /batches/{batchId}/answered` reports the end of the work',
  204: 'The batch is answered',
  default: 'A failed attempt, like no response in time; Retry-After of a 429 or 503 is respected',
}

export const handedOver = (schemas: JsonSchemas): JsonSchema => ({
  post: {
    operationId: 'takeBatch',
    tags: ['Batches'],
    summary: 'Take a batch, with LULL_HANDOVER=http',
    description: 'Lull sends this request; your program responds.',
    security: [],
    parameters: Object.entries(HEADERS).map(([name, description]) => ({
      name,
      in: 'header',
      ...(name === OPTIONAL ? {} : { required: true }),
      description,
      schema: { type: 'string' },
    })),
    requestBody: { required: true, content: { 'application/json': { schema: schemas.of(batchShape, 'output') } } },
    responses: Object.fromEntries(Object.entries(RESPONSES).map(([status, description]) => [status, { description }])),
  },
})

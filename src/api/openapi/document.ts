/**
 * The API's description as OpenAPI 3.1: what `GET /openapi.json` returns and docs/openapi.json holds. It is made of the
 * operations and of the zod shapes by which the routes check what they get.
 */
import type { z } from 'zod'
import { type JsonSchema, JsonSchemas } from '../../json-schema.js'
import { handedOver } from './handed-over.js'
import { type Body, error, HEADERS, type Operation, type Reply, TAGS } from './operation.js'
import { OPERATIONS } from './operations/index.js'
import { PARAMETERS } from './parameters.js'

const DESCRIPTION = `Lull collects what one person sends a bot in one go, and hands it over as one batch when they fall
silent. Ids in a path are URL-encoded: \`shop/79990000012@c.us\` is \`shop%2F79990000012%40c.us\`. For proxies that refuse
\`%2F\` most routes have a second address with the ids in the query; the names of these operations end in \`Query\`.

Bodies are JSON; a flat one may also be a form. Every GET route also answers HEAD, and every
route OPTIONS, with the methods that it allows; another method is 405, and a path that does not exist 404. Every error
is an \`Error\`. Responses may get more fields in later versions: ignore unknown ones.`

/** Errors that many routes have, by their name among the components. */
const ERRORS = {
  BadRequest: error(
    'A field, an id or a rule is missing or cannot be used',
    'limit="x" is not a whole number from 1 to 1000: correct it, or leave it out',
  ),
  Unauthorized: {
    ...error('The token is missing or wrong', 'the token is not LULL_API_TOKEN: send that one'),
    headers: ['WWW-Authenticate'],
  },
  Forbidden: error(
    "Instead of the token it has the page's cookie, and another site's page caused it",
    'with the cookie only the page itself may change anything: send the header "Authorization: Bearer <LULL_API_TOKEN>"',
  ),
  TooLarge: error(
    'The body is too large, or has too many items',
    'the body is larger than 16777216 bytes: send less at a time, or raise LULL_MAX_BODY_BYTES',
  ),
  Compressed: error('The body is compressed', 'Content-Encoding "gzip" is not supported: send the body uncompressed'),
  Defect: error('A defect of Lull: the log has the details', 'internal error, see the log'),
  Unavailable: {
    ...error(
      'Redis cannot be used now, too much is under way, or the API stops',
      'Redis cannot be used now (connection): send the request again in 5 s',
    ),
    headers: ['Retry-After'],
  },
} as const satisfies Record<string, Reply>

type ErrorName = keyof typeof ERRORS

/** @param version Lull's */
export function openApi(version: string, operations: readonly Operation[] = OPERATIONS): JsonSchema {
  const schemas = new JsonSchemas('#/components/schemas/')
  const paths: Record<string, JsonSchema> = {}
  const responses = Object.fromEntries(
    Object.entries(ERRORS).map(([name, reply]) => [name, responseOf(reply, schemas)]),
  )
  for (const operation of operations.flatMap(withQueryForms))
    paths[operation.path] = { ...paths[operation.path], [operation.method]: operationOf(operation, schemas) }
  const webhooks = { batch: handedOver(schemas) }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Lull',
      version,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    // Relative to this description's own address, as a proxy may serve the API below a path.
    servers: [{ url: '.', description: 'The API that serves this description' }],
    security: [{ bearer: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    webhooks,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'LULL_API_TOKEN' } },
      responses,
      schemas: Object.fromEntries(Object.entries(schemas.named).sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  }
}

/** An operation, and the same with ids in the query. */
function withQueryForms({ inQuery = {}, ...one }: Operation): Operation[] {
  const others = Object.entries(inQuery).map(([suffix, path]) => {
    const moved = parametersIn(one.path).filter(name => !parametersIn(path).includes(name))
    const ids = Object.fromEntries(moved.map(name => [name, shapeOfParameter(name)]))
    const summary = `${one.summary} (${moved.join(' and ')} in the query)`
    return { ...one, id: `${one.id}${suffix}`, path, query: { ...ids, ...one.query }, summary }
  })
  return [one, ...others]
}

function operationOf(operation: Operation, schemas: JsonSchemas): JsonSchema {
  const { id, tag, path, query = {}, body, replies, summary, description, isOpen } = operation
  const inPath = parametersIn(path).map(name => {
    const { shape, description, example } = PARAMETERS[name] ?? missing(name)
    return { name, in: 'path', required: true, description, schema: schemas.of(shape, 'output'), example }
  })
  const parameters = [...inPath, ...Object.entries(query).map(([name, shape]) => inQueryOf(name, shape, schemas))]
  const errors = Object.entries(errorsOf(operation)).map(([status, name]) => [
    status,
    { $ref: `#/components/responses/${name}` },
  ])
  const own = Object.entries(replies).map(([status, reply]) => [status, responseOf(reply, schemas)])
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(isOpen ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: requestBodyOf(body, schemas) }),
    responses: { ...Object.fromEntries(errors), ...Object.fromEntries(own) },
  }
}

function errorsOf({ path, query, body, method, isOpen, isSure }: Operation): Record<string, ErrorName> {
  return {
    ...(path.includes('{') || query || body ? { 400: 'BadRequest' } : {}),
    ...(isOpen ? {} : { 401: 'Unauthorized' }),
    ...(isOpen || method === 'get' ? {} : { 403: 'Forbidden' }),
    ...(body ? { 413: 'TooLarge', 415: 'Compressed' } : {}),
    ...(isSure ? {} : { 500: 'Defect', 503: 'Unavailable' }),
  }
}

function inQueryOf(name: string, shape: z.ZodType, schemas: JsonSchemas): JsonSchema {
  const { description, ...schema } = schemas.of(shape, 'output')
  return {
    name,
    in: 'query',
    ...(shape.safeParse(undefined).success ? {} : { required: true }),
    ...(description === undefined ? {} : { description }),
    schema,
  }
}

function requestBodyOf({ shape, examples, takesForms }: Body, schemas: JsonSchemas): JsonSchema {
  const form = { 'application/x-www-form-urlencoded': { schema: { type: 'object' } } }
  return {
    ...(shape.safeParse(undefined).success ? {} : { required: true }),
    content: {
      'application/json': {
        schema: schemas.of(shape, 'input'),
        examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])),
      },
      ...(takesForms ? form : {}),
    },
  }
}

function responseOf({ description, type, shape, examples, headers }: Reply, schemas: JsonSchemas): JsonSchema {
  const [first, ...more] = examples
  const shown =
    more.length > 0
      ? { examples: Object.fromEntries(examples.map((value, index) => [`example${index + 1}`, { value }])) }
      : first === undefined
        ? {}
        : { example: first }
  return {
    description,
    ...(headers ? { headers: Object.fromEntries(headers.map(name => [name, HEADERS[name]])) } : {}),
    content: { [type ?? 'application/json']: { schema: schemas.of(shape, 'output'), ...shown } },
  }
}

const parametersIn = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)

const shapeOfParameter = (name: string): z.ZodType => {
  const { shape, description } = PARAMETERS[name] ?? missing(name)
  return shape.describe(description.replace(', URL-encoded', ''))
}

function missing(name: string): never {
  throw new TypeError(`the parameter ${name} is not declared in parameters.ts`)
}

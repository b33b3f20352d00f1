/** The API's description, to hold requests and replies against it. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { z } from 'zod'
import { openApi } from '../../../src/api/openapi/document.js'

const METHODS = ['get', 'post', 'put', 'delete'] as const

const operationShape = z.looseObject({
  parameters: z
    .array(z.looseObject({ name: z.string(), in: z.string(), required: z.boolean().optional() }))
    .default([]),
  responses: z.record(z.string(), z.looseObject({ $ref: z.string().optional() })),
})
const documentShape = z.looseObject({
  paths: z.record(z.string(), z.partialRecord(z.enum(METHODS), operationShape)),
})

export interface Route {
  method: string
  path: string
}

export interface GivenReply extends Route {
  status: number
  type: string
  body: unknown
}

export class Described {
  private readonly document: z.infer<typeof documentShape>
  private readonly ajv: Ajv2020
  private readonly validators = new Map<string, ValidateFunction>()

  constructor(document: unknown = openApi('0.0.0')) {
    this.document = documentShape.parse(document)
    this.ajv = new Ajv2020({ strict: false, allErrors: true })
    this.ajv.addSchema(closed(this.document), 'api')
  }

  /** All routes that are described. */
  get routes(): Route[] {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => ({ method: method.toUpperCase(), path })),
    )
  }

  /** What the description does not say of a reply; `undefined`: nothing. Routes that are not described are not checked. */
  fault({ method, path, status, type, body }: GivenReply): string | undefined {
    const route = this.routeOf(method, path)
    if (!route) return undefined
    const { template, operation } = route
    const what = `${method} ${template} ${status}`
    const response = operation.responses[String(status)]
    if (!response) return `${what}: the description has no such status`
    const where = response.$ref?.slice(1) ?? pointer('paths', template, method.toLowerCase(), 'responses', `${status}`)
    const validate = this.validator(`${where}${pointer('content', type, 'schema')}`)
    if (validate === undefined) return `${what}: the description has no ${type}`
    return validate(body) ? undefined : `${what}: ${this.ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`
  }

  /** The described route of a request; with fewer parameters in its path first, if the query has what it requires. */
  private routeOf(method: string, path: string) {
    const [plain = '', query] = path.split('?')
    const fields = new URLSearchParams(query)
    const operation = METHODS.find(each => each.toUpperCase() === method)
    const found = Object.entries(this.document.paths).flatMap(([template, methods]) => {
      const described = operation && methods[operation]
      return described && patternOf(template).test(plain) ? [{ template, operation: described }] : []
    })
    found.sort((a, b) => parametersIn(a.template) - parametersIn(b.template))
    const hasAll = ({ operation: { parameters } }: (typeof found)[number]) =>
      parameters.every(({ name, in: place, required }) => place !== 'query' || !required || fields.has(name))
    return found.find(hasAll) ?? found[0]
  }

  private validator(at: string): ValidateFunction | undefined {
    try {
      const known = this.validators.get(at) ?? this.ajv.compile({ $ref: `api#${at}` })
      this.validators.set(at, known)
      return known
    } catch {
      return undefined
    }
  }
}

const patternOf = (template: string) => new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}/?$`)

const parametersIn = (template: string) => template.split('{').length - 1

/** A JSON pointer as a fragment. */
const pointer = (...names: string[]) =>
  names.map(name => `/${encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('')

/** No object may have a field that is not described. */
export function closed(schema: unknown): object {
  const json: unknown = JSON.parse(JSON.stringify(schema), (_name, value) =>
    isObjectSchema(value) && value.additionalProperties === undefined
      ? { ...value, additionalProperties: false }
      : value,
  )
  if (typeof json !== 'object' || json === null) throw new TypeError('a schema is an object')
  return json
}

const isObjectSchema = (value: unknown): value is { properties: object; additionalProperties?: unknown } =>
  typeof value === 'object' && value !== null && 'properties' in value && 'type' in value && value.type === 'object'

/** A route as the API's description has it. The routes' own files have the shapes of what they take. */
import { z } from 'zod'

export const TAGS = {
  Webhooks: 'Messages from providers. A signature or token of the provider proves the sender, not the bearer token.',
  Conversations: 'What waits, what was, and what a person or a program does with it.',
  Messages: 'Messages of any channel.',
  Batches: 'Answers to batches, and the batches whose handover failed for good.',
  Settings: 'Rules that are stored while the system runs.',
  System: 'Health, metrics, events, and this description.',
} as const

export type Tag = keyof typeof TAGS

export interface Operation {
  /** The name of the function in generated clients. */
  id: string
  tag: Tag
  method: 'get' | 'post' | 'put' | 'delete'
  /** Its parameters are declared in `parameters.ts`. */
  path: string
  /** The same without some of its ids, which are fields of the query then; by what follows `id` in the name there. */
  inQuery?: Readonly<Record<string, string>>
  summary: string
  description?: string
  /** Fields of the query. The shape says whether a field may be absent. */
  query?: Record<string, z.ZodType>
  body?: Body
  /** By status. `document.ts` adds the errors that many routes have. */
  replies: Record<number, Reply>
  /** Needs no token. */
  isOpen?: true
  /** Cannot fail: neither the store nor anything else is asked. */
  isSure?: true
}

export interface Body {
  shape: z.ZodType
  /** By a word for what it shows. */
  examples: Record<string, unknown>
  /** Forms are in the description, too: some providers send nothing else. Clients have no use for them. */
  takesForms?: true
}

export interface Reply {
  description: string
  type?: 'text/plain' | 'text/event-stream'
  shape: z.ZodType
  examples: unknown[]
  headers?: (keyof typeof HEADERS)[]
}

export const HEADERS = {
  'Retry-After': { description: 'Send the request again after so many seconds', schema: { type: 'string' } },
  'WWW-Authenticate': { description: 'Always `Bearer`', schema: { type: 'string' } },
} as const

/** A body that may be absent, if its shape is optional. */
export const body = <Shape extends z.ZodType>(
  shape: Shape,
  examples: Record<string, z.input<Shape>>,
  more: Pick<Body, 'takesForms'> = {},
): Body => ({ shape, examples, ...more })

export const reply = <Shape extends z.ZodType>(
  description: string,
  shape: Shape,
  ...examples: z.output<Shape>[]
): Reply => ({ description, shape, examples })

export const errorShape = z
  .object({ error: z.string().describe('One line: what is wrong, and what to do') })
  .meta({ id: 'Error' })

export const error = (description: string, ...examples: string[]): Reply =>
  reply(description, errorShape, ...examples.map(error => ({ error })))

/** Milliseconds since 1970, by the store's clock. */
export const atMs = (meaning: string) => z.number().describe(`${meaning}; milliseconds since 1970`)

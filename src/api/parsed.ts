/** Checks a part of a request by the zod shape that also describes it at `/openapi.json`. */
import { z } from 'zod'
import { Refusal } from '../http/refusal.js'

/**
 * @param why what the client gets for any fault; without it, what the shape says of the first one
 * @throws {Refusal} 400
 */
export function parsed<Shape extends z.ZodType>(shape: Shape, value: unknown, why?: string): z.output<Shape> {
  const { success, data, error } = shape.safeParse(value)
  if (success) return data
  throw new Refusal(400, why ?? error.issues[0]?.message ?? 'the request is not valid')
}

/** A field of a query that has to be a whole number from `min` to `max`. */
export const wholeInQuery = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max))

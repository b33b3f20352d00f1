/**
 * Reads by a zod shape without zod's interpreter. A shape is compiled once into one function for each of its parts; zod
 * makes two objects for each field of each message instead, which took a fifth of a webhook's CPU
 * (docs/performance.md).
 *
 * The shape stays the only description. Parts that are not compiled here are left to zod, and the result is the same,
 * except that a field without a value is left out even if the body has it.
 */
import { z } from 'zod'

type Step = (value: unknown) => unknown

/** What a step returns for a value that does not have its shape. */
const FAULT = Symbol('fault')

/** @returns a function that reads a value; `undefined` if it does not have this shape */
export function reader<Shape extends z.ZodType>(shape: Shape): (value: unknown) => z.output<Shape> | undefined {
  const step = stepOf(shape)
  return value => {
    const read = step(value)
    return read === FAULT ? undefined : (read as z.output<Shape>)
  }
}

function stepOf(shape: z.core.$ZodType): Step {
  if (hasChecks(shape)) return byZod(shape)
  if (shape instanceof z.ZodObject && shape.def.catchall === undefined) return objectStep(shape)
  if (shape instanceof z.ZodArray) return arrayStep(shape)
  if (shape instanceof z.ZodUnknown) return value => value
  if (shape instanceof z.ZodBoolean) return value => (typeof value === 'boolean' ? value : FAULT)
  if (shape instanceof z.ZodString) return value => (typeof value === 'string' ? value : FAULT)
  if (shape instanceof z.ZodUnion) return unionStep(shape)
  if (shape instanceof z.ZodOptional) return optionalStep(shape)
  if (shape instanceof z.ZodDefault) return defaultStep(shape)
  if (shape instanceof z.ZodCatch) return catchStep(shape)
  if (shape instanceof z.ZodPipe) return pipeStep(shape)
  return byZod(shape)
}

const hasChecks = ({ _zod }: z.core.$ZodType) => (_zod.def.checks?.length ?? 0) > 0

const byZod =
  (shape: z.core.$ZodType): Step =>
  value => {
    const parsed = z.safeParse(shape, value)
    return parsed.success ? parsed.data : FAULT
  }

function objectStep(shape: z.ZodObject): Step {
  const fields = Object.entries(shape.def.shape).map(([name, field]) => ({
    name,
    step: stepOf(field),
    mayBeAbsent: field._zod.optin !== undefined,
  }))
  return value => {
    if (!isObject(value)) return FAULT
    const read: Record<string, unknown> = {}
    for (const { name, step, mayBeAbsent } of fields) {
      const given = value[name]
      if (given === undefined && !mayBeAbsent && !(name in value)) return FAULT
      const found = step(given)
      if (found === FAULT) return FAULT
      if (found !== undefined) read[name] = found
    }
    return read
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function arrayStep({ def }: z.ZodArray): Step {
  // Elements that something else reads: the list is not copied.
  if (def.element instanceof z.ZodUnknown) return value => (Array.isArray(value) ? value : FAULT)
  const step = stepOf(def.element)
  return value => {
    if (!Array.isArray(value)) return FAULT
    const read: unknown[] = []
    for (const each of value) {
      const found = step(each)
      if (found === FAULT) return FAULT
      read.push(found)
    }
    return read
  }
}

/** The first part that it is. */
function unionStep({ def }: z.ZodUnion): Step {
  const steps = def.options.map(stepOf)
  return value => {
    for (const step of steps) {
      const read = step(value)
      if (read !== FAULT) return read
    }
    return FAULT
  }
}

function optionalStep(shape: z.ZodOptional): Step {
  // It would put something in the place of what is absent.
  if (shape.def.innerType._zod.optin === 'defaulted') return byZod(shape)
  const step = stepOf(shape.def.innerType)
  return value => (value === undefined ? undefined : step(value))
}

function defaultStep({ def }: z.ZodDefault): Step {
  const step = stepOf(def.innerType)
  return value => {
    const read = value === undefined ? undefined : step(value)
    return read === undefined ? def.defaultValue : read
  }
}

function catchStep(shape: z.ZodCatch): Step {
  const step = stepOf(shape.def.innerType)
  // What it puts in the place of a fault may depend on the fault, which only zod describes.
  const caught = byZod(shape)
  return value => {
    const read = step(value)
    return read === FAULT ? caught(value) : read
  }
}

/** A function reads the value, as for the fields in `fields.ts`. */
function pipeStep(shape: z.ZodPipe): Step {
  const { in: before, out } = shape.def
  // One that takes a context may add faults to it.
  if (!(out instanceof z.ZodTransform) || hasChecks(out) || out.def.transform.length > 1) return byZod(shape)
  const { transform } = out.def
  const step = stepOf(before)
  return value => {
    const read = step(value)
    return read === FAULT ? FAULT : transform(read, NO_CONTEXT)
  }
}

const NO_CONTEXT: z.core.ParsePayload = { value: undefined, issues: [] }
